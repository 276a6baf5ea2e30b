"""ZAP: the question whether a peer may come in, and the answer, as frames (RFC 27).

Source: RFC 27; libzmq ``src/zap_client.cpp``.
"""

from zlinkcompat.wire.errors import (
    ZAP_BAD_REQUEST_ID,
    ZAP_BAD_VERSION,
    ZAP_INVALID_METADATA,
    ZAP_INVALID_STATUS_CODE,
    ZAP_MALFORMED_REPLY,
    ZAP_UNSPECIFIED,
    ProtocolError,
)
from zlinkcompat.wire.zmtp.commands import parse_metadata_untrusted

#: Where a handler is bound.
ENDPOINT = "inproc://zeromq.zap.01"

VERSION = b"1.0"
#: A connection asks once, and by a pipe of its own.
REQUEST_ID = b"1"

STATUSES = (b"200", b"300", b"400", b"500")


class ZapRequest:
    """May this peer come in?

    Parameters
    ----------
    domain, routing_id : bytes
        Our ZAP_DOMAIN and ROUTING_ID.
    mechanism : bytes
    credentials : list of bytes
        What the mechanism has: none, user name and password, or a public key of 32 bytes.
    required : bool
        Without a handler the peer may not.
    """

    def __init__(self, domain, routing_id, mechanism, credentials, required):
        self.domain = domain
        self.routing_id = routing_id
        self.mechanism = mechanism
        self.credentials = credentials
        self.required = required

    def frames(self, address):
        """The request. ``address`` (str) is the peer's."""
        return [
            b"",
            VERSION,
            REQUEST_ID,
            self.domain,
            address.encode(),
            self.routing_id,
            self.mechanism,
            *self.credentials,
        ]


class ZapReply:
    """What a handler said.

    Parameters
    ----------
    status : int
        200, 300 (try later), 400 or 500.
    text : str
    metadata : dict
        bytes to bytes: ``User-Id``, and what else the handler tells of the peer.
    """

    def __init__(self, status, text, metadata):
        self.status = status
        self.text = text
        self.metadata = metadata


def parse_reply(message):
    """Read a handler's reply.

    Parameters
    ----------
    message : bytes, Frame-like or list of those

    Returns
    -------
    ZapReply

    Raises
    ------
    ProtocolError
        It is none. The handler belongs to the program, but a broken one lets nobody in.
    """
    parts = message if type(message) is list else [message]
    frames = [part if type(part) is bytes else part.bytes for part in parts]
    if len(frames) != 7:
        raise bad(f"{len(frames)} frames, not 7", ZAP_MALFORMED_REPLY)
    delimiter, version, request_id, status, text, user_id, metadata = frames
    if delimiter:
        raise bad("no empty delimiter", ZAP_UNSPECIFIED)
    if version != VERSION:
        raise bad(f"version {version!r:.40}", ZAP_BAD_VERSION)
    if request_id != REQUEST_ID:
        raise bad(f"request id {request_id!r:.40}", ZAP_BAD_REQUEST_ID)
    if status not in STATUSES:
        raise bad(f"status {status!r:.40}", ZAP_INVALID_STATUS_CODE)
    try:
        properties = parse_metadata_untrusted(metadata, 0)
    except ProtocolError as error:
        raise bad(f"metadata: {error}", ZAP_INVALID_METADATA) from None
    properties[b"User-Id"] = user_id
    return ZapReply(int(status), text.decode("utf-8", "replace"), properties)


def bad(text, code):
    return ProtocolError(f"the ZAP handler's reply is broken: {text}", None, code)
