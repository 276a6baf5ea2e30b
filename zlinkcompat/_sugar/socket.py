"""Socket of the swapped import: pyzmq's ``zmq.Socket`` on our engine."""

from __future__ import annotations

from typing import Any
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
    """A socket, created by ``Context.socket``. It has the methods and options of pyzmq's.

    Options are also attributes: ``socket.rcvtimeo = 20`` (ms), ``socket.sndhwm`` (messages). Only
    one thread may use a socket at a time, but any number of greenlets of one hub may.

    .. versionadded:: 0.1

    Parameters
    ----------
    ctx_or_socket : Context or Socket
        If it is a socket, the new object is a shadow of it.
    socket_type : int
        ``zmq.PAIR`` (0) to ``zmq.STREAM`` (11).
    shadow : Socket or int
        The ``underlying`` of another object.
    copy_threshold : int, bytes
        With ``copy=False``, smaller frames are still copied; None means ``zmq.COPY_THRESHOLD``.

    Raises
    ------
    TypeError
        The context or the type is missing, or the socket to shadow is closed.
    ZMQError
        EINVAL: the type is unknown. EMFILE: MAX_SOCKETS sockets are open. ETERM: the context is
        being terminated. EFAULT: it is closed. ENOTSOCK: the socket to shadow does not exist.

    Notes
    -----
    This is pyzmq's ``zmq.Socket`` and libzmq's ``zmq_socket(3)``; RFC 28 to 31 define the patterns.
    The methods that send or receive text, JSON, pickles, ... are pyzmq's own.

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

    # AttributeSetter treats names that the class defines as attributes, and others as options.
    _shadow_obj = None
    _monitor_socket = None
    _type_name = "UNKNOWN"
    _poller_class = Poller
    _repr_cls = "zlinkcompat zmq.Socket"

    def __init__(
        self,
        ctx_or_socket: Any = None,
        socket_type: int = 0,
        *,
        shadow: Any = 0,
        copy_threshold: int | None = None,
    ) -> None:
        if isinstance(ctx_or_socket, _backend.Socket):
            shadow, ctx_or_socket = ctx_or_socket, None
        if isinstance(shadow, _backend.Socket):
            if shadow.closed:
                # pyzmq raises the same class, because it finds no context then.
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
    def __class_getitem__(cls, item: Any) -> type[Socket]:
        # Allows zmq.Socket[bytes] in annotations.
        return cls

    def choose_frame_class(self) -> type[Any]:
        """Return the class of frames that ``recv(copy=False)`` returns."""
        return Frame

    def __del__(self) -> None:
        if not self.closed and not self._shadow:
            if warn is not None:
                warn(f"Unclosed socket {self}", ResourceWarning, stacklevel=2, source=self)
            self.close()

    def close(self, linger: int | None = None) -> None:
        """Close the socket. This returns at once; accepted messages are delivered within LINGER.

        Parameters
        ----------
        linger : int, milliseconds, optional
            Set LINGER first; -1 means no limit.

        Raises
        ------
        TypeError, OverflowError
            ``linger`` is not a C int.

        Notes
        -----
        libzmq's ``zmq_close(3)``. Closing a closed socket does nothing.
        """
        super().close(linger=linger)
        if self.context is not None:
            self.context._rm_socket(self)

    def bind(self, addr: bytes | str) -> Any:
        """Accept peers at ``addr``.

        Parameters
        ----------
        addr : str or bytes
            ``transport://address``. ``tcp://127.0.0.1:*`` uses a free port, which LAST_ENDPOINT
            returns.

        Returns
        -------
        context manager
            It unbinds at the end of the block.

        Raises
        ------
        TypeError
            ``addr`` is not text.
        ZMQError
            EINVAL: ``addr`` is not an endpoint, or a ``tls`` server has no certificate.
            EPROTONOSUPPORT: the transport is unknown, or its extra is not installed.
            ENOCOMPATPROTO: this type of socket cannot use the transport. EADDRINUSE, EADDRNOTAVAIL,
            ENODEV, ENAMETOOLONG, EACCES, ...: errors of the operating system. ENOTSOCK, ETERM.

        Notes
        -----
        libzmq's ``zmq_bind(3)``. It refuses an ipc path on which a process listens (EADDRINUSE).
        """
        try:
            super().bind(addr)
        except zmq.ZMQError as error:
            name_address(error, addr)
            raise
        return self._bind_cm(addr)

    def connect(self, addr: bytes | str) -> Any:
        """Connect to ``addr``. This returns at once; the socket keeps trying until it succeeds.

        Parameters
        ----------
        addr : str or bytes
            ``transport://address``.

        Returns
        -------
        context manager
            It disconnects at the end of the block.

        Raises
        ------
        TypeError
            ``addr`` is not text.
        ZMQError
            EINVAL: ``addr`` is not an endpoint, or its address is invalid. EPROTONOSUPPORT: the
            transport is unknown, or its extra is not installed. ENOCOMPATPROTO: this type of socket
            cannot use the transport. ENOTSOCK, ETERM.

        Notes
        -----
        libzmq's ``zmq_connect(3)``. A failed attempt is repeated after RECONNECT_IVL milliseconds.
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

    def __setattr__(self, key: str, value: Any) -> None:
        # subscribe is a method, but ``socket.subscribe = topic`` sets the option.
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

    def __getattr__(self, key: str) -> Any:
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


def name_address(error: Any, addr: Any) -> None:
    """Add the address to an error, as pyzmq does, unless its text names the address already."""
    if error.errno != EFAULT and not tells_address(error.strerror, addr):
        error.strerror += f" (addr={addr!r})"
