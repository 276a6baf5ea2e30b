"""Proxies for the sockets of both entry points.

Source: libzmq ``zmq_proxy(3)``, ``zmq_proxy_steerable(3)``.
"""

from __future__ import annotations

from typing import Any

from zlinkcompat._backend.foreign_objects import refuse_other
from zlinkcompat._backend.socket import Socket
from zlinkcompat.core import proxy as core_proxy
from zlinkcompat.errors import EFAULT, zmq_error


def core_of(socket: Any, optional: bool = False) -> Any:
    """Return the core of an open socket; raises TypeError or EFAULT."""
    if optional and socket is None:
        return None
    if not isinstance(socket, Socket):
        refuse_other(socket, "a Socket")
        raise TypeError(f"a Socket is needed, not {socket!r}")
    if socket.closed:
        # pyzmq would pass a null pointer to libzmq, which then raises EFAULT.
        raise zmq_error(EFAULT, "a socket of the proxy is closed")
    return socket.core


def proxy(frontend: Any, backend: Any, capture: Any = None) -> int:
    """Forward messages between two sockets in both directions, until their context is terminated.

    .. versionadded:: 0.1

    Parameters
    ----------
    frontend, backend : Socket
        Sockets that are bound and connected already.
    capture : Socket, optional
        It gets a copy of every message.

    Returns
    -------
    int
        It does not return, but raises.

    Raises
    ------
    TypeError
        An argument is not a Socket.
    ZMQError
        ETERM, ENOTSOCK: the proxy ends with one of these. EFAULT: a socket was closed before.

    Notes
    -----
    libzmq's ``zmq_proxy(3)``.
    """
    core_proxy.proxy(core_of(frontend), core_of(backend), core_of(capture, True))
    return 0


def proxy_steerable(frontend: Any, backend: Any, capture: Any = None, control: Any = None) -> int:
    """Run a :func:`proxy` that obeys PAUSE, RESUME, TERMINATE and STATISTICS from ``control``.

    .. versionadded:: 0.1

    Parameters
    ----------
    frontend, backend : Socket
        Sockets that are bound and connected already.
    capture : Socket, optional
        It gets a copy of every message.
    control : Socket, optional
        The source of the commands. It gets a reply to each command. The reply to STATISTICS has
        eight numbers.

    Returns
    -------
    int
        0, after TERMINATE.

    Raises
    ------
    TypeError
        An argument is not a Socket.
    ZMQError
        ETERM, ENOTSOCK: the proxy ends with one of these. EFAULT: a socket was closed before.

    Notes
    -----
    libzmq's ``zmq_proxy_steerable(3)``.
    """
    core_proxy.proxy(
        core_of(frontend), core_of(backend), core_of(capture, True), core_of(control, True)
    )
    return 0


def monitored_queue(
    in_socket: Any,
    out_socket: Any,
    mon_socket: Any,
    in_prefix: bytes = b"in",
    out_prefix: bytes = b"out",
) -> int:
    """Run a :func:`proxy` that also sends a copy of each message to ``mon_socket``.

    Between two ROUTERs, the second frame of a message is the routing id of its receiver.

    .. versionadded:: 0.1

    Parameters
    ----------
    in_socket, out_socket : Socket
        The sockets between which messages are forwarded.
    mon_socket : Socket
        It gets a copy of each message.
    in_prefix, out_prefix : bytes or buffer
        The first frame of the copies of messages from each side.

    Returns
    -------
    int
        It does not return, but raises.

    Raises
    ------
    TypeError
        An argument is not a Socket, or a prefix is not a buffer.
    ZMQError
        ETERM, ENOTSOCK: the proxy ends with one of these. EFAULT: a socket was closed before.

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


def device(device_type: int, frontend: Any, backend: Any) -> int:
    """Forward messages between two sockets; libzmq's old name of :func:`proxy`.

    .. versionadded:: 0.1

    Parameters
    ----------
    device_type : int
        ``zmq.QUEUE``, ...; the value has no effect.
    frontend, backend : Socket
        Sockets that are bound and connected already.

    Returns
    -------
    int
        It does not return, but raises.

    Raises
    ------
    TypeError, ZMQError
        The errors of :func:`proxy`.
    """
    return proxy(frontend, backend)
