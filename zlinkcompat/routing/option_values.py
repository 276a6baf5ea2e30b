"""Checks of the values of options that socket types handle themselves."""

from zlinkcompat.errors import EINVAL, zmq_error


def boolean(value):
    """A flag's value: an int of 0 or more (EINVAL otherwise)."""
    if not isinstance(value, int) or value < 0:
        raise zmq_error(EINVAL, f"a flag is 0 or 1, not {value!r}")
    return value != 0


def octets(value):
    """A bytes value (EINVAL otherwise)."""
    if not isinstance(value, bytes):
        raise zmq_error(EINVAL, f"this option is bytes, not {value!r}")
    return value
