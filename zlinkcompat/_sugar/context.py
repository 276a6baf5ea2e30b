"""Context of the swapped import: pyzmq's ``zmq.Context`` on our core."""

from functools import wraps
from threading import Lock
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
    """A container of sockets; takes and gives all that pyzmq's does.

    Whether ``threading`` is monkey-patched now decides where its I/O is done: in the hub of the
    thread that uses a socket, or else in native threads. ZLINK_ENGINE overrides.

    .. versionadded:: 0.1

    Parameters
    ----------
    io_threads : int or Context
        Native threads for I/O, unless it is done in hubs; a Context makes a shadow of it.
    shadow : Context or int
        Another object's ``underlying``.

    Raises
    ------
    ValueError
        ZLINK_ENGINE in the environment is neither hub, thread nor auto.
    ZMQError
        EINVAL: ``io_threads`` is negative. EFAULT: there is no context to shadow.

    Notes
    -----
    pyzmq's ``zmq.Context``, libzmq's ``zmq_ctx_new(3)``. It may be shared between threads. One that
    the garbage collector finds lets go without waiting.

    Examples
    --------
    >>> import zlinkcompat as zmq
    >>> context = zmq.Context()
    >>> context.linger = 0  # of its sockets to come, milliseconds
    >>> socket = context.socket(zmq.DEALER)
    >>> socket.linger
    0
    >>> context.destroy()
    >>> socket.closed, context.closed
    (True, True)
    """

    sockopts = None
    _sockets = None
    _instance = None
    _instance_lock = Lock()
    _instance_pid = None
    _shadow_obj = None
    _warn_destroy_close = False
    _socket_class = Socket
    _repr_cls = "zlinkcompat zmq.Context"

    def __init__(self, io_threads=1, shadow=0):
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

    def __del__(self):
        # In the pure build all are missing when __init__ raised.
        if getattr(self, "core", None) is None or self._shadow or self.closed:
            return
        if warn is not None:
            warn(f"Unclosed context {self}", ResourceWarning, stacklevel=2, source=self)
        # Never wait here: the garbage collector runs in any greenlet, the hub's own too.
        self.core.close_unreferenced()

    @wraps(_sugar.socket)
    def socket(self, socket_type, socket_class=None, **kwargs):
        """Make a socket of this context."""
        # pyzmq's method, but for the check. It does not call pyzmq's, which would hide the caller
        # from PYTHONTRACEMALLOC=2.
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
                pass  # not an option of this type of socket
        self._add_socket(sock)
        return sock

    @classmethod
    def __class_getitem__(cls, item):
        # zmq.Context[zmq.Socket] in annotations.
        return cls

    copy_methods(
        locals(),
        _sugar,
        "__repr__ __enter__ __exit__ __copy__ __deepcopy__ shadow shadow_pyczmq instance __dir__"
        " _add_socket _rm_socket destroy setsockopt getsockopt _set_attr_opt _get_attr_opt"
        " __delattr__",
    )
