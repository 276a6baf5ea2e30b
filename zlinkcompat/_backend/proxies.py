"""Proxies for sockets of both entry points.

Source: libzmq ``zmq_proxy(3)``, ``zmq_proxy_steerable(3)``.
"""

from zlinkcompat._backend.foreign_objects import refuse_other
from zlinkcompat._backend.socket import Socket
from zlinkcompat.core import proxy as core_proxy
from zlinkcompat.errors import EFAULT, zmq_error


def core_of(socket, optional=False):
    """The core of a socket that is open; TypeError, EFAULT."""
    if optional and socket is None:
        return None
    if not isinstance(socket, Socket):
        refuse_other(socket, "a Socket")
        raise TypeError(f"a Socket is needed, not {socket!r}")
    if socket.closed:
        # libzmq is given a null pointer then.
        raise zmq_error(EFAULT, "a socket of the proxy is closed")
    return socket.core


def proxy(frontend, backend, capture=None):
    """Pass messages between two sockets both ways, until their context is terminated.

    .. versionadded:: 0.1

    Parameters
    ----------
    frontend, backend : Socket
        Bound and connected already.
    capture : Socket, optional
        Gets a copy of every message.

    Returns
    -------
    int
        It does not return, but raises.

    Raises
    ------
    TypeError
        Something is no Socket.
    ZMQError
        ETERM, ENOTSOCK: how it ends. EFAULT: a socket is closed already.

    Notes
    -----
    libzmq's ``zmq_proxy(3)``.
    """
    core_proxy.proxy(core_of(frontend), core_of(backend), core_of(capture, True))
    return 0


def proxy_steerable(frontend, backend, capture=None, control=None):
    """A :func:`proxy` that obeys PAUSE, RESUME, TERMINATE and STATISTICS from ``control``.

    .. versionadded:: 0.1

    Parameters
    ----------
    frontend, backend : Socket
        Bound and connected already.
    capture : Socket, optional
        Gets a copy of every message.
    control : Socket, optional
        Where the commands come from; each is answered, STATISTICS by eight numbers.

    Returns
    -------
    int
        0, after TERMINATE.

    Raises
    ------
    TypeError
        Something is no Socket.
    ZMQError
        ETERM, ENOTSOCK: how else it ends. EFAULT: a socket is closed already.

    Notes
    -----
    libzmq's ``zmq_proxy_steerable(3)``.
    """
    core_proxy.proxy(
        core_of(frontend), core_of(backend), core_of(capture, True), core_of(control, True)
    )
    return 0


def monitored_queue(in_socket, out_socket, mon_socket, in_prefix=b"in", out_prefix=b"out"):
    """A :func:`proxy` that sends each message, with a first frame for its way, to ``mon_socket``.

    Two ROUTERs address each other's peers by the second frame.

    .. versionadded:: 0.1

    Parameters
    ----------
    in_socket, out_socket : Socket
        Between which messages pass.
    mon_socket : Socket
        Where a copy of each goes.
    in_prefix, out_prefix : bytes or buffer
        First frame of the copies, by the side that the message came from.

    Returns
    -------
    int
        It does not return, but raises.

    Raises
    ------
    TypeError
        Something is no Socket, or a prefix no buffer.
    ZMQError
        ETERM, ENOTSOCK: how it ends. EFAULT: a socket is closed already.

    Notes
    -----
    pyzmq's ``zmq.devices.monitored_queue``.
    """
    core_proxy.monitored_queue(
        core_of(in_socket),
        core_of(out_socket),
        core_of(mon_socket),
        memoryview(in_prefix).tobytes(),
        memoryview(out_prefix).tobytes(),
    )
    return 0


def device(device_type, frontend, backend):
    """Pass messages between two sockets: libzmq's old name of :func:`proxy`.

    .. versionadded:: 0.1

    Parameters
    ----------
    device_type : int
        ``zmq.QUEUE``, ...; makes no difference.
    frontend, backend : Socket
        Bound and connected already.

    Returns
    -------
    int
        It does not return, but raises.

    Raises
    ------
    TypeError, ZMQError
        As of :func:`proxy`.
    """
    return proxy(frontend, backend)
