"""The encoding half of the frame codec: pure-Python fallback of ``encoder.pyx``, same interface."""

from __future__ import annotations

from struct import Struct
from typing import Any

from zlinkcompat.tuning import Tuning
from zlinkcompat.wire.zmtp.buffers import BUFFER_SIZE, HEADER_MAX, INLINE_MAX, LONG, MORE
from zlinkcompat.wire.zmtp.commands import Subscribe

__all__ = ["Encoder", "RawEncoder"]

VECTOR_MAX = 64
BATCH_MAX = 1024

_long = Struct(">BQ")
_short = Struct("BB")


class Encoder:
    """Encodes messages as a vector of buffers. See the Cython module."""

    raw = False
    added: int
    pending: int
    run_open: bool
    used: int

    def __init__(self, minor: int = 1, tuning: Tuning | None = None, counters: Any = None) -> None:
        self.minor = minor
        self.tuning = Tuning() if tuning is None else tuning
        self.counters = counters
        self.open_frame = 0
        self.open_offset = 0
        self.open_written = False
        self.accepted = 0
        self.clear()

    def add(self, message: Any) -> bool:
        """Add a message; False if the batch is full, which may have added a part of it."""
        if len(self.ends) >= BATCH_MAX:
            return False
        if type(message) is list:
            last = len(message) - 1
            while self.open_frame <= last:
                more = MORE if self.open_frame < last else 0
                if not self.add_frame(message[self.open_frame], more):
                    return False
                self.open_frame += 1
            self.open_frame = 0
        elif not self.add_frame(message, 0):
            return False
        self.ends.append(self.added)
        return True

    def add_all(self, messages: list[Any]) -> bool:
        """Add messages until the batch is full (False); :attr:`accepted` is their number."""
        self.accepted = 0
        for message in messages:
            if not self.add(message):
                return False
            self.accepted += 1
        return True

    def add_frame(self, frame: Any, flags: int) -> bool:
        if isinstance(frame, Subscribe):
            return self.add_ready(frame.encode() if self.minor > 0 else frame.encode_as_message())
        data = frame if type(frame) is bytes else frame.buffer
        if len(data) >= self.tuning.zerocopy_threshold and self.tuning.zerocopy_write:
            return self.add_large(data, flags)
        return self.add_copy(data, flags)

    def add_copy(self, data: bytes, flags: int) -> bool:
        size = len(data)
        room = BUFFER_SIZE - self.used
        if len(self.parts) >= VECTOR_MAX - 1:
            return False
        if size + HEADER_MAX > room and (size < INLINE_MAX or room < INLINE_MAX):
            return False
        if self.open_offset == 0 and not self.raw:
            self.put_header(size, flags)
        room = min(BUFFER_SIZE - self.used, size - self.open_offset)
        self.put(data[self.open_offset : self.open_offset + room])
        if self.counters is not None:
            self.counters.bytes_copied += room
            if self.open_offset == 0 and size >= self.tuning.zerocopy_threshold:
                self.counters.fallback_write_count += 1
        self.open_offset += room
        if self.open_offset < size:
            return False
        self.open_offset = 0
        return True

    def add_large(self, data: bytes | memoryview, flags: int) -> bool:
        if self.used + HEADER_MAX > BUFFER_SIZE or len(self.parts) >= VECTOR_MAX - 2:
            return False
        if not self.raw:
            self.put_header(len(data), flags)
        self.put_large(data)
        if self.counters is not None:
            self.counters.zerocopy_write_count += 1
        return True

    def add_ready(self, data: bytes) -> bool:
        if len(data) >= INLINE_MAX:
            if len(self.parts) >= VECTOR_MAX - 2:
                return False
            self.put_large(data)
            return True
        if self.used + len(data) > BUFFER_SIZE or len(self.parts) >= VECTOR_MAX - 1:
            return False
        self.put(data)
        return True

    def add_control(self, data: bytes) -> None:
        """Add encoded frames (PING, ...) at the start of a batch; they count as no message."""
        if not self.add_ready(data):
            raise MemoryError("a batch of control frames exceeds the buffer")
        self.started = self.added

    def put_header(self, size: int, flags: int) -> None:
        self.put(_long.pack(flags | LONG, size) if size > 255 else _short.pack(flags, size))

    def put(self, data: bytes) -> None:
        if not self.run_open:
            self.parts.append(bytearray())
            self.run_open = True
        self.parts[-1] += data
        self.used += len(data)
        self.pending += len(data)
        self.added += len(data)

    def put_large(self, data: bytes | memoryview) -> None:
        self.parts.append(data)
        self.run_open = False
        self.pending += len(data)
        self.added += len(data)

    def encode_command(self, command: Any) -> bytes:
        """Return encoded frames for :meth:`add_control`."""
        return command.encode()

    def close_frame(self, failure: Any) -> Any:
        """Return frames that tell the peer why the connection ends; b"", as ZMTP has none."""
        return b""

    def vector(self) -> list[memoryview]:
        """Return the data to write, as memoryviews in order."""
        views = [memoryview(part) for part in self.parts if len(part)]
        if views:
            views[0] = views[0][self.skip :]
        return views

    def advance(self, count: int) -> int:
        """Note that ``count`` bytes were written; return how many messages were completed."""
        finished = 0
        self.pending -= count
        self.written += count
        while self.first_end < len(self.ends) and self.ends[self.first_end] <= self.written:
            self.started = self.ends[self.first_end]
            self.first_end += 1
            finished += 1
            self.open_written = False
        if self.pending == 0:
            if self.open_frame > 0 or self.open_offset > 0:
                self.open_written = True
            self.clear()
            return finished
        # Release what is written.
        self.skip += count
        passed = 0
        while self.skip >= len(self.parts[passed]):
            self.skip -= len(self.parts[passed])
            passed += 1
        del self.parts[:passed]
        return finished

    @property
    def has_partial_write(self) -> bool:
        """Whether some but not all bytes of the first unfinished message were written."""
        return self.open_written or self.written > self.started

    def reset(self) -> None:
        """Drop all data and state."""
        self.clear()
        self.open_frame = self.open_offset = 0
        self.open_written = False

    def clear(self) -> None:
        self.parts: list[Any] = []
        self.run_open = False
        self.used = 0
        self.pending = 0
        self.ends: list[Any] = []
        self.first_end = 0
        self.added = 0
        self.written = 0
        self.skip = 0  # bytes of ``parts[0]`` that are written
        self.started = 0


class RawEncoder(Encoder):
    """Encoder without headers: it sends the bytes of each frame (for STREAM sockets)."""

    raw = True
