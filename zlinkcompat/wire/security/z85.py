"""Z85: 32-bit numbers as five printable characters (RFC 32)."""

from struct import iter_unpack, pack

ALPHABET = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"

_digits = {character: digit for digit, character in enumerate(ALPHABET)}


def encode(data):
    """Text (bytes) for ``data``, whose length is a multiple of 4."""
    text = bytearray()
    for (number,) in iter_unpack(">I", data):
        text += bytes(ALPHABET[number // 85**place % 85] for place in (4, 3, 2, 1, 0))
    return bytes(text)


def decode(text):
    """The data for ``text`` (bytes); ValueError if it is no Z85."""
    if len(text) % 5:
        raise ValueError("the length of Z85 is a multiple of 5")
    data = b""
    for at in range(0, len(text), 5):
        number = 0
        for character in text[at : at + 5]:
            if character not in _digits:
                raise ValueError("not a character of Z85")
            number = number * 85 + _digits[character]
        if number >> 32:
            raise ValueError("a group of Z85 is over 32 bits")
        data += pack(">I", number)
    return data
