"""Pure-Python fallback of ``frames.pyx``: messages in WebSocket frames. Same interface."""

from __future__ import annotations

import os
from struct import Struct
from typing import TYPE_CHECKING, Any

from zlinkcompat.wire.errors import MessageTooLarge
from zlinkcompat.wire.ws.control import (
    BINARY,
    CLOSE,
    CONTINUATION,
    FIN,
    MASKED,
    MAX_CONTROL,
    PONG,
    TEXT,
    ZWS_COMMAND,
    WebSocketError,
    check_text,
    close_for,
    parse_control_untrusted,
    payload_of,
)
from zlinkcompat.wire.ws.mask import masked
from zlinkcompat.wire.zmtp.buffers import BUFFER_SIZE, COMMAND, INLINE_MAX, MORE
from zlinkcompat.wire.zmtp.commands import Subscribe, parse_command_untrusted
from zlinkcompat.wire.zmtp.decoder import HEADER_READ_FROM, Decoder
from zlinkcompat.wire.zmtp.encoder import Encoder

if TYPE_CHECKING:
    from zlinkcompat.tuning import Tuning


__all__ = ["ZwsDecoder", "ZwsEncoder"]

COPIED_AHEAD = 262144
HEADER_MAX = 15

_middle = Struct(">BBH")
_long = Struct(">BBQ")


class ZwsDecoder(Decoder):
    """Decodes WebSocket frames into whole messages. See the Cython module."""

    def __init__(
        self,
        max_size: int = -1,
        server: bool = False,
        raw: bool = False,
        tuning: Tuning | None = None,
        counters: Any = None,
    ) -> None:
        Decoder.__init__(self, max_size, tuning, counters)
        self.server = server
        self.raw = raw
        self.key = b"\0\0\0\0"
        self.phase = 0
        self.opcode = 0
        self.final = True
        self.started = False
        self.flags = 0
        self.text = False
        self.pieces: Any = None
        self.control = 0

    def next(self) -> Any:
        while True:
            if self.body is not None:
                if self.body_filled < self.body_size:
                    return None
                body = self.take_body()
                if self.server:
                    body = masked(body, self.key, self.phase)
                message = self.end_frame(body)
                if message is not None:
                    return message
                continue
            header = self.read_header()
            if header is None:
                return None
            length, size = header
            available = self.tail - self.head
            if length + size <= available:
                self.begin_frame()
                self.read_exactly(length)
                if size < HEADER_READ_FROM:
                    self.read_size = self.max_read_size
                body = self.read_exactly(size)
                if self.server:
                    body = masked(body, self.key, self.phase)
                if self.opcode >= CLOSE:
                    self.control = self.opcode
                    self.is_command = True
                    return body
                message = self.end_frame(body)
                if message is not None:
                    return message
            elif self.opcode < CLOSE and (size >= self.large or length + size > BUFFER_SIZE):
                self.begin_frame()
                self.read_exactly(length)
                self.begin_body(size, 0)
            else:
                return None

    def read_header(self) -> tuple[int, int] | None:
        """Return (bytes of the next frame's header, bytes after it); None if it is incomplete."""
        available = self.tail - self.head
        if available < 2:
            return None
        first, second = self.buffer[self.head], self.buffer[self.head + 1]
        at, size = 2, second & 0x7F
        opcode = first & 0x0F
        self.check_start(first, second, opcode, size)
        extended = 2 if size == 126 else 8 if size == 127 else 0
        if available < 2 + extended:
            return None
        if extended:
            start = self.head + 2
            size = int.from_bytes(self.buffer[start : start + extended], "big")
            at += extended
            if size >> 63:
                raise WebSocketError(f"a frame of {size} bytes", self.position)
        flagged = not self.raw and opcode == BINARY
        if flagged:
            if size == 0:
                raise WebSocketError("a message lacks its flags byte", self.position)
            size -= 1
        self.check_size(opcode, size)
        need = at + (4 if self.server else 0) + flagged
        if available < need:
            return None
        here = self.head + at
        self.phase = 0
        if self.server:
            self.key = bytes(self.buffer[here : here + 4])
            here += 4
        if flagged:
            flags = self.buffer[here]
            if self.server:
                flags ^= self.key[0]
            if flags > ZWS_COMMAND:
                raise WebSocketError(f"a message has reserved flags: 0x{flags:02x}", self.position)
            self.flags = flags
            self.phase = 1
        if opcode < CLOSE and not self.raw:
            if self.flags & ZWS_COMMAND:
                before = len(self.pieces) if opcode == CONTINUATION else 0
                self.check_command(size + before, False)
            elif self.commands_only:
                self.refuse_message()
        self.opcode = opcode
        self.final = bool(first & FIN)
        return need, size

    def begin_frame(self) -> None:
        """Accept the frame whose header was read, at once or piece by piece."""
        if self.opcode < CLOSE:
            if self.opcode:
                self.text = self.opcode == TEXT
            self.started = not self.final

    def check_start(self, first: int, second: int, opcode: int, size: int) -> None:
        if first & 0x70:
            raise WebSocketError("reserved bits, but no extension was agreed on", self.position)
        if bool(second & MASKED) != self.server:
            raise WebSocketError(
                "an unmasked frame from a client"
                if self.server
                else "a masked frame from a server",
                self.position,
            )
        if opcode >= CLOSE:
            if opcode > PONG:
                raise WebSocketError(f"a frame has the opcode {opcode}", self.position)
            if not first & FIN:
                raise WebSocketError("a fragmented control frame", self.position)
            if size > MAX_CONTROL:
                raise WebSocketError("a control frame of over 125 bytes", self.position)
        elif opcode > BINARY:
            raise WebSocketError(f"a frame has the opcode {opcode}", self.position)
        elif opcode == TEXT and not self.raw:
            raise WebSocketError("a text message, but ZWS needs binary ones", self.position, 1003)
        elif (opcode == CONTINUATION) != self.started:
            raise WebSocketError(
                "a fragment without a beginning"
                if not self.started
                else "a message begins within another",
                self.position,
            )

    def check_size(self, opcode: int, size: int) -> None:
        if opcode >= CLOSE:
            return
        if opcode == CONTINUATION:
            size += len(self.pieces)
        if size > self.max_size:
            raise MessageTooLarge(
                f"a message of {size} bytes is over the limit, {self.max_size}", self.position
            )

    def end_frame(self, body: Any) -> Any:
        """Handle a complete data frame; return the message if it is complete as well."""
        if not self.final:
            if self.pieces is None:
                self.pieces = bytearray()
            self.pieces += body
            if 0 < self.max_unfinished < self.unfinished + len(self.pieces):
                raise MessageTooLarge(
                    f"{self.unfinished + len(self.pieces)} bytes of an unfinished message are over "
                    f"the limit, {self.max_unfinished} bytes",
                    self.position,
                )
            return None
        if self.pieces is not None:
            self.pieces += body
            body = bytes(self.pieces)
            self.pieces = None
        if self.raw:
            self.is_command = False
            if self.text:
                check_text(body, self.position)
            # Drop an empty message: to a STREAM socket it would mean that the peer is gone.
            return body or None
        self.control = 0
        flags = self.flags
        return self.finish(body, COMMAND if flags & ZWS_COMMAND else flags & MORE)

    def parse_command(self, body: bytes) -> Any:
        """Return the command that :meth:`next` returned as a body."""
        control = self.control
        if control:
            self.control = 0
            return parse_control_untrusted(control, body, self.position)
        return parse_command_untrusted(body, self.position)


class ZwsEncoder(Encoder):
    """Encodes messages as WebSocket frames. See the Cython module."""

    def __init__(
        self,
        client: bool = False,
        raw: bool = False,
        text: bool = False,
        tuning: Tuning | None = None,
        counters: Any = None,
    ) -> None:
        Encoder.__init__(self, 0, tuning, counters)
        # Smaller frames are copied as a whole, so they must fit the buffer.
        self.large = INLINE_MAX
        self.copies = client or not self.tuning.zerocopy_write
        if self.tuning.zerocopy_write:
            self.large = min(self.tuning.zerocopy_threshold, INLINE_MAX)
        self.client = client
        self.plain = raw
        self.first = FIN | (TEXT if text else BINARY)
        self.keys = b""

    def add_frame(self, frame: Any, flags: int) -> bool:
        if isinstance(frame, Subscribe):
            frame = frame.mark + frame.topic
        data = frame if type(frame) is bytes else frame.buffer
        size = len(data)
        large = size >= self.large
        copied = not large or self.copies or size < self.tuning.zerocopy_threshold
        if self.used + HEADER_MAX + (0 if large else size) > BUFFER_SIZE:
            return False
        if len(self.parts) >= 62 or (large and copied and self.pending >= COPIED_AHEAD):
            return False
        if self.counters is not None:
            if copied:
                self.counters.bytes_copied += size
                self.counters.fallback_write_count += size >= self.tuning.zerocopy_threshold
            else:
                self.counters.zerocopy_write_count += 1
        prefix = b"" if self.plain else bytes([flags])
        key = b""
        if self.client:
            key = self.key()
            data = masked(data, key, len(prefix))
            prefix = masked(prefix, key)
        elif large and copied:
            data = bytes(memoryview(data))
        self.put(self.header(self.first, size + len(prefix)) + key + prefix)
        if large:
            self.put_large(data)
        else:
            self.put(data)
        return True

    def key(self) -> bytes:
        """Return an unpredictable masking key (RFC 6455, 10.3)."""
        if not self.keys:
            self.keys = os.urandom(1024)
        key, self.keys = self.keys[:4], self.keys[4:]
        return key

    def header(self, first: int, size: int) -> bytes:
        mask = MASKED if self.client else 0
        if size <= 125:
            return bytes([first, mask | size])
        if size <= 0xFFFF:
            return _middle.pack(first, mask | 126, size)
        return _long.pack(first, mask | 127, size)

    def encode_command(self, command: Any) -> bytes:
        """Return the whole frame of a Ping, Pong, Close or handshake command."""
        opcode, payload = payload_of(command)
        return self.encode_payload(FIN | opcode, payload)

    def close_frame(self, failure: Any) -> Any:
        """Return a close frame with the reason for the peer; b"" if the peer cannot be told."""
        command = close_for(failure)
        return b"" if command is None else self.encode_command(command)

    def encode_message(self, flags: int, body: bytes) -> Any:
        """Return the whole frame of a handshake message; ``flags`` as in RFC 45."""
        return self.encode_payload(FIN | BINARY, bytes([flags]) + body)

    def encode_payload(self, first: int, payload: bytes) -> bytes:
        if not self.client:
            return self.header(first, len(payload)) + payload
        key = self.key()
        return self.header(first, len(payload)) + key + masked(payload, key)
