"""What the calls take, as pyzmq's compiled signatures take it: the same errors, the same texts."""

from io import BytesIO

from zlinkcompat.core.options import INT_MAX, find

INT_MIN = -(2**31)


def contiguous(data):
    """A memoryview of any contiguous buffer.

    Raises
    ------
    BufferError
        It is not contiguous. A numpy array raises ValueError, as it does in pyzmq.
    """
    view = memoryview(data)
    if not view.contiguous:
        BytesIO().write(data)  # raises what the owner says: ValueError from numpy
        raise BufferError("the buffer must be contiguous")
    return view


def snapshot(data):
    """The bytes of a contiguous buffer, in the order of its memory."""
    try:
        return contiguous(data).tobytes("A")
    except ValueError:
        # A memoryview asks how to read the items, and numpy cannot say it of dates.
        copy = BytesIO()
        copy.write(data)
        return copy.getvalue()


def as_int(value):
    """A C int, as pyzmq's compiled signatures take it: TypeError, OverflowError."""
    if isinstance(value, (str, bytes)) or not hasattr(value, "__int__"):
        raise TypeError(f"expected int, got: {value!r}")
    number = int(value)
    if not INT_MIN <= number <= INT_MAX:
        raise OverflowError(f"value too large to convert to int: {number}")
    return number


def to_address(addr):
    """An endpoint as text; pyzmq's TypeError for what is neither str nor bytes."""
    if isinstance(addr, bytes):
        return addr.decode("utf-8", "surrogateescape")
    if not isinstance(addr, str):
        raise TypeError(f"Expected addr to be str, got addr={addr!r}")
    return addr


def tells_address(text, addr):
    """Whether the text of an error names the endpoint ``addr`` (str or bytes)."""
    return to_address(addr) in text


def shorten(part):
    """The repr of what is shown in an error."""
    text = repr(part)
    return text if len(text) <= 32 else text[:32] + "..."


_option_bits = {}


def option_bits(option):
    """Size of the int that pyzmq takes for a socket option, 0 for bytes; 32 if it is unknown."""
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
