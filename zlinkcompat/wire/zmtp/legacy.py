"""ZMTP 2.0 and 1.0: the framing of peers with libzmq 3.2 and earlier.

Both versions have only messages. Without commands there are no mechanisms, heartbeats or metadata.
Subscriptions are messages that begin with 1 or 0.

Source: RFC 15 (ZMTP 2.0), RFC 13 (ZMTP 1.0); libzmq ``src/v1_decoder.cpp``, ``v1_encoder.cpp``,
``v2_decoder.cpp``.
"""

from __future__ import annotations

from struct import pack, unpack_from
from typing import Any

from zlinkcompat.wire.errors import MALFORMED_MESSAGE, MessageTooLarge, ProtocolError
from zlinkcompat.wire.zmtp.buffers import HEADER_MAX, MORE
from zlinkcompat.wire.zmtp.commands import Subscribe, Unknown, frame_of_message
from zlinkcompat.wire.zmtp.decoder import Decoder
from zlinkcompat.wire.zmtp.encoder import Encoder

LONG_1 = 255
LONG_2 = 2


class Version:
    """The differences between the older versions.

    Attributes
    ----------
    name : str
    subscribes : bool
        Whether subscribers send subscriptions. Others filter by themselves and receive everything.
    """

    subscribes = True

    def __init__(self, name: str) -> None:
        self.name = name

    def frame(self, body: bytes) -> bytes:
        """Return the whole frame of a message with one part (bytes)."""
        raise NotImplementedError  # abstract: each subclass implements it

    def header_untrusted(self, begin: bytes, position: int) -> tuple[int, int] | None:
        """Return (bytes of the header, bytes of the body); None if ``begin`` is too short.

        Parameters
        ----------
        begin : bytes
            The first :data:`HEADER_MAX` bytes, or fewer if there are no more.
        position : int, bytes
            The offset of ``begin`` in the peer's stream.
        """
        raise NotImplementedError  # abstract: each subclass implements it

    def make_decoder(self, *arguments: Any) -> Decoder:
        """Return a decoder. The arguments are those of :class:`Decoder`."""
        raise NotImplementedError  # abstract: each subclass implements it

    def make_encoder(self, *arguments: Any) -> Encoder:
        """Return an encoder. The arguments are those of :class:`Encoder`, without the first."""
        raise NotImplementedError  # abstract: each subclass implements it


class Version1(Version):
    """A size of one or nine bytes, which includes the flags; the flags; the body."""

    def frame(self, body: bytes) -> bytes:
        return header_1(len(body), 0) + body

    def header_untrusted(self, begin: bytes, position: int) -> tuple[int, int] | None:
        if not begin:
            return None
        header, size = 2, begin[0]
        if size == LONG_1:
            if len(begin) < HEADER_MAX:
                return None
            header, size = HEADER_MAX, unpack_from(">Q", begin, 1)[0]
        if size == 0:
            raise ProtocolError(
                "a frame of ZMTP 1 has no place for its flags", position, MALFORMED_MESSAGE
            )
        if size >> 63:
            raise ProtocolError(f"a frame of {size} bytes", position, MALFORMED_MESSAGE)
        return (header, size - 1) if len(begin) >= header else None

    def make_decoder(self, *arguments: Any) -> Decoder:
        return DecoderV1(*arguments)

    def make_encoder(self, *arguments: Any) -> Encoder:
        return EncoderV1(-1, *arguments)


class Unversioned(Version1):
    """libzmq 2, whose connections begin with the message of the routing id.

    Only this message shows that such a peer uses ZMTP. So its flags must be those that libzmq 2
    sends, which differ from the first bytes of TLS and HTTP.
    """

    subscribes = False

    def header_untrusted(self, begin: bytes, position: int) -> tuple[int, int] | None:
        sizes = Version1.header_untrusted(self, begin, position)
        if sizes is not None and begin[sizes[0] - 1]:
            raise ProtocolError(
                f"the peer does not use ZMTP: {begin!r}", position, MALFORMED_MESSAGE
            )
        return sizes


class Version2(Version):
    """The framing is that of ZMTP 3."""

    def frame(self, body: bytes) -> bytes:
        return frame_of_message(body)

    def header_untrusted(self, begin: bytes, position: int) -> tuple[int, int] | None:
        if len(begin) < 2:
            return None
        if begin[0] & LONG_2:
            return (9, unpack_from(">Q", begin, 1)[0]) if len(begin) >= 9 else None
        return 2, begin[1]

    def make_decoder(self, *arguments: Any) -> Decoder:
        return DecoderV2(*arguments)

    def make_encoder(self, *arguments: Any) -> Encoder:
        return Encoder(-1, *arguments)


UNVERSIONED = Unversioned("ZMTP 1.0 of libzmq 2")
VERSION_1 = Version1("ZMTP 1.0")
VERSION_2 = Version2("ZMTP 2.0")


def header_1(size: int, flags: int) -> bytes:
    """Return the bytes before a body of ``size`` bytes in ZMTP 1."""
    size += 1
    return pack("BB", size, flags) if size < LONG_1 else pack(">BQB", LONG_1, size, flags)


class DecoderV1(Decoder):
    """Decoder of ZMTP 1. As in libzmq, it ignores all flags except MORE."""

    def next(self) -> Any:
        self.is_command = False
        while True:
            if self.body is not None:
                if self.body_filled < self.body_size:
                    return None
                frame = self.take_body()
                self.body_size = 0
                message = self.finish(frame, self.body_flags)
            else:
                begin = self.peek(HEADER_MAX)
                sizes = VERSION_1.header_untrusted(begin, self.position)
                if sizes is None:
                    return None
                header, size = sizes
                if size > self.max_size:
                    raise MessageTooLarge(
                        f"a frame of {size} bytes is over the limit, {self.max_size}",
                        self.position,
                        MALFORMED_MESSAGE,
                    )
                flags = begin[header - 1] & MORE
                if header + size > self.tail - self.head:
                    self.read_exactly(header)
                    self.begin_body(size, flags)
                    return None
                self.read_exactly(header)
                message = self.finish(self.read_exactly(size), flags)
            if message is not None:
                return message


class DecoderV2(Decoder):
    """Decoder of ZMTP 2. A command can only belong to a later version, and is ignored."""

    def parse_command(self, body: bytes) -> Any:
        return Unknown(b"")


class EncoderV1(Encoder):
    """Encoder of ZMTP 1."""

    def add_frame(self, frame: Any, flags: int) -> bool:
        if isinstance(frame, Subscribe):
            frame = frame.mark + frame.topic
        return Encoder.add_frame(self, frame, flags)

    def put_header(self, size: Any, flags: Any) -> Any:
        # The callers have checked that there is room for one more part and for HEADER_MAX bytes.
        if not self.add_ready(header_1(size, flags)):
            raise MemoryError("the batch has no room for the header of a frame")
        return 0
