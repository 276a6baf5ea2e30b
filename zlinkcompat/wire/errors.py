"""Errors that a peer's bytes cause."""

from __future__ import annotations

# libzmq's ZMQ_PROTOCOL_ERROR_ZMTP_* numbers (zmq.h), reported by EVENT_HANDSHAKE_FAILED_PROTOCOL.
UNSPECIFIED = 0x10000000
UNEXPECTED_COMMAND = 0x10000001
INVALID_SEQUENCE = 0x10000002
KEY_EXCHANGE = 0x10000003
MALFORMED_UNSPECIFIED = 0x10000011
MALFORMED_MESSAGE = 0x10000012
MALFORMED_HELLO = 0x10000013
MALFORMED_INITIATE = 0x10000014
MALFORMED_ERROR = 0x10000015
MALFORMED_READY = 0x10000016
MALFORMED_WELCOME = 0x10000017
INVALID_METADATA = 0x10000018
CRYPTOGRAPHIC = 0x11000001
MECHANISM_MISMATCH = 0x11000002
ZAP_UNSPECIFIED = 0x20000000
ZAP_MALFORMED_REPLY = 0x20000001
ZAP_BAD_REQUEST_ID = 0x20000002
ZAP_BAD_VERSION = 0x20000003
ZAP_INVALID_STATUS_CODE = 0x20000004
ZAP_INVALID_METADATA = 0x20000005
WS_UNSPECIFIED = 0x30000000
# Our own numbers, because libzmq has none for these.
TLS_UNSPECIFIED = 0x40000000
TLS_CERTIFICATE = 0x40000001


class ProtocolError(Exception):
    """The peer's bytes are not ZMTP, or are not allowed now. This ends only its connection.

    Parameters
    ----------
    text : str
        A description of the error.
    offset : int, bytes, or None
        The offset of the error in the peer's stream; None if it has no offset.
    code : int
        libzmq's number for the error.
    """

    def __init__(self, text: str, offset: int | None, code: int = UNSPECIFIED) -> None:
        where = "" if offset is None else f" (at byte {offset} of the peer's stream)"
        super().__init__(text + where)
        self.offset = offset
        self.code = code
        self.answer = b""  # sent to the peer before the connection ends


class MessageTooLarge(ProtocolError):
    """A header announces a frame larger than MAXMSGSIZE; no memory was allocated for it."""


class CryptoError(ProtocolError):
    """An encrypted message was forged, replayed or put out of order.

    libzmq reports such an error as a failed handshake, even after the handshake."""


class AuthenticationFailed(ProtocolError):
    """A ZAP handler, the peer's or ours, rejected the other side.

    Parameters
    ----------
    text : str
        A text for the log, without credentials.
    code : int
        The status of RFC 27: 300, 400 or 500.
    command : bytes
        The body of the command that reports this to the peer; b"" if nothing is sent.
    """

    def __init__(self, text: str, code: int, command: bytes = b"") -> None:
        super().__init__(text, None, code)
        self.command = command
