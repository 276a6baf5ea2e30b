"""The decoding half of the frame codec: pure-Python fallback of ``decoder.pyx``, same interface.

The Cython module returns raw memory. This module returns memoryviews of bytearrays.
"""

from __future__ import annotations

import sys
from struct import Struct
from typing import Any

from zlinkcompat.tuning import Tuning
from zlinkcompat.wire.errors import (
    MALFORMED_MESSAGE,
    UNEXPECTED_COMMAND,
    MessageTooLarge,
    ProtocolError,
)
from zlinkcompat.wire.zmtp.buffers import BUFFER_SIZE, COMMAND, INLINE_MAX, LONG, MORE
from zlinkcompat.wire.zmtp.commands import parse_command_untrusted

__all__ = ["Decoder", "RawDecoder"]

FIRST_ROOM = 262144
#: The largest frame even without MAXMSGSIZE: 128 TiB, the address space of a process. Random bytes
#: that look like the header of a long frame nearly always announce more.
FRAME_MAX = min(sys.maxsize // 2, 1 << 47)
HEADER_READ_SIZE = 512
HEADER_READ_FROM = 32768
LEAST_ROOM = 2048
#: Bytes that count for each part of a message in addition to its own.
PART_COST = 48
#: The maximum number of frames in a message if RCVBYTES_MAX sets no limit.
PARTS_MAX = 65536

#: A buffer into which a body was received, reused for the next body of any connection. Threads can
#: add a few more. Reuse avoids a page fault for each page of newly allocated memory.
spare: list[bytearray] = []
SPARE = 1 << 20  # bytes of the largest buffer that is kept

_long = Struct(">BQ")


def pop_spare(spares: list[bytearray]) -> Any:
    """Remove and return one of the buffers; return an empty one if there is none."""
    try:
        return spares.pop()
    except IndexError:
        return b""


class Decoder:
    """Decodes bytes into whole messages. See the Cython module for its interface."""

    def __init__(
        self, max_size: int = -1, tuning: Tuning | None = None, counters: Any = None
    ) -> None:
        self.set_max_size(max_size)
        self.max_command = 0
        self.commands_only = False
        self.max_unfinished = 0
        self.tuning = Tuning() if tuning is None else tuning
        self.counters = counters
        self.max_read_size = self.read_size = min(self.tuning.in_batch_size, BUFFER_SIZE)
        self.large = BUFFER_SIZE
        if self.tuning.lazy_compact:
            self.large = min(self.tuning.zerocopy_threshold, INLINE_MAX)
        # As in libzmq, IN_BATCH_SIZE limits reads of several messages, and not those of one body.
        self.large = min(self.large, self.max_read_size + 1)
        self.buffer: Any = None
        self.head = 0
        self.tail = 0
        self.body: Any = None  # a list of chunks, because growing one buffer would copy it
        self.body_size = 0
        self.body_filled = 0
        self.chunk_filled = 0
        self.body_flags = 0
        self.parts: Any = None
        self.unfinished = 0
        self.is_command = False
        self.position = 0

    @property
    def available(self) -> int:
        """The number of unconsumed bytes in the buffer."""
        return self.tail - self.head

    def is_receiving_body(self) -> bool:
        """Tell whether a large body is arriving."""
        return self.body is not None

    def set_max_size(self, max_size: int) -> None:
        """Change the limit (bytes). It applies to frames whose header is not read yet."""
        self.max_size = FRAME_MAX if max_size < 0 else min(max_size, FRAME_MAX)

    def get_buffer(self) -> memoryview:
        """Return memory (memoryview) for the next read; call :meth:`commit` after the read."""
        if self.body is not None:
            left = self.body_size - self.body_filled
            if self.chunk_filled == len(self.body[-1]):
                self.body.append(bytearray(min(left, self.body_filled)))
                self.chunk_filled = 0
            return memoryview(self.body[-1])[self.chunk_filled : self.chunk_filled + left]
        if self.buffer is None:
            self.buffer = bytearray(BUFFER_SIZE)
            self.head = self.tail = 0
        elif self.head == self.tail:
            self.head = self.tail = 0
        elif self.head > 0:
            if self.wants_compaction():
                rest = self.tail - self.head
                self.buffer[:rest] = self.buffer[self.head : self.tail]
                self.head = 0
                self.tail = rest
                if self.counters is not None:
                    self.counters.compaction_count += 1
                    self.counters.compaction_bytes += rest
            elif self.counters is not None:
                self.counters.compaction_skipped_count += 1
        end = min(BUFFER_SIZE, self.tail + self.read_size)
        return memoryview(self.buffer)[self.tail : end]

    def wants_compaction(self) -> bool:
        room = BUFFER_SIZE - self.tail
        if not self.tuning.lazy_compact or room == 0:
            return True
        return self.head > self.tuning.compact_consumed and room < max(
            LEAST_ROOM, BUFFER_SIZE * self.tuning.compact_room // 100
        )

    def take_over(self, other: Any) -> None:
        """Copy the data that another decoder received and did not consume."""
        left = other.available
        self.position = other.position
        if left:
            self.buffer = bytearray(BUFFER_SIZE)
            self.buffer[:left] = other.peek(left)
            self.head = 0
            self.tail = left
            if self.counters is not None:
                self.counters.bytes_copied += left

    def commit(self, count: int) -> None:
        """Handle ``count`` bytes that were written to the memory of :meth:`get_buffer`."""
        if self.body is not None:
            self.body_filled += count
            self.chunk_filled += count
            self.position += count
        else:
            self.tail += count

    def use_full_read_size(self) -> None:
        """Prepare for a single frame instead of a stream of frames."""
        self.read_size = self.max_read_size

    def read_exactly(self, count: int) -> bytes | None:
        """Consume and return exactly ``count`` bytes; if fewer are there, return None."""
        if self.tail - self.head < count:
            return None
        data = self.peek(count)
        self.head += count
        self.position += count
        return data

    def peek(self, count: int) -> bytes:
        """Return the first ``count`` unconsumed bytes, or fewer if there are fewer."""
        if self.buffer is None:
            return b""
        return bytes(self.buffer[self.head : min(self.head + count, self.tail)])

    def next(self) -> Any:
        """Return the next whole message: bytes, or a list of bytes for several frames; or None."""
        while True:
            if self.body is not None:
                if self.body_filled < self.body_size:
                    return None
                frame = self.take_body()
                message = self.finish(frame, self.body_flags)
                if message is not None:
                    return message
                continue
            available = self.tail - self.head
            if available < 2:
                return None
            flags = self.buffer[self.head]
            if flags & ~(MORE | LONG | COMMAND):
                raise ProtocolError(
                    f"a frame has reserved flags: 0x{flags:02x}", self.position, MALFORMED_MESSAGE
                )
            if flags & LONG:
                if available < 9:
                    return None
                header = 9
                size = _long.unpack_from(self.buffer, self.head)[1]
                if size >> 63:
                    raise ProtocolError(
                        f"a frame of {size} bytes", self.position + 1, MALFORMED_MESSAGE
                    )
            else:
                header = 2
                size = self.buffer[self.head + 1]
            if flags & COMMAND:
                self.check_command(size, flags & MORE)
            elif self.commands_only:
                self.refuse_message()
            if size > self.max_size:
                raise MessageTooLarge(
                    f"a frame of {size} bytes is over the limit, {self.max_size}",
                    self.position,
                    MALFORMED_MESSAGE,
                )
            if header + size <= available:
                self.read_exactly(header)
                if size < HEADER_READ_FROM:
                    self.read_size = self.max_read_size
                message = self.finish(self.read_exactly(size), flags)
                if message is not None:
                    return message
            elif (
                size >= self.large
                or header + size > BUFFER_SIZE
                or (self.tuning.lazy_compact and self.wants_compaction())
            ):
                self.read_exactly(header)
                if self.counters is not None and size < self.large:
                    self.counters.compaction_skipped_count += 1
                self.begin_body(size, flags)
            else:
                return None

    def check_command(self, size: int, more: int) -> None:
        if more:
            raise ProtocolError(
                "a command says that more follows", self.position, MALFORMED_MESSAGE
            )
        if 0 < self.max_command < size:
            raise MessageTooLarge(
                f"a command of {size} bytes is over the limit, {self.max_command}",
                self.position,
                MALFORMED_MESSAGE,
            )

    def refuse_message(self) -> None:
        raise ProtocolError(
            "a message came before the end of the handshake", self.position, UNEXPECTED_COMMAND
        )

    def next_batch(self, most: int) -> Any:
        """Return the next messages, up to ``most``, that are single short frames in the buffer."""
        messages: list[Any] = []
        if (
            type(self) is Decoder
            and not self.commands_only
            and not self.body
            and self.parts is None
        ):
            while len(messages) < most and self.tail - self.head >= 2:
                flags, size = self.buffer[self.head], self.buffer[self.head + 1]
                if flags or size > self.max_size or self.tail - self.head < 2 + size:
                    break
                messages.append(self.read_exactly(2 + size)[2:])
        if not messages:
            return None
        self.is_command = False
        self.read_size = self.max_read_size
        return messages

    def finish(self, frame: bytes, flags: int) -> Any:
        self.is_command = bool(flags & COMMAND)
        if self.is_command:
            return frame
        if flags & MORE:
            if self.parts is None:
                self.parts = []
            self.append_part(frame)
            return None
        if self.parts is None:
            return frame
        message = self.parts
        self.parts = None
        self.unfinished = 0
        message.append(frame)
        return message

    def append_part(self, frame: Any) -> None:
        """Keep a frame until the rest of its message arrives."""
        if self.max_unfinished > 0:
            self.unfinished += len(frame) + PART_COST
            if self.unfinished > self.max_unfinished:
                raise MessageTooLarge(
                    f"{len(self.parts) + 1} frames of an unfinished message are over the limit, "
                    f"{self.max_unfinished} bytes",
                    self.position,
                    MALFORMED_MESSAGE,
                )
        elif len(self.parts) >= PARTS_MAX:
            raise MessageTooLarge(
                f"an unfinished message has {PARTS_MAX} frames; RCVBYTES_MAX allows more",
                self.position,
                MALFORMED_MESSAGE,
            )
        self.parts.append(frame)

    def begin_body(self, size: Any, flags: int) -> None:
        here = self.tail - self.head
        chunk = pop_spare(spare)
        if len(chunk) < max(here, 1):
            chunk = bytearray(min(size, max(FIRST_ROOM, here)))
        chunk[:here] = self.buffer[self.head : self.tail]
        self.head = self.tail
        self.position += here
        self.body = [chunk]
        self.body_size = size
        self.body_filled = self.chunk_filled = here
        self.body_flags = flags
        if size >= HEADER_READ_FROM:
            self.read_size = min(HEADER_READ_SIZE, self.max_read_size)

    def take_body(self) -> bytes:
        """Return the body, which is complete."""
        *chunks, last = self.body
        self.body = None
        body = b"".join((*chunks, memoryview(last)[: self.chunk_filled]))
        size = self.body_size
        self.body_size = 0
        if size <= SPARE and not spare:
            # The next body of this size is received into this buffer.
            spare.append(bytearray(size) if chunks else last)
        return body

    def parse_command(self, body: bytes) -> Any:
        """Return the command that :meth:`next` returned with :attr:`is_command` set."""
        return parse_command_untrusted(body, self.position)

    def release_if_empty(self) -> None:
        """Release the buffer if it is empty, because no data is expected now."""
        if self.head == self.tail:
            self.buffer = None
            self.head = self.tail = 0

    def discard(self) -> None:
        """Drop unconsumed data and the buffer. Nothing more is decoded afterwards."""
        self.head = self.tail = 0
        self.release_if_empty()
        self.body = self.parts = None


class RawDecoder(Decoder):
    """Decoder without frames: :meth:`next` returns the received bytes (for STREAM sockets)."""

    def next(self) -> Any:
        self.is_command = False
        if self.tail == self.head:
            return None
        return self.read_exactly(self.tail - self.head)
