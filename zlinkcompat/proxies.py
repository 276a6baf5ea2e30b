"""Proxies over sockets of either door (libzmq ``zmq_proxy(3)``, ``zmq_proxy_steerable(3)``)."""

from zlinkcompat.base import Socket
from zlinkcompat.core import proxy as core_proxy
from zlinkcompat.errors import EFAULT, zmq_error


def core_of(socket, optional=False):
    if optional and socket is None:
        return None
    if not isinstance(socket, Socket):
        raise TypeError(f"a Socket is needed, not {socket!r}")
    if socket.closed:
        # libzmq is given a null pointer then.
        raise zmq_error(EFAULT, "a socket of the proxy is closed")
    return socket.core


def proxy(frontend, backend, capture=None):
    """Pass messages between two sockets both ways, until their context is terminated.

    Parameters
    ----------
    frontend, backend : Socket
    capture : Socket, optional
        Gets a copy of every message.

    Raises
    ------
    ZMQError
        ETERM, ENOTSOCK: how it ends. EFAULT: a socket is closed already.
    """
    core_proxy.proxy(core_of(frontend), core_of(backend), core_of(capture, True))
    return 0


def proxy_steerable(frontend, backend, capture=None, control=None):
    """A :func:`proxy` that obeys PAUSE, RESUME, TERMINATE and STATISTICS from ``control``.

    Returns
    -------
    int
        0, after TERMINATE.
    """
    core_proxy.proxy(core_of(frontend), core_of(backend), core_of(capture, True),
                     core_of(control, True))
    return 0


def monitored_queue(in_socket, out_socket, mon_socket, in_prefix=b"in", out_prefix=b"out"):
    """A :func:`proxy` that sends each message, with a first frame for its way, to ``mon_socket``.

    Two ROUTERs address each other's peers by the second frame.
    """
    core_proxy.monitored_queue(core_of(in_socket), core_of(out_socket), core_of(mon_socket),
                               memoryview(in_prefix).tobytes(), memoryview(out_prefix).tobytes())
    return 0


def device(device_type, frontend, backend):
    """libzmq's old name of :func:`proxy`; the type (zmq.QUEUE, ...) makes no difference."""
    return proxy(frontend, backend)
