"""TCP_ACCEPT_FILTER: the networks whose peers a listener admits.

Source: libzmq ``src/tcp_address.cpp`` (``tcp_address_mask_t``).
"""

from __future__ import annotations

import _socket
from typing import TYPE_CHECKING, Any

from zlinkcompat.transports import sockets
from zlinkcompat.transports.tcp_address import atoi, look_up

if TYPE_CHECKING:
    from zlinkcompat.core.options import Options


def admits(sock: Any, options: Options) -> Any:
    """Tell whether an accepted peer passes one of the TCP_ACCEPT_FILTER values, if any is set."""
    if not options.tcp_filters:
        return True
    name = sockets.socket_name(sock.getpeername)
    if name is None:
        return False
    place = _widened(sock.family, name[0])
    return any((place ^ network) >> 128 - bits == 0 for network, bits in options.tcp_filters)


def parse_filter(text: str, ipv6: bool) -> tuple[int, int]:
    """Return ``address[/bits]`` as (network, bits) of IPv6. IPv4 becomes IPv4-mapped IPv6.

    If IPV6 is set, libzmq counts the bits of an IPv4 address from the start of the 128, so that
    10.0.0.0/8 admits all of IPv4. Here up to 32 bits count from the start of the IPv4 address.

    Raises
    ------
    ValueError
        It is not a literal address, or the number of bits is invalid.
    """
    host, slash, bits_text = text.rpartition("/") if "/" in text else (text, "", "")
    if host[:1] == "[" and host[-1:] == "]":
        host = host[1:-1]
    if host in ("", "*"):
        raise ValueError(f"{host!r} is not an address")  # some resolvers accept these
    family = _socket.AF_INET6 if ipv6 else _socket.AF_INET
    try:
        place = look_up(host, ipv6, _socket.getaddrinfo, _socket.AI_NUMERICHOST)[0][0]
    except _socket.gaierror as error:
        raise ValueError(f"{host!r} is not an address") from error
    most = 128 if ipv6 else 32
    bits = atoi(bits_text) if slash else most
    if bits_text != "0" and not 1 <= bits <= most:
        raise ValueError(f"{bits_text!r} is not a valid number of bits")
    network = _widened(family, place)
    if network >> 32 == _MAPPED and bits <= 32:
        bits += 96
    return network, bits


_MAPPED = 0xFFFF


def _widened(family: int, place: str) -> int:
    """Return a numeric address as an int of 128 bits."""
    packed = _socket.inet_pton(family, place.partition("%")[0])
    number = int.from_bytes(packed, "big")
    return number if family == _socket.AF_INET6 else _MAPPED << 32 | number
