"""Pure-Python fallback of ``mask.pyx``: masking of WebSocket payloads (RFC 6455, 5.3)."""

from __future__ import annotations

from typing import Any


def masked(data: bytes, key: bytes, phase: int = 0) -> Any:
    """Mask ``data`` (any buffer) with ``key`` (4 bytes), starting at byte ``phase`` of the key.

    Masking twice returns the original data.
    """
    if len(key) != 4:
        raise ValueError("a masking key must have 4 bytes")
    size = len(data)
    phase %= 4
    pad = ((key[phase:] + key[:phase]) * (size // 4 + 1))[:size]
    # XOR two large ints, which is Python's only wide XOR.
    whole = int.from_bytes(data, "little") ^ int.from_bytes(pad, "little")
    return whole.to_bytes(size, "little")
