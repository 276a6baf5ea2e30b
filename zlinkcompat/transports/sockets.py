"""Plain non-blocking sockets, and operations that all socket transports share.

All sockets are created from ``_socket.socket``. In a monkey-patched program ``socket.socket`` is
gevent's cooperative class, whose methods switch greenlets, but ``_socket.socket`` is unchanged.
"""

from __future__ import annotations

import _socket
import os
import sys
from errno import EINPROGRESS, ENOENT
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


try:
    import fcntl
    from termios import TIOCOUTQ  # the same number as SIOCOUTQ

    OUTQ: int | None = TIOCOUTQ
except ImportError:
    OUTQ = None

from zlinkcompat.errors import zmq_error


class ListenerSocket:
    """A listening socket and its endpoint.

    Attributes
    ----------
    socket : _socket.socket
        The non-blocking socket.
    endpoint : str
        The value of ``LAST_ENDPOINT`` and of monitor events.
    """

    __slots__ = ("socket", "endpoint")

    def __init__(self, sock: Any, endpoint: str) -> None:
        self.socket = sock
        self.endpoint = endpoint

    def close(self) -> None:
        """Stop listening. Repeated calls have no effect."""
        self.socket.close()


def bind_error(error: Any, endpoint: Any, advice: Any = "") -> Any:
    """Return pyzmq's exception for an OSError in ``bind(endpoint)``."""
    text = f"{os.strerror(error.errno)} (bind {endpoint!r})"
    if error.errno == ENOENT and endpoint.startswith("ipc://") and not advice:
        advice = f"there is no folder {os.path.dirname(endpoint[6:])!r}; make it first"
    return zmq_error(error.errno, f"{text}: {advice}" if advice else text)


def adopt(fd: int) -> Any:
    """Take over the listening socket that the user created and set by ``USE_FD``."""
    sock = _socket.socket(fileno=fd)
    sock.setblocking(False)
    return sock


def unacknowledged(fd: int) -> int:
    """Return how many written bytes the peer's host has not acknowledged, or 0 if it is unknown.

    Over ipc, it is the bytes that the peer has not read. Source: tcp(7), SIOCOUTQ.
    """
    if OUTQ is None:
        return 0
    try:
        return int.from_bytes(fcntl.ioctl(fd, OUTQ, bytes(4)), sys.byteorder, signed=True)
    except (OSError, ValueError):
        return 0


def accept(listener: ListenerSocket) -> Any:
    """Return a non-blocking socket for the next connection, and the peer's name.

    Return None if no peer waits.

    Raises
    ------
    OSError
        EMFILE, ENFILE, ENOBUFS, ENOMEM: out of resources. The connection keeps waiting, so pause
        before the next try. ECONNABORTED: the peer gave up; continue.
    """
    sock = listener.socket
    try:
        # Not accept(), which makes a socket object more.
        fd, name = sock._accept()
    except BlockingIOError:
        return None
    connection = _socket.socket(sock.family, sock.type, sock.proto, fileno=fd)
    connection.setblocking(False)
    return connection, name


def start_connect(sock: Any, name: bytes | tuple[str, int]) -> bool:
    """Begin to connect a non-blocking socket. Return True if it is already connected.

    Raises
    ------
    OSError
        For example EAGAIN: the backlog of a Unix listener is full, and no attempt is in progress.
        Its attribute ``descriptor`` is the socket's, for monitor events.
    """
    try:
        sock.connect(name)
    except OSError as error:
        if error.errno == EINPROGRESS:
            return False
        error.descriptor = sock.fileno()  # type: ignore[attr-defined]
        raise
    return True


def finish_connect(sock: Any) -> None:
    """Raise the OSError of a failed connect. Call this when the socket is writable."""
    error = sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
    if error:
        raise OSError(error, os.strerror(error))


def describe(fd: int) -> dict[str, int | None]:
    """Return the kernel settings of a connection: see ``zlinkcompat.debug.connections``."""
    sock = _socket.socket(fileno=fd)
    try:
        nodelay = None
        if sock.family != _socket.AF_UNIX:
            nodelay = bool(sock.getsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY))
        return {
            "fd": fd,
            "sndbuf": sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_SNDBUF),
            "rcvbuf": sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_RCVBUF),
            "nodelay": nodelay,
        }
    finally:
        sock.detach()


def socket_name(call: Callable[..., Any]) -> Any:
    """Return the result of ``getsockname`` or ``getpeername``; None if the connection is gone."""
    try:
        return call()
    except OSError:
        return None


def names(fd: int) -> tuple[str, str]:
    """Return the local and the remote address of a connection as text; None if it is gone.

    A tcp address is "host:port" or "[host]:port"; an ipc address is the path, and "" for a side
    without one."""
    try:
        sock = _socket.socket(fileno=fd)
    except OSError:
        return None
    try:
        return name_text(sock.getsockname()), name_text(sock.getpeername())
    except OSError:
        return None
    finally:
        sock.detach()


def name_text(name: str | tuple[str, int]) -> str:
    """Return the text of an address as the socket module returns it."""
    if isinstance(name, tuple):
        host, port = name[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if isinstance(name, bytes):  # Linux's abstract names
        return "@" + name[1:].decode("utf-8", "replace")
    return name
