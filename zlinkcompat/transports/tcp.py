"""``tcp://``: host names, IPv4, IPv6, interface names, wildcards, source addresses.

Source: libzmq ``src/ip_resolver.cpp``, ``src/tcp_address.cpp``, ``src/tcp.cpp``,
``src/tcp_listener.cpp``, ``src/tcp_connecter.cpp``; ``doc/zmq_tcp.adoc`` for users.
"""

import _socket
import logging
import os
import re
import warnings
from errno import EADDRINUSE, EAFNOSUPPORT, ECONNREFUSED, EINVAL, ENODEV, ENOMEM

from zlinkcompat import tuning
from zlinkcompat._runtime.log_queue import Log
from zlinkcompat.errors import zmq_error
from zlinkcompat.transports import sockets
from zlinkcompat.transports.link import Link  # noqa: F401  (used unchanged)

LOG = Log("zlinkcompat.transports")

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

    def __init__(self, text, ipv6, bind):
        self.text = text
        self.ipv6 = ipv6
        self.bind = bind

    def __str__(self):
        return "tcp://" + self.text


def parse(text, ipv6, bind, scheme="tcp"):
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
    port = _atoi(text.rpartition(":")[2])
    if port > 0xFFFF:
        warnings.warn(
            f"{scheme}://{text}: ports end at 65535. As with libzmq, {port} counts as "
            f"{port & 0xFFFF}",
            RuntimeWarning,
            stacklevel=2,
        )
    return TcpAddress(text, bool(ipv6), bind)


def _atoi(text):
    """Parse a number like C's atoi, as libzmq does: leading blanks, sign, trailing text ignored."""
    match = _INTEGER.match(text)
    return max(-1 << 63, min(int(match[1]), (1 << 63) - 1)) if match else 0


def _split(text, bindable):
    """Split ``host:port`` into (host, port, zone id); the zone id is 0 if the host has none."""
    host, colon, port_text = text.rpartition(":")
    if port_text == "*" and bindable or port_text == "0":
        port = 0
    else:
        # Port numbers wrap at 65536, as in libzmq: 65537 is port 1.
        port = _atoi(port_text) & 0xFFFF
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
            zone = _atoi(zone_text) & 0xFFFFFFFF
        if not zone:
            raise OSError(EINVAL, f"{text!r} has an unknown zone {zone_text!r}")
    return host, port, zone


def _look_up(host, ipv6, getaddrinfo, flags):
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


def _resolve(text, ipv6, bindable, allow_nic, getaddrinfo):
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


def _places(host, ipv6, bindable, allow_nic, getaddrinfo):
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
        return _look_up(literal, ipv6, _socket.getaddrinfo, _socket.AI_NUMERICHOST)
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
        return _look_up(host, ipv6, getaddrinfo, _socket.AI_PASSIVE if bindable else 0)
    except _socket.gaierror as error:
        if error.errno == _socket.EAI_MEMORY:
            raise OSError(ENOMEM, os.strerror(ENOMEM)) from None
        raise failure from error
    except UnicodeError as error:
        raise failure from error


def _parts(address):
    """Return source (None if absent) and target of an address, both as text."""
    source, semicolon, target = address.text.rpartition(";")
    return source if semicolon else None, target


def resolve_source(address):
    """Return ``(family, sockaddr)`` of the source of an address, or None. Looks up no names.

    Raises
    ------
    OSError
        EINVAL, ENODEV: the port is missing, or the host is not a literal, ``*`` or an interface.
    """
    source, _ = _parts(address)
    return None if source is None else _resolve(source, address.ipv6, True, True, None)[0]


def resolve(address, getaddrinfo):
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
    _, target = _parts(address)
    return _resolve(target, address.ipv6, address.bind, address.bind, getaddrinfo)


def aliases(text, ipv6, getaddrinfo):
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
        names.append(_endpoint(family, name))
    return names


def _open(address, options, getaddrinfo):
    """Return a new socket, with the options that bind or connect need first, and its addresses."""
    source = resolve_source(address)
    family, target = resolve(address, getaddrinfo)[0]
    try:
        sock = _socket.socket(family, _socket.SOCK_STREAM, _socket.IPPROTO_TCP)
    except OSError as error:
        # The kernel lacks IPv6, but the address may be reachable over IPv4.
        if error.errno != EAFNOSUPPORT or not address.ipv6:
            raise
        return _open(TcpAddress(address.text, False, address.bind), options, getaddrinfo)
    try:
        sock.setblocking(False)
        if family == _socket.AF_INET6:
            sock.setsockopt(_socket.IPPROTO_IPV6, _socket.IPV6_V6ONLY, 0)
        _mark(sock, options)
        if options.bindtodevice:
            sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_BINDTODEVICE, options.bindtodevice)
        # Set before listen or connect: the first segment fixes TCP's window scale.
        unset = options.tuning.socket_buffers
        for option, size in (
            (_socket.SO_SNDBUF, options.sndbuf),
            (_socket.SO_RCVBUF, options.rcvbuf),
        ):
            if size >= 0 or unset > 0:
                sock.setsockopt(_socket.SOL_SOCKET, option, size if size >= 0 else unset)
    except BaseException:
        sock.close()
        raise
    return sock, source, target


def _mark(sock, options):
    # The order matters: IP_TOS changes the priority as well.
    if options.tos:
        sock.setsockopt(_socket.IPPROTO_IP, _socket.IP_TOS, options.tos)
        if sock.family == _socket.AF_INET6:
            sock.setsockopt(_socket.IPPROTO_IPV6, _socket.IPV6_TCLASS, options.tos)
    if options.priority:
        sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_PRIORITY, options.priority)


def listen(address, options, getaddrinfo):
    """Listen, or adopt the listening socket of ``USE_FD`` and ignore the address.

    Returns
    -------
    ListenerSocket

    Raises
    ------
    zmq.ZMQError
        EINVAL, ENODEV: see :func:`resolve`. EADDRINUSE, EADDRNOTAVAIL, ...: from the kernel.
    """
    sock = None
    try:
        if options.use_fd != -1:
            sock = sockets.adopt(options.use_fd)
        else:
            sock, _, name = _open(address, options, getaddrinfo)
            sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
            sock.bind(name)
            sock.listen(options.backlog)
    except OSError as error:
        if sock is not None:
            sock.close()
        advice = (error.strerror or "") if error.errno in (EINVAL, ENODEV) else ""
        if error.errno == EADDRINUSE:
            advice = "port is taken; pick another, or bind port 0 and read LAST_ENDPOINT"
        raise sockets.bind_error(error, str(address), advice) from error
    return sockets.ListenerSocket(sock, local_endpoint(sock))


def accept(listener):
    """Return ``(socket, peer address)`` of the next connection, or None; see sockets.accept."""
    accepted = sockets.accept(listener)
    if accepted is None:
        return None
    sock, name = accepted
    return sock, _numeric_host(name)


def admits(sock, options):
    """Tell whether an accepted peer passes one of the TCP_ACCEPT_FILTER values, if any is set."""
    if not options.tcp_filters:
        return True
    name = sockets.socket_name(sock.getpeername)
    if name is None:
        return False
    place = _widened(sock.family, name[0])
    return any((place ^ network) >> 128 - bits == 0 for network, bits in options.tcp_filters)


def parse_filter(text, ipv6):
    """Return ``address[/bits]`` as (network, bits) for IPv6; IPv4 addresses are mapped.

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
        place = _look_up(host, ipv6, _socket.getaddrinfo, _socket.AI_NUMERICHOST)[0][0]
    except _socket.gaierror as error:
        raise ValueError(f"{host!r} is not an address") from error
    most = 128 if ipv6 else 32
    bits = _atoi(bits_text) if slash else most
    if bits_text != "0" and not 1 <= bits <= most:
        raise ValueError(f"{bits_text!r} is not a valid number of bits")
    network = _widened(family, place)
    if network >> 32 == _MAPPED and bits <= 32:
        bits += 96
    return network, bits


_MAPPED = 0xFFFF


def _widened(family, place):
    """Return a numeric address as an int of 128 bits."""
    packed = _socket.inet_pton(family, place.partition("%")[0])
    number = int.from_bytes(packed, "big")
    return number if family == _socket.AF_INET6 else _MAPPED << 32 | number


def beyond_proxy(address, options):
    """Return the ``(host, port)`` to request from SOCKS_PROXY, or None without a proxy.

    Raises
    ------
    OSError
        EINVAL: the port is not a number.
    """
    if not options.socks_proxy:
        return None
    host, _, port_text = _parts(address)[1].rpartition(":")
    port = _atoi(port_text) & 0xFFFF
    if not port:
        raise OSError(EINVAL, f"{address} does not end in a port")
    if host[:1] == "[" and host[-1:] == "]":
        host = host[1:-1]
    return host, port


def _proxied(address, options):
    """Return the address to connect to: the proxy if there is one, with the same source."""
    if not options.socks_proxy:
        return address
    proxy = options.socks_proxy.partition(b"\0")[0].decode("utf-8", "surrogateescape")
    source, _ = _parts(address)
    return TcpAddress(proxy if source is None else f"{source};{proxy}", address.ipv6, False)


def start_connect(address, options, getaddrinfo):
    """Begin to connect, to the SOCKS_PROXY if one is set.

    Returns
    -------
    tuple
        ``(socket, connected)``. If not connected, wait until the socket is writable, and call
        :func:`finish_connect`.

    Raises
    ------
    OSError
        See :func:`resolve`, or an immediate error of the kernel. No socket is left open.
    """
    sock, source, target = _open(_proxied(address, options), options, getaddrinfo)
    try:
        if source is not None:
            # One source port can serve connections to several servers.
            sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
            sock.bind(source[1])
        connected = sockets.start_connect(sock, target)
        if connected:
            finish_connect(sock)
    except BaseException:
        sock.close()
        raise
    return sock, connected


def finish_connect(sock):
    """Raise the OSError of a failed connect. Call this when the socket is writable.

    A connection to itself counts as ECONNREFUSED. If a client keeps trying a local port of the
    ephemeral range without a listener, the kernel eventually gives it that port as its own. The
    connection would then keep the server from binding the port.
    """
    sockets.finish_connect(sock)
    name = sockets.socket_name(sock.getsockname)
    if name is not None and name == sockets.socket_name(sock.getpeername):
        raise OSError(ECONNREFUSED, "connected to itself: nobody listens there")


def tune(sock, options):
    """Set the options of every connection, accepted or connected: Nagle, keep-alive, TOS, priority.

    -1 leaves a keep-alive option to the kernel. ``tcp_maxrt`` is in milliseconds; 0 leaves it.
    """
    tcp = _socket.IPPROTO_TCP
    # The engine batches messages itself, so Nagle's algorithm would only add latency.
    sock.setsockopt(tcp, _socket.TCP_NODELAY, options.tuning.tcp_nodelay)
    if options.sndbuf < 0 and options.tuning.socket_buffers < 0 and _is_local(sock):
        # The kernel would grow the buffer to 4 MiB, and data in flight would no longer fit in the
        # CPU's cache. A local peer has such a short delay that a small buffer is not a limit.
        sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_SNDBUF, tuning.LOCAL_BUFFER)
    _mark(sock, options)
    if options.tcp_keepalive != -1:
        sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_KEEPALIVE, options.tcp_keepalive)
        for option, value in (
            (_socket.TCP_KEEPCNT, options.tcp_keepalive_cnt),
            (_KEEPIDLE, options.tcp_keepalive_idle),
            (_socket.TCP_KEEPINTVL, options.tcp_keepalive_intvl),
        ):
            if value != -1:
                sock.setsockopt(tcp, option, value)
    if options.tcp_maxrt > 0 and hasattr(_socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(tcp, _socket.TCP_USER_TIMEOUT, options.tcp_maxrt)
    if LOG.is_enabled_for(logging.DEBUG):
        LOG.debug("%s: %s", peer_endpoint(sock), sockets.describe(sock.fileno()))


def _is_local(sock):
    """Tell whether the peer is on this host."""
    theirs = sockets.socket_name(sock.getpeername)
    if not theirs or theirs[0].startswith(_LOOPBACK):
        return bool(theirs)
    ours = sockets.socket_name(sock.getsockname)
    return bool(ours) and ours[0] == theirs[0]


_LOOPBACK = ("127.", "::1", "::ffff:127.")


# macOS uses another name.
_KEEPIDLE = getattr(_socket, "TCP_KEEPIDLE", None) or _socket.TCP_KEEPALIVE


def _numeric_host(name):
    if len(name) == 2 or not name[3]:
        return name[0]
    # This includes the zone of a link-local address, and looks up no name.
    numeric = _socket.NI_NUMERICHOST | _socket.NI_NUMERICSERV
    return _socket.getnameinfo(name, numeric)[0]


def _endpoint(family, name):
    host = _numeric_host(name)
    return f"tcp://[{host}]:{name[1]}" if family == _socket.AF_INET6 else f"tcp://{host}:{name[1]}"


def local_endpoint(sock):
    """Return ``tcp://host:port`` of our end."""
    name = sockets.socket_name(sock.getsockname)
    return _endpoint(sock.family, name) if name else ""


def peer_endpoint(sock):
    """Return ``tcp://host:port`` of the peer's end; "" if it is gone."""
    name = sockets.socket_name(sock.getpeername)
    return _endpoint(sock.family, name) if name else ""


def peer_address(sock):
    """Return the peer's numeric host, the ``Peer-Address`` of its messages; "" if it is gone."""
    name = sockets.socket_name(sock.getpeername)
    return _numeric_host(name) if name else ""
