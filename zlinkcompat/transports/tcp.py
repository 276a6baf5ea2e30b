"""``tcp://``: sockets that listen, accept and connect, and their options.

Source: libzmq ``src/tcp.cpp``, ``src/tcp_listener.cpp``, ``src/tcp_connecter.cpp``.
"""

from __future__ import annotations

import _socket
from errno import EADDRINUSE, EAFNOSUPPORT, ECONNREFUSED, EINVAL, ENODEV
from typing import TYPE_CHECKING, Any

from zlinkcompat import tuning
from zlinkcompat._runtime.log_queue import DEBUG, Log
from zlinkcompat.transports import sockets
from zlinkcompat.transports.link import Link  # noqa: F401  (used unchanged)
from zlinkcompat.transports.tcp_address import (  # noqa: F401  (the functions of a transport)
    TcpAddress,
    aliases,
    beyond_proxy,
    endpoint_of,
    numeric_host,
    parse,
    proxied,
    resolve,
    resolve_source,
)
from zlinkcompat.transports.tcp_filter import admits  # noqa: F401  (a function of a transport)

if TYPE_CHECKING:
    from collections.abc import Callable

    from zlinkcompat.core.options import Options
    from zlinkcompat.transports.sockets import ListenerSocket


LOG = Log("zlinkcompat.transports")


def _open(
    address: TcpAddress, options: Options, getaddrinfo: Callable[..., Any]
) -> tuple[Any, None, tuple[Any, ...]]:
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


def _mark(sock: Any, options: Options) -> None:
    # The order matters: IP_TOS changes the priority as well.
    if options.tos:
        sock.setsockopt(_socket.IPPROTO_IP, _socket.IP_TOS, options.tos)
        if sock.family == _socket.AF_INET6:
            sock.setsockopt(_socket.IPPROTO_IPV6, _socket.IPV6_TCLASS, options.tos)
    if options.priority:
        sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_PRIORITY, options.priority)


def listen(
    address: TcpAddress, options: Options, getaddrinfo: Callable[..., Any]
) -> ListenerSocket:
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


def accept(listener: ListenerSocket) -> Any:
    """Return ``(socket, peer address)`` of the next connection, or None; see sockets.accept."""
    accepted = sockets.accept(listener)
    if accepted is None:
        return None
    sock, name = accepted
    return sock, numeric_host(name)


def start_connect(
    address: TcpAddress, options: Options, getaddrinfo: Callable[..., Any]
) -> tuple[Any, bool]:
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
    sock, source, target = _open(proxied(address, options), options, getaddrinfo)
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


def finish_connect(sock: Any) -> None:
    """Raise the OSError of a failed connect. Call this when the socket is writable.

    A connection of a socket to itself counts as ECONNREFUSED. Suppose that a client keeps trying a
    local port of the ephemeral range that has no listener. Eventually the kernel gives the client
    this port as its own, and the client connects to itself. That would keep the server from binding
    the port.
    """
    sockets.finish_connect(sock)
    name = sockets.socket_name(sock.getsockname)
    if name is not None and name == sockets.socket_name(sock.getpeername):
        raise OSError(ECONNREFUSED, "connected to itself: nobody listens there")


def tune(sock: Any, options: Options) -> None:
    """Set the options of every connection, accepted or connected: Nagle, keep-alive, TOS, priority.

    A keep-alive option of -1, and a ``tcp_maxrt`` (milliseconds) of 0, keep the kernel's default.
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
    if LOG.is_enabled_for(DEBUG):
        LOG.debug("%s: %s", peer_endpoint(sock), sockets.describe(sock.fileno()))


def _is_local(sock: Any) -> bool:
    """Tell whether the peer is on this host."""
    theirs = sockets.socket_name(sock.getpeername)
    if not theirs or theirs[0].startswith(_LOOPBACK):
        return bool(theirs)
    ours = sockets.socket_name(sock.getsockname)
    return bool(ours) and ours[0] == theirs[0]


_LOOPBACK = ("127.", "::1", "::ffff:127.")
# macOS uses another name.
_KEEPIDLE = getattr(_socket, "TCP_KEEPIDLE", None) or _socket.TCP_KEEPALIVE  # type: ignore[attr-defined]


def local_endpoint(sock: Any) -> str:
    """Return ``tcp://host:port`` of our end."""
    name = sockets.socket_name(sock.getsockname)
    return endpoint_of(sock.family, name) if name else ""


def peer_endpoint(sock: Any) -> str:
    """Return ``tcp://host:port`` of the peer's end; "" if it is gone."""
    name = sockets.socket_name(sock.getpeername)
    return endpoint_of(sock.family, name) if name else ""


def peer_address(sock: Any) -> str:
    """Return the peer's numeric host, the ``Peer-Address`` of its messages; "" if it is gone."""
    name = sockets.socket_name(sock.getpeername)
    return numeric_host(name) if name else ""
