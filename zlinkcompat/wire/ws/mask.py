"""Pure-Python fallback of ``mask.pyx``: masking of WebSocket payloads (RFC 6455, 5.3)."""


def masked(data, key, phase=0):
    """``data`` (any buffer) masked by ``key`` (4 octets), of which octet ``phase`` is the first.

    Masking twice gives the data back.
    """
    if len(key) != 4:
        raise ValueError("a masking key has 4 octets")
    size = len(data)
    phase %= 4
    pad = ((key[phase:] + key[:phase]) * (size // 4 + 1))[:size]
    # One number: the only wide XOR that the language has.
    whole = int.from_bytes(data, "little") ^ int.from_bytes(pad, "little")
    return whole.to_bytes(size, "little")
