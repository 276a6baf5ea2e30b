"""Checks for the values of options that socket types handle themselves."""

from __future__ import annotations

from zlinkcompat.errors import EINVAL, zmq_error


def boolean(value: int) -> bool:
    """Return the value of a flag, which must be an int >= 0 (otherwise EINVAL)."""
    if not isinstance(value, int) or value < 0:
        raise zmq_error(EINVAL, f"a flag must be 0 or 1, not {value!r}")
    return value != 0


def octets(value: bytes) -> bytes:
    """Return a value that must be bytes (otherwise EINVAL)."""
    if not isinstance(value, bytes):
        raise zmq_error(EINVAL, f"this option must be bytes, not {value!r}")
    return value
