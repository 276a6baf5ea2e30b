"""ZAP: the request whether to accept a peer, and the reply, as frames (RFC 27).

Source: RFC 27; libzmq ``src/zap_client.cpp``.
"""

from __future__ import annotations

from typing import Any

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

#: The endpoint to which a handler binds.
ENDPOINT = "inproc://zeromq.zap.01"

VERSION = b"1.0"
#: One id is enough, because each connection asks once and by its own pipe.
REQUEST_ID = b"1"

STATUSES = (b"200", b"300", b"400", b"500")


class ZapRequest:
    """A request whether to accept a peer.

    Parameters
    ----------
    domain, routing_id : bytes
        The values of our ZAP_DOMAIN and ROUTING_ID.
    mechanism : bytes
    credentials : list of bytes
        Depends on the mechanism: nothing, user name and password, or a public key of 32 bytes.
    required : bool
        Whether to reject the peer if there is no handler.
    """

    def __init__(
        self,
        domain: bytes,
        routing_id: bytes,
        mechanism: bytes,
        credentials: list[Any],
        required: bool,
    ) -> None:
        self.domain = domain
        self.routing_id = routing_id
        self.mechanism = mechanism
        self.credentials = credentials
        self.required = required

    def frames(self, address: str) -> list[Any]:
        """Return the frames of the request. ``address`` (str) is the peer's."""
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
    """The reply of a handler.

    Parameters
    ----------
    status : int
        200, 300 (try later), 400 or 500.
    text : str
    metadata : dict
        bytes to bytes: ``User-Id`` and the handler's other metadata of the peer.
    """

    def __init__(self, status: int, text: str, metadata: dict[bytes, bytes]) -> None:
        self.status = status
        self.text = text
        self.metadata = metadata


def parse_reply(message: Any) -> ZapReply:
    """Parse a handler's reply.

    Parameters
    ----------
    message : bytes, Frame-like or list of those

    Returns
    -------
    ZapReply

    Raises
    ------
    ProtocolError
        The reply is malformed. The handler belongs to the program, but a broken one accepts nobody.
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


def bad(text: str, code: int) -> ProtocolError:
    return ProtocolError(f"the ZAP handler's reply is malformed: {text}", None, code)
