"""Numbers of the options that socket types handle themselves (zmq.h); checks of values."""

from zlinkcompat.errors import EINVAL, zmq_error

SUBSCRIBE = 6
UNSUBSCRIBE = 7
ROUTER_MANDATORY = 33
XPUB_VERBOSE = 40
ROUTER_RAW = 41
PROBE_ROUTER = 51
REQ_CORRELATE = 52
REQ_RELAXED = 53
ROUTER_HANDOVER = 56
CONNECT_ROUTING_ID = 61
XPUB_NODROP = 69
XPUB_MANUAL = 71
XPUB_WELCOME_MSG = 72
STREAM_NOTIFY = 73
INVERT_MATCHING = 74
XPUB_VERBOSER = 78
XPUB_MANUAL_LAST_VALUE = 98
ONLY_FIRST_SUBSCRIBE = 108
TOPICS_COUNT = 116


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
