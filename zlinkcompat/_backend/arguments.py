"""Argument checks like those of pyzmq's compiled signatures, with the same errors and texts."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from zlinkcompat.core.option_row import INT_MAX
from zlinkcompat.core.options import find

INT_MIN = -(2**31)


def contiguous(data: bytes) -> memoryview:
    """Return a memoryview of any contiguous buffer.

    Raises
    ------
    BufferError
        The buffer is not contiguous. A numpy array raises ValueError, as in pyzmq.
    """
    view = memoryview(data)
    if not view.contiguous:
        BytesIO().write(data)  # raises the exporter's own error: ValueError from numpy
        raise BufferError("the buffer must be contiguous")
    return view


def snapshot(data: bytes) -> bytes:
    """Return the bytes of a contiguous buffer in memory order."""
    try:
        return contiguous(data).tobytes("A")
    except ValueError:
        # tobytes() of a memoryview needs the item format, which numpy cannot express for dates.
        copy = BytesIO()
        copy.write(data)
        return copy.getvalue()


def as_int(value: Any) -> int:
    """Return ``value`` as a C int. Raise TypeError or OverflowError as pyzmq does."""
    if isinstance(value, (str, bytes)) or not hasattr(value, "__int__"):
        raise TypeError(f"expected int, got: {value!r}")
    number = int(value)
    if not INT_MIN <= number <= INT_MAX:
        raise OverflowError(f"value too large to convert to int: {number}")
    return number


def to_address(addr: Any) -> str:
    """Return an endpoint as text; raise pyzmq's TypeError if it is neither str nor bytes."""
    if isinstance(addr, bytes):
        return addr.decode("utf-8", "surrogateescape")
    if not isinstance(addr, str):
        raise TypeError(f"Expected addr to be str, got addr={addr!r}")
    return addr


def tells_address(text: str, addr: bytes | str) -> bool:
    """Tell whether the text of an error names the endpoint ``addr`` (str or bytes)."""
    return to_address(addr) in text


def shorten(part: Any) -> str:
    """Return the repr of a value, shortened for an error text."""
    text = repr(part)
    return text if len(text) <= 32 else text[:32] + "..."


_option_bits: dict[int, Any] = {}


def option_bits(option: int) -> int:
    """Return how many bits pyzmq passes for a socket option: 0 for bytes, 32 if it is unknown."""
    bits = _option_bits.get(option)
    if bits is None:
        from zmq.constants import SocketOption, _OptType

        try:
            kind = SocketOption(option)._opt_type
        except ValueError:
            row = find(option) if isinstance(option, int) else None
            ours = "int" if row is None else row.kind
            kind = getattr(_OptType, ours, _OptType.int)
        bits = _option_bits[option] = {_OptType.bytes: 0, _OptType.int64: 64}.get(kind, 32)
    return bits
