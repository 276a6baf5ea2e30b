"""Checks, conversions and effects of option values that only a few options need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat._constants import NULL
from zlinkcompat.errors import EINVAL, zmq_error
from zlinkcompat.wire.security import z85

if TYPE_CHECKING:
    from collections.abc import Callable

    from zlinkcompat.core.options import Options


# -- options that add to their earlier values ------------------------------------------------


def add_property(options: Options, value: bytes) -> None:
    """Add a METADATA property. As in libzmq, a second value for the same name is ignored."""
    name, _, content = value.partition(b":")
    options.properties.setdefault(name, content)


def add_tcp_filter(options: Any, value: bytes) -> None:
    """Add a TCP_ACCEPT_FILTER."""
    from zlinkcompat.transports import tcp_filter

    text = value.partition(b"\0")[0].decode("latin-1")
    try:
        added = tcp_filter.parse_filter(text, bool(options.ipv6))
    except ValueError as error:
        raise zmq_error(EINVAL, f"set TCP_ACCEPT_FILTER: {error}") from None
    options.tcp_filters = (*options.tcp_filters, added)


def adding_to(attribute: str) -> Callable[..., Any]:
    """Return a function that adds a number (unsigned in C) to a frozenset of :class:`Options`."""

    def add(options: Options, value: int) -> None:
        setattr(options, attribute, getattr(options, attribute) | {value & 0xFFFFFFFF})

    return add


def no_credentials() -> str:
    """Return a text that tells what filters for ipc peers need on this system; "" if they work."""
    from zlinkcompat.transports import ipc

    return ipc.no_credentials()


#: The size in bytes of the longest option value that libzmq can return to pyzmq.
READ_BACK = 255


def proxy(options: Options) -> Any:
    """Return the value of SOCKS_PROXY."""
    if len(options.socks_proxy) > READ_BACK:
        raise zmq_error(EINVAL, f"get SOCKS_PROXY: the value exceeds {READ_BACK} bytes")
    return options.socks_proxy


def is_alpn(value: bytes) -> bool:
    """Tell whether ``value`` is empty or lists protocol names of 1 to 255 bytes (RFC 7301)."""
    names = value.split(b",") if value else ()
    return all(0 < len(name.strip()) <= 255 for name in names)


def is_property(value: bytes) -> bool:
    """Tell whether ``value`` is ``X-name:value``. libzmq takes 4 bytes for an int, so not then."""
    name, colon, content = value.partition(b":")
    return bool(colon and content) and name[:2] == b"X-" and len(name) <= 255 and len(value) != 4


# -- mechanisms: the option that was set last decides (libzmq ``src/options.cpp``) -----------


def serving(mechanism: int) -> Callable[..., Any]:
    """Return a function that applies a value of ``PLAIN_SERVER`` or ``CURVE_SERVER``."""

    def apply(options: Options, value: int) -> None:
        options.mechanism = mechanism if value else NULL
        options.as_server = value

    return apply


def using(mechanism: int, client: bool = False) -> Callable[..., Any]:
    """Return a function that applies a credential. ``client``: only clients have this one."""

    def apply(options: Options, value: bytes) -> None:
        options.mechanism = mechanism
        if client:
            options.as_server = 0

    return apply


def serves(mechanism: int) -> Callable[..., Any]:
    """Return a function that gets the value of ``PLAIN_SERVER`` or ``CURVE_SERVER``."""
    return lambda options: int(options.as_server and options.mechanism == mechanism)


def key_of(value: bytes) -> bytes:
    """Return the 32 bytes of a key, which may be given as Z85 text with a trailing NUL."""
    return value if len(value) == 32 else z85.decode(value[:40])


def is_key(value: bytes) -> bool:
    """Tell whether ``value`` is a key in a form that libzmq accepts."""
    if (len(value) == 41 and value[40] == 0) or len(value) == 40:
        try:
            z85.decode(value[:40])
        except ValueError:
            return False
        return True
    return len(value) == 32


# -- conversions of values -----------------------------------------------------------------


def negated(value: int) -> int:
    return 1 - value


def whole_tenths(value: int) -> int:
    """Round down to whole deciseconds, the unit on the wire; -99..99 ms becomes 0."""
    return max(value, 0) // 100 * 100
