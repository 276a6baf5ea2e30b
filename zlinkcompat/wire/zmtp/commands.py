"""Commands that peers exchange between messages.

Source: RFC 37 "Commands", "Subscriptions", "Heartbeating"; libzmq ``src/zmtp_engine.cpp``.
"""

from __future__ import annotations

from struct import pack, unpack_from
from typing import Any

from zlinkcompat.wire.errors import (
    INVALID_METADATA,
    MALFORMED_ERROR,
    MALFORMED_UNSPECIFIED,
    ProtocolError,
)

#: The longest context of a PING (bytes); libzmq truncates longer ones.
MAX_CONTEXT = 16


def body(name: bytes, data: bytes = b"") -> Any:
    """Return the body of a command: the length of ``name``, ``name``, and ``data``."""
    return pack("B", len(name)) + name + data


def frame(body: bytes) -> bytes:
    """Return the whole command frame for ``body``."""
    if len(body) > 255:
        return pack(">BQ", 6, len(body)) + body
    return pack("BB", 4, len(body)) + body


def frame_of_message(body: bytes) -> bytes:
    """Return the whole frame of a message with the single part ``body``."""
    return (pack(">BQ", 2, len(body)) if len(body) > 255 else pack("BB", 0, len(body))) + body


class Subscribe:
    """A request for messages whose first frame begins with ``topic`` (bytes).

    Over inproc, a SUB may be connected to a socket that does not publish. As with libzmq, that
    socket receives the topic as a frame. So an instance stands in for a frame's content, with
    ``bytes``, ``buffer``, ``event`` and ``len()``."""

    __slots__ = ("topic",)
    name = b"\x09SUBSCRIBE"
    mark = b"\x01"
    event = None

    def __init__(self, topic: bytes) -> None:
        self.topic = topic

    def __len__(self) -> int:
        return len(self.topic)

    @property
    def bytes(self) -> Any:
        return self.topic

    @property
    def buffer(self) -> memoryview:
        return memoryview(self.topic)

    def body(self) -> Any:
        """Return the command without its frame."""
        return self.name + self.topic

    def encode(self) -> Any:
        """Return the bytes for a peer with ZMTP 3.1: a command."""
        return frame(self.body())

    def encode_as_message(self) -> Any:
        """Return the bytes for a peer with ZMTP 3.0: a message frame."""
        return frame_of_message(self.mark + self.topic)


class Cancel(Subscribe):
    """The cancellation of one :class:`Subscribe` to ``topic``."""

    __slots__ = ()
    name = b"\x06CANCEL"
    mark = b"\x00"


class Ping:
    """A heartbeat that asks for a PONG.

    Parameters
    ----------
    ttl_ds : int, tenths of a second
        The peer may close the connection after this much silence; 0 means never.
    context : bytes
        The PONG returns it; at most 16 bytes.
    """

    __slots__ = ("ttl_ds", "context")

    def __init__(self, ttl_ds: int, context: bytes) -> None:
        self.ttl_ds = ttl_ds
        self.context = context

    def body(self) -> Any:
        return b"\x04PING" + pack(">H", self.ttl_ds) + self.context

    def encode(self) -> Any:
        return frame(self.body())


class Pong:
    """The reply to a PING, with its ``context`` (bytes)."""

    __slots__ = ("context",)

    def __init__(self, context: bytes) -> None:
        self.context = context

    def body(self) -> Any:
        return b"\x04PONG" + self.context

    def encode(self) -> Any:
        return frame(self.body())


class Error:
    """The rejection of the handshake for ``reason`` (bytes)."""

    __slots__ = ("reason",)

    def __init__(self, reason: bytes) -> None:
        self.reason = reason

    def body(self) -> Any:
        """Return the command without its frame."""
        return b"\x05ERROR" + pack("B", len(self.reason)) + self.reason

    def encode(self) -> Any:
        return frame(self.body())


class Unknown:
    """A well-formed command with an unknown ``name`` (bytes), which is ignored."""

    __slots__ = ("name",)

    def __init__(self, name: bytes) -> None:
        self.name = name


def encode_metadata(metadata: dict[bytes, bytes]) -> bytes:
    """Encode properties: each has a length byte, a name, a 32-bit length, and a value."""
    return b"".join(
        pack("B", len(name)) + name + pack(">I", len(value)) + value
        for name, value in metadata.items()
    )


def parse_metadata_untrusted(
    data: bytes, offset: int, max_size: int = 0, max_count: int = 0
) -> dict[bytes, bytes]:
    """Parse properties.

    Parameters
    ----------
    data : bytes
    offset : int, bytes
        The offset of ``data`` in the peer's stream.
    max_size : int, bytes
        Limit of the encoded size of all properties; 0 means no limit.
    max_count : int
        Limit of the number of properties, including repeated names; 0 means no limit.

    Returns
    -------
    dict
        bytes to bytes; if a name is repeated, the first value counts, as in libzmq.

    Raises
    ------
    ProtocolError
        A length points past the end, a name is not allowed by RFC 37, or a limit is exceeded.
    """
    if 0 < max_size < len(data):
        raise ProtocolError(
            f"metadata of {len(data)} bytes is over METADATA_MAX, {max_size}",
            offset,
            INVALID_METADATA,
        )
    metadata: dict[bytes, bytes] = {}
    at = count = 0
    while at < len(data):
        count += 1
        if 0 < max_count < count:
            raise ProtocolError(
                f"metadata has more properties than PROPERTIES_MAX, {max_count}",
                offset + at,
                INVALID_METADATA,
            )
        end = at + 1 + data[at]
        name = data[at + 1 : end]
        if not name or end + 4 > len(data):
            raise ProtocolError(
                "a metadata property is cut off or has no name", offset + at, INVALID_METADATA
            )
        (size,) = unpack_from(">I", data, end)
        at, value = end + 4 + size, data[end + 4 : end + 4 + size]
        if len(value) != size:
            raise ProtocolError(
                f"the metadata property {name!r} is cut off", offset + end, INVALID_METADATA
            )
        metadata.setdefault(name, value)
    return metadata


def split_command_untrusted(body: bytes, offset: int) -> tuple[bytes, bytes, int]:
    """Return ``(name, data, offset of data)`` of a command; see :func:`parse_command_untrusted`."""
    start = offset - len(body)
    end = 1 + body[0] if body else 1
    name = body[1:end]
    if not name or end > len(body):
        raise ProtocolError(
            "a command has no name, or a name longer than itself", start, MALFORMED_UNSPECIFIED
        )
    return name, body[end:], start + end


def parse_error_untrusted(data: bytes, offset: int) -> bytes:
    """Return the reason (bytes) of an ERROR command from its data, which lies at ``offset``."""
    if not data or len(data) < 1 + data[0]:
        raise ProtocolError("ERROR is cut off", offset, MALFORMED_ERROR)
    return data[1 : 1 + data[0]]


def parse_command_untrusted(body: bytes, offset: int) -> Any:
    """Parse the body of a command frame.

    Parameters
    ----------
    body : bytes
    offset : int, bytes
        The offset of the body's end in the peer's stream.

    Returns
    -------
    Subscribe, Cancel, Ping, Pong, Error or Unknown

    Raises
    ------
    ProtocolError
        The body is not a command, or is not well-formed for its kind.
    """
    name, data, offset = split_command_untrusted(body, offset)
    if name == b"SUBSCRIBE":
        return Subscribe(data)
    if name == b"CANCEL":
        return Cancel(data)
    if name == b"PING":
        if len(data) < 2:
            raise ProtocolError("PING has no TTL", offset, MALFORMED_UNSPECIFIED)
        return Ping(unpack_from(">H", data)[0], data[2 : 2 + MAX_CONTEXT])
    if name == b"PONG":
        return Pong(data)
    if name == b"ERROR":
        return Error(parse_error_untrusted(data, offset))
    return Unknown(name)
