"""Socket of the swapped import: pyzmq's ``zmq.Socket`` on our core."""

from warnings import warn

import zmq
from zmq.sugar.attrsettr import AttributeSetter
from zmq.utils.interop import cast_int_addr

from zlinkcompat import _backend, sockopt
from zlinkcompat._backend.arguments import tells_address
from zlinkcompat._backend.foreign_objects import Guarded, refuse_other
from zlinkcompat._backend.socket import OVERRIDABLE
from zlinkcompat._pyzmq.method_reuse import copy_methods
from zlinkcompat._pyzmq.pickle_guard import guard_recv_pyobj
from zlinkcompat._sugar.frame import Frame
from zlinkcompat._sugar.poll import Poller
from zlinkcompat.errors import EFAULT, EINVAL

_sugar = zmq.sugar.socket.Socket


class Socket(_backend.Socket, AttributeSetter):
    """A socket. Made by ``Context.socket``; takes and gives all that pyzmq's does.

    Options are attributes, too: ``socket.rcvtimeo = 20`` (ms), ``socket.sndhwm`` (messages). It is
    used by one thread at a time, and by any number of greenlets of one hub.

    .. versionadded:: 0.1

    Parameters
    ----------
    ctx_or_socket : Context or Socket
        A socket makes a shadow of it.
    socket_type : int
        ``zmq.PAIR`` (0) to ``zmq.STREAM`` (11).
    shadow : Socket or int
        Another object's ``underlying``.
    copy_threshold : int, bytes
        With ``copy=False``, smaller frames are copied anyway; None is ``zmq.COPY_THRESHOLD``.

    Raises
    ------
    TypeError
        No context, or no type; the socket to shadow is closed.
    ZMQError
        EINVAL: there is no such type. EMFILE: MAX_SOCKETS are open. ETERM, EFAULT: the context is
        being terminated, is closed. ENOTSOCK: there is no socket to shadow.

    Notes
    -----
    pyzmq's ``zmq.Socket``, libzmq's ``zmq_socket(3)``; the patterns are RFC 28 to 31. Methods that
    send or receive text, JSON, pickles, ... are pyzmq's own.

    Examples
    --------
    >>> import zlinkcompat as zmq
    >>> with zmq.Context() as context, context.socket(zmq.PULL) as sink:
    ...     port = sink.bind_to_random_port("tcp://127.0.0.1")
    ...     with context.socket(zmq.PUSH) as source:
    ...         with source.connect(f"tcp://127.0.0.1:{port}"):
    ...             source.send_multipart([b"two", b"frames"])
    ...             sink.recv_multipart()
    [b'two', b'frames']
    """

    # AttributeSetter takes names that a class body knows for attributes, others for options.
    _shadow_obj = None
    _monitor_socket = None
    _type_name = "UNKNOWN"
    _poller_class = Poller
    _repr_cls = "zlinkcompat zmq.Socket"

    def __init__(self, ctx_or_socket=None, socket_type=0, *, shadow=0, copy_threshold=None):
        if isinstance(ctx_or_socket, _backend.Socket):
            shadow, ctx_or_socket = ctx_or_socket, None
        if isinstance(shadow, _backend.Socket):
            if shadow.closed:
                # pyzmq's class: it misses the context then.
                raise TypeError("the socket to shadow is closed")
            ctx_or_socket = shadow.context
            address = shadow.underlying
        else:
            refuse_other(ctx_or_socket, "a Context or Socket")
            refuse_other(shadow, "a Socket")
            address = cast_int_addr(shadow)
        super().__init__(ctx_or_socket, socket_type, address, copy_threshold)
        if shadow:
            self._shadow_obj = shadow
        kind = zmq.SocketType(self.core.socket_type)
        self.__dict__["type"] = kind
        self._type_name = kind.name

    @classmethod
    def __class_getitem__(cls, item):
        # zmq.Socket[bytes] in annotations.
        return cls

    def choose_frame_class(self):
        """What ``recv(copy=False)`` returns."""
        return Frame

    def __del__(self):
        if not self.closed and not self._shadow:
            if warn is not None:
                warn(f"Unclosed socket {self}", ResourceWarning, stacklevel=2, source=self)
            self.close()

    def close(self, linger=None):
        """Close the socket. Returns at once; what it accepted is delivered within LINGER.

        Parameters
        ----------
        linger : int, milliseconds, optional
            Set LINGER first; -1 is for ever.

        Raises
        ------
        TypeError, OverflowError
            ``linger`` is no C int.

        Notes
        -----
        libzmq's ``zmq_close(3)``. Closing what is closed does nothing.
        """
        super().close(linger=linger)
        if self.context is not None:
            self.context._rm_socket(self)

    def bind(self, addr):
        """Accept peers at ``addr``.

        Parameters
        ----------
        addr : str or bytes
            ``transport://address``; ``tcp://127.0.0.1:*`` takes a free port, which LAST_ENDPOINT
            tells.

        Returns
        -------
        context manager
            Unbinds at its end.

        Raises
        ------
        TypeError
            ``addr`` is no text.
        ZMQError
            EINVAL: no endpoint, or a ``tls`` server without a certificate. EPROTONOSUPPORT: no such
            transport, or its extra is not installed. ENOCOMPATPROTO: not for this type of socket.
            EADDRINUSE, EADDRNOTAVAIL, ENODEV, ENAMETOOLONG, EACCES, ...: what the system says.
            ENOTSOCK, ETERM.

        Notes
        -----
        libzmq's ``zmq_bind(3)``. An ipc path on which a process listens is refused (EADDRINUSE).
        """
        try:
            super().bind(addr)
        except zmq.ZMQError as error:
            name_address(error, addr)
            raise
        return self._bind_cm(addr)

    def connect(self, addr):
        """Connect to ``addr``; returns before the peer is there, and goes on trying.

        Parameters
        ----------
        addr : str or bytes
            ``transport://address``.

        Returns
        -------
        context manager
            Disconnects at its end.

        Raises
        ------
        TypeError
            ``addr`` is no text.
        ZMQError
            EINVAL: no endpoint, or an address that cannot be. EPROTONOSUPPORT: no such transport,
            or its extra is not installed. ENOCOMPATPROTO: not for this type of socket. ENOTSOCK,
            ETERM.

        Notes
        -----
        libzmq's ``zmq_connect(3)``. It is tried again after RECONNECT_IVL milliseconds.
        """
        try:
            super().connect(addr)
        except zmq.ZMQError as error:
            name_address(error, addr)
            raise
        return self._connect_cm(addr)

    setsockopt = _backend.Socket.set
    getsockopt = _backend.Socket.get

    fileno = Guarded(_sugar.fileno)

    def __setattr__(self, key, value):
        # subscribe is a method, yet ``socket.subscribe = topic`` sets the option.
        name = key.lower()
        if name in ("subscribe", "unsubscribe") and key not in self.__dict__:
            getattr(self, name)(value)
            return
        if name.upper() in sockopt.ATTRIBUTES:
            self.set(
                getattr(sockopt, name.upper()), value.encode() if isinstance(value, str) else value
            )
            return
        super().__setattr__(key, value)
        if key in OVERRIDABLE:
            self._has_own_methods = True

    def __getattr__(self, key):
        if key.upper() in sockopt.ATTRIBUTES:
            try:
                return self.get(getattr(sockopt, key.upper()))
            except zmq.ZMQError as error:
                if error.errno != EINVAL:
                    raise
                raise AttributeError(f"{key} attribute is write-only")
        return super().__getattr__(key)

    copy_methods(
        locals(),
        _sugar,
        "__repr__ __enter__ __exit__ __copy__ __deepcopy__ shadow _connect_cm _bind_cm socket_type"
        " __dir__ subscribe unsubscribe set_string setsockopt_string setsockopt_unicode"
        " get_string getsockopt_string getsockopt_unicode bind_to_random_port get_hwm set_hwm hwm"
        " _deserialize send_serialized recv_serialized send_string send_unicode recv_string"
        " recv_unicode send_pyobj send_json recv_json poll get_monitor_socket"
        " disable_monitor",
    )
    recv_pyobj = guard_recv_pyobj(_sugar.recv_pyobj)


def name_address(error, addr):
    """Say which address an error is about, as pyzmq does, unless its text tells already."""
    if error.errno != EFAULT and not tells_address(error.strerror, addr):
        error.strerror += f" (addr={addr!r})"
