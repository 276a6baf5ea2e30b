"""Counterpart of ``zmq.green.device``, which accepts -1 as a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zlinkcompat._backend.proxies import proxy

if TYPE_CHECKING:
    from zlinkcompat._backend.socket import Socket


def device(device_type: int, isocket: Socket, osocket: int) -> None:
    """Forward messages between two sockets in both directions, in the calling greenlet.

    .. versionadded:: 0.1

    Parameters
    ----------
    device_type : int
        ``zmq.QUEUE``, ...; the value has no effect.
    isocket : Socket
        A socket that is bound and connected already.
    osocket : Socket or int
        A second such socket; -1 means ``isocket``, which then echoes its messages.

    Raises
    ------
    TypeError
        An argument is not a Socket.
    ZMQError
        ETERM, ENOTSOCK: the device ends with one of these. EFAULT: a socket was closed before.

    Notes
    -----
    pyzmq's ``zmq.green.device``.
    """
    proxy(isocket, isocket if osocket == -1 else osocket)
