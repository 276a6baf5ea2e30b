"""WebSocket control frames as commands, and close codes (RFC 6455, sections 5.5 and 7.4)."""

from __future__ import annotations

from struct import pack, unpack_from
from typing import Any

from zlinkcompat.wire.errors import WS_UNSPECIFIED, MessageTooLarge, ProtocolError
from zlinkcompat.wire.zmtp.commands import Ping, Pong

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FIN = 0x80
MASKED = 0x80
MAX_CONTROL = 125

#: The flag of a command in the first byte of a message (RFC 45).
ZWS_COMMAND = 2

NORMAL = 1000
PROTOCOL = 1002
NOT_TEXT = 1007
TOO_LARGE = 1009


class WebSocketError(ProtocolError):
    """The peer's frames break RFC 6455 or RFC 45.

    Parameters
    ----------
    text, offset
        The parameters of ProtocolError.
    close_code : int
        The code that the peer is told (RFC 6455, 7.4.1).
    """

    def __init__(self, text: str, offset: int, close_code: int = PROTOCOL) -> None:
        ProtocolError.__init__(self, text, offset, WS_UNSPECIFIED)
        self.close_code = close_code


class Close:
    """The end of a connection, with ``code`` (0: none was given) and ``reason`` (bytes)."""

    __slots__ = ("code", "reason")

    def __init__(self, code: int, reason: bytes = b"") -> None:
        self.code = code
        self.reason = reason


def payload_of(command: Any) -> tuple[int, bytes]:
    """Return (opcode, payload) of a Ping, Pong or Close. WebSocket pings have no time to live."""
    if type(command) is Close:
        if not command.code:
            return CLOSE, b""
        return CLOSE, pack(">H", command.code) + command.reason[: MAX_CONTROL - 2]
    return (PING if type(command) is Ping else PONG), command.context[:MAX_CONTROL]


def parse_control_untrusted(opcode: int, payload: bytes, position: int) -> Close | Ping | Pong:
    """Parse a control frame and return a Ping, Pong or Close.

    Raises
    ------
    WebSocketError
        A close frame with half a code, a forbidden code, or a reason that is not UTF-8.
    """
    if opcode == PING:
        return Ping(0, payload)
    if opcode == PONG:
        return Pong(payload)
    if not payload:
        return Close(0)
    if len(payload) == 1:
        raise WebSocketError("a close frame has half a code", position)
    (code,) = unpack_from(">H", payload)
    if not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
        raise WebSocketError(f"a close frame has the code {code}", position)
    check_text(payload[2:], position)
    return Close(code, payload[2:])


def check_text(data: bytes, position: int) -> None:
    """Raise unless ``data`` (bytes) is UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError:
        raise WebSocketError("text that is not UTF-8", position, NOT_TEXT) from None


def close_for(failure: Any) -> Close | None:
    """Return the Close that tells a peer why its connection ends; None if it cannot be told."""
    if failure is None:
        return Close(NORMAL)
    if isinstance(failure, MessageTooLarge):
        return Close(TOO_LARGE)
    if isinstance(failure, ProtocolError):
        return Close(getattr(failure, "close_code", PROTOCOL))
    return None
