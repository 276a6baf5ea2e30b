"""Z85: 32-bit numbers as five printable characters (RFC 32)."""

from __future__ import annotations

from struct import iter_unpack, pack
from typing import Any

ALPHABET = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"

_digits = {character: digit for digit, character in enumerate(ALPHABET)}


def encode(data: bytes) -> Any:
    """Return the text (bytes) for ``data``, whose length must be a multiple of 4."""
    text = bytearray()
    for (number,) in iter_unpack(">I", data):
        text += bytes(ALPHABET[number // 85**place % 85] for place in (4, 3, 2, 1, 0))
    return bytes(text)


def decode(text: bytes) -> bytes:
    """Return the data for ``text`` (bytes); raise ValueError if it is not Z85."""
    if len(text) % 5:
        raise ValueError("the length of Z85 text must be a multiple of 5")
    data = b""
    for at in range(0, len(text), 5):
        number = 0
        for character in text[at : at + 5]:
            if character not in _digits:
                raise ValueError("a character is not in the Z85 alphabet")
            number = number * 85 + _digits[character]
        if number >> 32:
            raise ValueError("a group of five Z85 characters exceeds 32 bits")
        data += pack(">I", number)
    return data
