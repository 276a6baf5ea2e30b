"""Pure-Python fallback of ``curve_codec.pyx``: messages encrypted by CURVE."""

from __future__ import annotations

from struct import pack, unpack_from
from typing import Any

from zlinkcompat.wire.errors import (
    CRYPTOGRAPHIC,
    INVALID_SEQUENCE,
    MALFORMED_MESSAGE,
    UNEXPECTED_COMMAND,
    CryptoError,
)
from zlinkcompat.wire.security import sodium
from zlinkcompat.wire.ws.frames import ZwsDecoder, ZwsEncoder
from zlinkcompat.wire.zmtp.buffers import BUFFER_SIZE, INLINE_MAX, MORE
from zlinkcompat.wire.zmtp.commands import Subscribe, frame_of_message
from zlinkcompat.wire.zmtp.decoder import Decoder
from zlinkcompat.wire.zmtp.encoder import VECTOR_MAX, Encoder

__all__ = ["CurveDecoder", "CurveEncoder", "CurveZwsDecoder", "CurveZwsEncoder"]

INNER_COMMAND = 2
WORD = 8
BOX = 16
BODY = 33
SEALED_AHEAD = 262144
HEADER_MAX = 15

MESSAGE = b"\x07MESSAGE"


class Sealer:
    """Encrypts frames. See the Cython module."""

    def __init__(self, key: bytes, prefix: bytes, next: int) -> None:
        self.key = key
        self.prefix = prefix
        self.next = next

    def seal(self, data: bytes, flags: int) -> bytes:
        nonce = pack(">Q", self.next)
        self.next += 1
        return MESSAGE + nonce + sodium.seal(bytes([flags]) + data, self.prefix + nonce, self.key)


class Opener:
    """Decrypts frames. See the Cython module."""

    def __init__(self, key: bytes, prefix: bytes, last: int) -> None:
        self.key = key
        self.prefix = prefix
        self.last = last
        self.flags = 0

    def open(self, body: bytes, more: int, position: int) -> bytes:
        if body[:WORD] != MESSAGE:
            raise CryptoError("a frame is not encrypted", position, UNEXPECTED_COMMAND)
        if len(body) < BODY or more:
            raise CryptoError("an encrypted message is cut off", position, MALFORMED_MESSAGE)
        (nonce,) = unpack_from(">Q", body, WORD)
        if nonce <= self.last:
            raise CryptoError(
                "an encrypted message was replayed or is out of order", position, INVALID_SEQUENCE
            )
        self.last = nonce
        plain = sodium.open_sealed(body[BOX:], self.prefix + body[WORD:BOX], self.key)
        if plain is None:
            raise CryptoError("an encrypted message was forged", position, CRYPTOGRAPHIC)
        self.flags = plain[0]
        if self.flags > INNER_COMMAND:
            raise CryptoError(
                "an encrypted message has reserved flags: 0x%02x" % self.flags,
                position,
                MALFORMED_MESSAGE,
            )
        return plain[1:]


class Opening:
    """The handling of a complete box, which both decoders share."""

    opener = None

    def secure(self, key: bytes, prefix: bytes, last: int) -> None:
        """Decrypt everything from now on. See :class:`Opener` for the parameters."""
        self.opener = Opener(key, prefix, last)
        self.parts: list[Any] = []

    def finish(self, frame: bytes, flags: int) -> Any:
        opener = self.opener
        if opener is None:
            return super().finish(frame, flags)
        frame = opener.open(frame, flags & MORE, self.position)
        self.is_command = bool(opener.flags & INNER_COMMAND)
        if self.is_command:
            self.check_command(len(frame), False)
            return frame
        if opener.flags & MORE:
            self.append_part(frame)
            return None
        if not self.parts:
            return frame
        message = self.parts
        self.parts = []
        self.unfinished = 0
        message.append(frame)
        return message


class CurveDecoder(Opening, Decoder):
    """Decodes ZMTP frames into whole messages. See the Cython module."""


class CurveZwsDecoder(Opening, ZwsDecoder):
    """Decodes encrypted messages in WebSocket frames."""


class CurveEncoder(Encoder):
    """Encodes messages as ZMTP frames. See the Cython module."""

    sealer = None

    def secure(self, key: bytes, prefix: bytes, next: int) -> None:
        """Encrypt everything from now on. See :class:`Sealer` for the parameters."""
        self.sealer = Sealer(key, prefix, next)

    def add_frame(self, frame: Any, flags: int) -> bool:
        if type(frame) is bytes:
            data = frame
        elif not isinstance(frame, Subscribe):
            data = frame.buffer
        elif self.minor:
            data = frame.body()
            flags = INNER_COMMAND
        else:
            data = frame.mark + frame.topic
        whole = len(data) + BODY
        if whole >= INLINE_MAX:
            if (
                self.pending >= SEALED_AHEAD
                or self.used + HEADER_MAX > BUFFER_SIZE
                or len(self.parts) >= VECTOR_MAX - 2
            ):
                return False
            self.put_header(whole, 0)
            self.put_large(self.sealer.seal(data, flags))
            return True
        if self.used + HEADER_MAX + whole > BUFFER_SIZE or len(self.parts) >= VECTOR_MAX - 1:
            return False
        self.put_header(whole, 0)
        self.put(self.sealer.seal(data, flags))
        return True

    def encode_command(self, command: Any) -> bytes:
        """Return encoded frames for :meth:`add_control`."""
        return frame_of_message(self.sealer.seal(command.body(), INNER_COMMAND))


class CurveZwsEncoder(ZwsEncoder):
    """Encodes encrypted messages as WebSocket frames. See the Cython module."""

    sealer = None

    def secure(self, key: bytes, prefix: bytes, next: int) -> None:
        self.sealer = Sealer(key, prefix, next)

    def add_frame(self, frame: Any, flags: int) -> bool:
        if isinstance(frame, Subscribe):
            frame = frame.mark + frame.topic
        elif type(frame) is not bytes:
            frame = frame.buffer
        whole = len(frame) + BODY
        small = whole if whole < self.large else 0
        if self.pending and (
            self.pending >= SEALED_AHEAD
            or len(self.parts) >= VECTOR_MAX - 3
            or self.used + 2 * HEADER_MAX + small > BUFFER_SIZE
        ):
            return False
        return ZwsEncoder.add_frame(self, self.sealer.seal(frame, flags), 0)
