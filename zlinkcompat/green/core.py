"""Socket and Context of ``zlinkcompat.green``."""

from zlinkcompat._sugar import names as _names


class Socket(_names.Socket):  # type: ignore[type-arg]
    """A socket of a :class:`Context` of this module.

    .. versionadded:: 0.1

    Parameters
    ----------
    ctx_or_socket, socket_type, shadow, copy_threshold : Context or Socket, int, int, int
        The parameters of :class:`zlinkcompat.Socket`.

    Notes
    -----
    pyzmq's ``zmq.green.Socket``. There RCVTIMEO and SNDTIMEO have no effect; here they work.
    """

    _repr_cls = "zlinkcompat zmq.green.Socket"


class Context(_names.Context):  # type: ignore[type-arg]
    """A context whose connections run in the hub of the thread that uses them.

    .. versionadded:: 0.1

    Parameters
    ----------
    io_threads : int or Context
        The number is ignored, because no threads are created. If it is a Context, the new object
        is a shadow of it.
    shadow : Context or int
        The ``underlying`` of another object.

    Raises
    ------
    ZMQError
        EINVAL: ``io_threads`` is negative. EFAULT: the context to shadow does not exist.

    Notes
    -----
    pyzmq's ``zmq.green.Context``.

    Examples
    --------
    >>> import gevent
    >>> import zlinkcompat.green as zmq
    >>> with zmq.Context() as context:
    ...     with context.socket(zmq.PULL) as sink, context.socket(zmq.PUSH) as source:
    ...         with sink.bind("inproc://here"), source.connect("inproc://here"):
    ...             waiting = gevent.spawn(sink.recv)
    ...             source.send(b"to a greenlet")
    ...             waiting.get()
    b'to a greenlet'
    """

    _engine = "hub"
    _socket_class = Socket
    _repr_cls = "zlinkcompat zmq.green.Context"
    _instance = None


# The names that pyzmq's ``zmq.green.core`` uses.
_Socket = Socket
_Context = Context
