"""The device of ``zmq.green``, which takes -1 for a socket."""

from zlinkcompat._backend.proxies import proxy


def device(device_type, isocket, osocket):
    """Pass messages between two sockets both ways, in a greenlet.

    .. versionadded:: 0.1

    Parameters
    ----------
    device_type : int
        ``zmq.QUEUE``, ...; makes no difference.
    isocket : Socket
        Bound and connected already.
    osocket : Socket or int
        The same; -1 is ``isocket`` once more, which then answers itself.

    Raises
    ------
    TypeError
        Something is no Socket.
    ZMQError
        ETERM, ENOTSOCK: how it ends. EFAULT: a socket is closed already.

    Notes
    -----
    pyzmq's ``zmq.green.device``.
    """
    proxy(isocket, isocket if osocket == -1 else osocket)
