"""Addresses of ``tcp://``: host names, IPv4, IPv6, interface names, wildcards, source addresses.

Source: libzmq ``src/ip_resolver.cpp``, ``src/tcp_address.cpp``; ``doc/zmq_tcp.adoc`` for users.
"""

from __future__ import annotations

import _socket
import os
import re
import warnings
from errno import EINVAL, ENODEV, ENOMEM
from typing import TYPE_CHECKING, Any

from zlinkcompat.errors import zmq_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from zlinkcompat.core.options import Options


# connect() in libzmq checks only this syntax, so we check no more. It raises for other addresses,
# and retries the accepted ones without a limit, because a name may become resolvable later
# (libzmq socket_base.cpp, connect_internal).
_CONNECTABLE = re.compile(r"(?=[0-9A-Za-z\[:])[0-9A-Za-z.:;%*_\[\]-]*:[0-9][0-9A-Za-z.;%*_\[\]-]*")
_INTEGER = re.compile(r"[ \t\n\v\f\r]*([+-]?[0-9]+)")


class TcpAddress:
    """The part after ``tcp://``, which is resolved again at each attempt.

    Attributes
    ----------
    text : str
        ``host:port`` or ``source:port;host:port``.
    ipv6 : bool
        The ``IPV6`` option at the time of bind() or connect().
    bind : bool
        Whether it is an address to listen at: wildcards and interface names are allowed.
    """

    __slots__ = ("text", "ipv6", "bind")

    def __init__(self, text: str, ipv6: bool, bind: bool) -> None:
        self.text = text
        self.ipv6 = ipv6
        self.bind = bind

    def __str__(self) -> str:
        return "tcp://" + self.text


def parse(text: str, ipv6: Any, bind: bool, scheme: str = "tcp") -> Any:
    """Check the syntax that connect() checks. :func:`listen` checks bind addresses.

    Raises
    ------
    zmq.ZMQError
        EINVAL: an invalid character in the host, no port, or a port that is not a number.
    """
    if not bind and not _CONNECTABLE.fullmatch(text):
        raise zmq_error(
            EINVAL,
            f"Invalid argument (connect '{scheme}://{text}'): "
            f"not of the form host:port, the host not *, the port a number",
        )
    port = atoi(text.rpartition(":")[2])
    if port > 0xFFFF:
        warnings.warn(
            f"{scheme}://{text}: ports end at 65535. As with libzmq, {port} counts as "
            f"{port & 0xFFFF}",
            RuntimeWarning,
            stacklevel=2,
        )
    return TcpAddress(text, bool(ipv6), bind)


def atoi(text: str) -> Any:
    """Parse a number like C's atoi, as libzmq does: leading blanks, sign, trailing text ignored."""
    match = _INTEGER.match(text)
    return max(-1 << 63, min(int(match[1]), (1 << 63) - 1)) if match else 0


def _split(text: str, bindable: bool) -> tuple[str, int, int]:
    """Split ``host:port`` into (host, port, zone id); the zone id is 0 if the host has none."""
    host, colon, port_text = text.rpartition(":")
    if (port_text == "*" and bindable) or port_text == "0":
        port = 0
    else:
        # Port numbers wrap at 65536, as in libzmq: 65537 is port 1.
        port = atoi(port_text) & 0xFFFF
        if not port:
            colon = ""
    if not colon:
        raise OSError(EINVAL, f"{text!r} does not end in a port")
    if len(host) >= 2 and host[0] == "[" and host[-1] == "]":
        host = host[1:-1]
    zone = 0
    if "%" in host:
        host, _, zone_text = host.rpartition("%")
        if zone_text[:1].isascii() and zone_text[:1].isalpha():
            try:
                zone = _socket.if_nametoindex(zone_text)
            except OSError:
                zone = 0
        else:
            zone = atoi(zone_text) & 0xFFFFFFFF
        if not zone:
            raise OSError(EINVAL, f"{text!r} has an unknown zone {zone_text!r}")
    return host, port, zone


def look_up(host: Any, ipv6: Any, getaddrinfo: Callable[..., Any], flags: int) -> Any:
    """Return ``(host, scope id)`` pairs of a literal or name; with ``ipv6``, IPv4 is mapped."""
    stream = _socket.SOCK_STREAM
    if not ipv6:
        found = getaddrinfo(host, 0, _socket.AF_INET, stream, 0, flags)
        return [(entry[4][0], 0) for entry in found]
    try:
        found = getaddrinfo(host, 0, _socket.AF_INET6, stream, 0, flags | _socket.AI_V4MAPPED)
        return [(entry[4][0], entry[4][3]) for entry in found]
    except _socket.gaierror:
        # Resolvers other than the C library's (c-ares, dnspython) do not map IPv4 addresses.
        found = getaddrinfo(host, 0, _socket.AF_INET, stream, 0, flags)
        return [("::ffff:" + entry[4][0], 0) for entry in found]


def _resolve(
    text: str, ipv6: bool, bindable: bool, allow_nic: bool, getaddrinfo: Any
) -> list[tuple[int, tuple[Any, ...]]]:
    """Return ``(family, sockaddr)`` pairs of a ``host:port``; without getaddrinfo, of literals."""
    host, port, zone = _split(text, bindable)
    family = _socket.AF_INET6 if ipv6 else _socket.AF_INET
    if bindable and host == "*":
        places = [("::" if ipv6 else "0.0.0.0", 0)]
    else:
        places = _places(host, ipv6, bindable, allow_nic, getaddrinfo)
    if ipv6:
        return [(family, (place, port, 0, zone or scope)) for place, scope in places]
    return [(family, (place, port)) for place, _ in places]


def _places(
    host: str, ipv6: bool, bindable: bool, allow_nic: bool, getaddrinfo: Callable[..., Any]
) -> list[tuple[str, int]]:
    reason = "is not an address of this kind"
    if ":" in host and not ipv6:
        reason = "is an IPv6 address: set IPV6 first"
    failure = OSError(ENODEV if bindable else EINVAL, f"{host!r} {reason}")
    # Some resolvers take these for localhost (glibc does for "*"), but libzmq rejects them.
    if host in ("", "*"):
        raise failure
    # Try literals first, by the C function, which needs no greenlet switch and no thread. They are
    # ASCII, and bytes avoid loading the codec for international names.
    literal = host.encode() if host.isascii() else host
    try:
        return look_up(literal, ipv6, _socket.getaddrinfo, _socket.AI_NUMERICHOST)
    except (_socket.gaierror, UnicodeError):
        pass
    if allow_nic:
        from zlinkcompat.transports.interfaces import address_of  # loads ctypes

        place = address_of(host, _socket.AF_INET6 if ipv6 else _socket.AF_INET)
        if place:
            return [place]
    if getaddrinfo is None:
        raise failure
    try:
        return look_up(host, ipv6, getaddrinfo, _socket.AI_PASSIVE if bindable else 0)
    except _socket.gaierror as error:
        if error.errno == _socket.EAI_MEMORY:
            raise OSError(ENOMEM, os.strerror(ENOMEM)) from None
        raise failure from error
    except UnicodeError as error:
        raise failure from error


def parts(address: Any) -> Any:
    """Return source (None if absent) and target of an address, both as text."""
    source, semicolon, target = address.text.rpartition(";")
    return source if semicolon else None, target


def resolve_source(address: TcpAddress) -> Any:
    """Return ``(family, sockaddr)`` of the source of an address, or None. Looks up no names.

    Raises
    ------
    OSError
        EINVAL, ENODEV: the port is missing, or the host is not a literal, ``*`` or an interface.
    """
    source, _ = parts(address)
    return None if source is None else _resolve(source, address.ipv6, True, True, None)[0]


def resolve(
    address: TcpAddress, getaddrinfo: Callable[..., Any]
) -> list[tuple[int, tuple[Any, ...]]]:
    """Return all socket addresses that an address may mean, best first.

    Parameters
    ----------
    address : TcpAddress
    getaddrinfo : callable
        Works like ``socket.getaddrinfo``. It is called only for names, and may switch greenlets.

    Returns
    -------
    list of (family, sockaddr)
        Never empty. libzmq uses the first, and so does this module.

    Raises
    ------
    OSError
        EINVAL: invalid port or zone, or (to connect) an unknown name. ENODEV: (to bind) not an
        address, a name or an interface. ENOMEM.
    """
    _, target = parts(address)
    return _resolve(target, address.ipv6, address.bind, address.bind, getaddrinfo)


def aliases(text: str, ipv6: Any, getaddrinfo: Callable[..., Any]) -> Any:
    """Return alternative spellings of an endpoint, for unbind() and disconnect() as in libzmq.

    They are the address resolved for connect and, if that succeeds, the address resolved for bind.

    Source: libzmq ``src/socket_base.cpp`` (``resolve_tcp_addr``).
    """
    names = []
    for bind in (False, True):
        address = TcpAddress(text, bool(ipv6), bind)
        try:
            resolve_source(address)
            family, name = resolve(address, getaddrinfo)[0]
        except OSError:
            break
        names.append(endpoint_of(family, name))
    return names


def beyond_proxy(address: Any, options: Options) -> Any:
    """Return the ``(host, port)`` to request from SOCKS_PROXY, or None without a proxy.

    Raises
    ------
    OSError
        EINVAL: the port is not a number.
    """
    if not options.socks_proxy:
        return None
    host, _, port_text = parts(address)[1].rpartition(":")
    port = atoi(port_text) & 0xFFFF
    if not port:
        raise OSError(EINVAL, f"{address} does not end in a port")
    if host[:1] == "[" and host[-1:] == "]":
        host = host[1:-1]
    return host, port


def proxied(address: Any, options: Options) -> Any:
    """Return the address to connect to: the proxy if there is one, with the same source."""
    if not options.socks_proxy:
        return address
    proxy = options.socks_proxy.partition(b"\0")[0].decode("utf-8", "surrogateescape")
    source, _ = parts(address)
    return TcpAddress(proxy if source is None else f"{source};{proxy}", address.ipv6, False)


def numeric_host(name: Any) -> Any:
    if len(name) == 2 or not name[3]:
        return name[0]
    # This includes the zone of a link-local address, and looks up no name.
    numeric = _socket.NI_NUMERICHOST | _socket.NI_NUMERICSERV
    return _socket.getnameinfo(name, numeric)[0]


def endpoint_of(family: Any, name: Any) -> Any:
    host = numeric_host(name)
    return f"tcp://[{host}]:{name[1]}" if family == _socket.AF_INET6 else f"tcp://{host}:{name[1]}"
