"""Context of the swapped import: pyzmq's ``zmq.Context`` on our core."""

from __future__ import annotations

from functools import wraps
from threading import Lock
from typing import Any
from warnings import warn
from weakref import WeakSet

import zmq
from zmq.sugar.attrsettr import AttributeSetter
from zmq.utils.interop import cast_int_addr

from zlinkcompat import _backend
from zlinkcompat._backend.foreign_objects import refuse_other, refuse_socket_class
from zlinkcompat._pyzmq.method_reuse import copy_methods
from zlinkcompat._sugar.socket import Socket
from zlinkcompat.errors import ENOTSUP, zmq_error

_sugar = zmq.sugar.context.Context


class Context(_backend.Context, AttributeSetter):
    """A container of sockets. It has the methods and options of pyzmq's.

    If ``threading`` is monkey-patched when the context is created, I/O is done in the hub of the
    thread that uses a socket; otherwise native threads do it. ZLINK_ENGINE overrides this.

    .. versionadded:: 0.1

    Parameters
    ----------
    io_threads : int or Context
        The number of native I/O threads, if native threads do the I/O. If it is a Context, the new
        object is a shadow of it.
    shadow : Context or int
        The ``underlying`` of another object.

    Raises
    ------
    ValueError
        ZLINK_ENGINE in the environment is not hub, thread or auto.
    ZMQError
        EINVAL: ``io_threads`` is negative. EFAULT: the context to shadow does not exist.

    Notes
    -----
    pyzmq's ``zmq.Context``, libzmq's ``zmq_ctx_new(3)``. Threads may share a context. The garbage
    collector releases an unreferenced context without waiting.

    Examples
    --------
    >>> import zlinkcompat as zmq
    >>> context = zmq.Context()
    >>> context.linger = 0  # for its future sockets, milliseconds
    >>> socket = context.socket(zmq.DEALER)
    >>> socket.linger
    0
    >>> context.destroy()
    >>> socket.closed, context.closed
    (True, True)
    """

    sockopts: Any = None
    _sockets: Any = None
    _instance = None
    _instance_lock = Lock()
    _instance_pid = None
    _shadow_obj = None
    _warn_destroy_close = False
    _socket_class = Socket
    _repr_cls = "zlinkcompat zmq.Context"

    def __init__(self, io_threads: Any = 1, shadow: Any = 0) -> None:
        if isinstance(io_threads, _backend.Context):
            shadow, io_threads = io_threads, 1
        for thing in (io_threads, shadow):
            refuse_other(thing, "a Context")
        address = (
            shadow.underlying if isinstance(shadow, _backend.Context) else cast_int_addr(shadow)
        )
        super().__init__(io_threads, address)
        if shadow:
            self._shadow_obj = shadow
        self.sockopts = {}
        self._sockets = WeakSet()

    def __del__(self) -> None:
        # In the pure build, all attributes are missing if __init__ raised.
        if getattr(self, "core", None) is None or self._shadow or self.closed:
            return
        if warn is not None:
            warn(f"Unclosed context {self}", ResourceWarning, stacklevel=2, source=self)
        # Never wait here: the garbage collector runs in any greenlet, even in the hub's own.
        self.core.close_unreferenced()

    @wraps(_sugar.socket)
    def socket(self, socket_type: int, socket_class: Any = None, **kwargs: Any) -> Any:
        """Create a socket of this context."""
        # This is pyzmq's method plus a check. It does not call pyzmq's method, which would hide the
        # caller from PYTHONTRACEMALLOC=2.
        if self.closed:
            raise zmq_error(ENOTSUP, "socket: the context is closed")
        if socket_class is None:
            socket_class = self._socket_class
        else:
            refuse_socket_class(socket_class, self)
        sock = socket_class(self, socket_type, **kwargs)
        for option, value in self.sockopts.items():
            try:
                sock.setsockopt(option, value)
            except zmq.ZMQError:
                pass  # this type of socket does not have the option
        self._add_socket(sock)
        return sock

    @classmethod
    def __class_getitem__(cls, item: Any) -> type[Context]:
        # Allows zmq.Context[zmq.Socket] in annotations.
        return cls

    copy_methods(
        locals(),
        _sugar,
        "__repr__ __enter__ __exit__ __copy__ __deepcopy__ shadow shadow_pyczmq instance __dir__"
        " _add_socket _rm_socket destroy setsockopt getsockopt _set_attr_opt _get_attr_opt"
        " __delattr__",
    )
