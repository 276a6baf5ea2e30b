"""Plain non-blocking sockets, and what all socket transports do alike with them.

Everything is made from ``_socket.socket``: when the program is monkey-patched, ``socket.socket``
is gevent's cooperative class, whose methods switch greenlets. The one in ``_socket`` stays plain.
"""

import _socket
import os
import sys
from errno import EINPROGRESS, ENOENT

try:
    import fcntl
    from termios import TIOCOUTQ as OUTQ  # SIOCOUTQ is the same number
except ImportError:
    OUTQ = None

from zlinkcompat.errors import zmq_error


class ListenerSocket:
    """A listening socket and the name under which it is reached.

    Attributes
    ----------
    socket : _socket.socket
        Non-blocking.
    endpoint : str
        What ``LAST_ENDPOINT`` and the monitor tell.
    """

    __slots__ = ("socket", "endpoint")

    def __init__(self, sock, endpoint):
        self.socket = sock
        self.endpoint = endpoint

    def close(self):
        """Stop listening; again is harmless."""
        self.socket.close()


def bind_error(error, endpoint, advice=""):
    """pyzmq's exception for the OSError that ``bind(endpoint)`` ran into."""
    text = f"{os.strerror(error.errno)} (bind {endpoint!r})"
    if error.errno == ENOENT and endpoint.startswith("ipc://") and not advice:
        advice = f"there is no folder {os.path.dirname(endpoint[6:])!r}; make it first"
    return zmq_error(error.errno, f"{text}: {advice}" if advice else text)


def adopt(fd):
    """The listening socket that the user made himself and gave by ``USE_FD``; we own it now."""
    sock = _socket.socket(fileno=fd)
    sock.setblocking(False)
    return sock


def unacknowledged(fd):
    """Bytes that were written to a connection and that the peer's host has not acknowledged (tcp),
    or that the peer has not read (ipc); 0 where the system does not tell. Source: tcp(7), SIOCOUTQ.
    """
    if OUTQ is None:
        return 0
    try:
        return int.from_bytes(fcntl.ioctl(fd, OUTQ, bytes(4)), sys.byteorder, signed=True)
    except (OSError, ValueError):
        return 0


def accept(listener):
    """Next connection of a listener, as a non-blocking socket, and the peer's name; or None when
    nobody waits.

    Raises
    ------
    OSError
        EMFILE, ENFILE, ENOBUFS, ENOMEM: no room; the connection goes on waiting, so pause before
        the next try. ECONNABORTED: the peer gave up; go on.
    """
    sock = listener.socket
    try:
        fd, name = sock._accept()
    except BlockingIOError:
        return None
    connection = _socket.socket(sock.family, sock.type, sock.proto, fileno=fd)
    connection.setblocking(False)
    return connection, name


def start_connect(sock, name):
    """Begin to connect a non-blocking socket; True when that is already done.

    Raises
    ------
    OSError
        EAGAIN among others: the backlog of a unix listener is full, and nothing is under way. Its
        ``descriptor`` is the socket's, for the monitor to tell.
    """
    try:
        sock.connect(name)
    except OSError as error:
        if error.errno == EINPROGRESS:
            return False
        error.descriptor = sock.fileno()
        raise
    return True


def finish_connect(sock):
    """Raise the OSError with which a connect ended, if it did not succeed. Call when writable."""
    error = sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
    if error:
        raise OSError(error, os.strerror(error))


def describe(fd):
    """What the kernel gives a connection: see ``zlinkcompat.debug.connections``."""
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


def socket_name(call):
    """Result of a ``getsockname`` or ``getpeername``; None when the connection is already gone."""
    try:
        return call()
    except OSError:
        return None
