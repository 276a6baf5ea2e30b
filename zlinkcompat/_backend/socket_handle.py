"""The calls of a socket that do not carry messages: options, endpoints, monitor and close."""

from __future__ import annotations

import os
from typing import Any

from zlinkcompat._backend.arguments import as_int, option_bits, to_address
from zlinkcompat._backend.context import Context
from zlinkcompat._backend.foreign_objects import refuse_asker, refuse_other
from zlinkcompat._backend.lifetime import being_deleted, refuse_to_pickle
from zlinkcompat.core.naming import name_of
from zlinkcompat.core.registry import socket_at
from zlinkcompat.core.socket import CoreSocket
from zlinkcompat.errors import ENOTSOCK, zmq_error


class SocketHandle:
    """A handle on a core socket, and the base of :class:`Socket`, which documents the parameters.

    Several handles may refer to one core socket: the handle that created it, and its shadows.
    """

    __slots__ = ("context", "core", "_closed", "_shadow", "_pid", "__weakref__")

    def __init__(self, context: Any, socket_type: int, shadow: int) -> None:
        self._closed = False
        self._shadow = bool(shadow)
        self._pid = os.getpid()
        self.context = context
        self.core: CoreSocket = None
        if shadow:
            self.core = socket_at(shadow)
            if self.core is None:
                raise zmq_error(ENOTSOCK, f"there is no socket at {shadow}")
            return
        if not isinstance(context, Context):
            refuse_other(context, "a Context")
            raise TypeError(f"a Context must be specified, not {context!r}")
        if isinstance(socket_type, (str, bytes)) or not hasattr(socket_type, "__int__"):
            raise TypeError(
                "socket_type must be a constant such as zmq.PUB (an integer is "
                f"required), not {socket_type!r}"
            )
        if socket_type < 0:
            raise TypeError("socket_type must be specified")
        self.core = CoreSocket(context.core, int(socket_type))

    def __reduce__(self) -> Any:
        refuse_to_pickle(self)

    @property
    def underlying(self) -> int:
        """The address (int) by which another object can shadow this socket; 0 if it is closed.

        It is pyzmq's ``Socket.underlying``, which is a ``void *`` of libzmq. Our value is larger
        than any pointer, so libzmq refuses it. TypeError if a class of pyzmq's own backend asks.
        """
        refuse_asker(self)
        return 0 if self._closed else self.core.address

    @property
    def handle(self) -> Any:
        """The same as :attr:`underlying`, under pyzmq's older name."""
        return self.underlying

    @property
    def closed(self) -> bool:
        """Whether this handle or another one has closed the socket; pyzmq's ``Socket.closed``."""
        try:
            if not self._closed and (self.core is None or self.core.closed):
                self._closed = True
            return self._closed
        except AttributeError:
            # An exception interrupted __init__ (pure build).
            return True

    def live(self) -> CoreSocket:
        """Return the core socket. Raise ENOTSOCK if this handle was closed."""
        if self._closed:
            raise zmq_error(ENOTSOCK)
        return self.core

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
        libzmq's ``zmq_close(3)``. Closing a closed socket has no effect. In a forked child this has
        no effect either, because the connections belong to the parent.
        """
        # In a forked child, the connections belong to the parent.
        if self._closed or self.core is None or os.getpid() != self._pid:
            return
        if linger is not None:
            linger = as_int(linger)
        self._closed = True
        self.core.close(linger, not being_deleted())

    # -- options ---------------------------------------------------------------------------

    def set(self, option: int, optval: Any) -> None:
        """Set a socket option, by its number.

        Parameters
        ----------
        option : int
            ``zmq.LINGER``, ...; ours are in ``zlinkcompat.sockopt`` and ``zlinkcompat.tuning``.
        optval : int or bytes
            The kind and the unit depend on the option.

        Raises
        ------
        TypeError
            The value is of the wrong kind; use ``set_string`` for text.
        OverflowError
            The value does not fit the option's C type.
        ZMQError
            EINVAL: the option is unknown, is read-only, does not apply to this type of socket, does
            not allow the value, or promises security that this build lacks. ENOTSOCK: the socket is
            closed. ETERM: its context was terminated.

        Notes
        -----
        libzmq's ``zmq_setsockopt(3)``, which tells when an option takes effect: usually at the next
        bind or connect.
        """
        core = self.live()
        if isinstance(optval, str):
            raise TypeError("unicode not allowed, use setsockopt_string")
        bits = option_bits(option)
        if bits == 0:
            if not isinstance(optval, bytes):
                raise TypeError(f"expected bytes, got: {optval!r}")
        elif not isinstance(optval, int):
            raise TypeError(f"expected int, got: {optval!r}")
        elif not -(1 << (bits - 1)) <= optval < 1 << (bits - 1):
            raise OverflowError(f"value too large to convert to int{bits}: {optval}")
        else:
            optval = int(optval)
        core.set(as_int(option), optval)

    def get(self, option: Any) -> Any:
        """Return a socket option, by its number.

        Parameters
        ----------
        option : int
            ``zmq.LINGER``, ...

        Returns
        -------
        int or bytes
            The kind depends on the option.

        Raises
        ------
        ZMQError
            EINVAL: the option is unknown or write-only. ENOTSOCK, ETERM.

        Notes
        -----
        libzmq's ``zmq_getsockopt(3)``.
        """
        return self.live().get(as_int(option))

    @property
    def ssl_context(self) -> Any:
        """The user's own ``ssl.SSLContext`` for future tls and wss endpoints, or None.

        libzmq does not have this option.

        Raises
        ------
        ZMQError
            ENOTSOCK: the socket is closed.
        """
        return self.live().options.ssl_context

    @ssl_context.setter
    def ssl_context(self, context: Any) -> None:
        self.live().options.ssl_context = context

    @property
    def name(self) -> Any:
        """The name (str) of this socket in records, dumps, metrics and logs.

        By default it is the type, and the file and line of the program that made the socket, such
        as "PUB feed.py:12". It may be set to any object, whose ``str()`` is the name. All shadows
        of a socket have the same name. A socket whose constructor failed has the name "". libzmq
        does not have names.
        """
        core = getattr(self, "core", None)
        return "" if core is None else name_of(core)

    @name.setter
    def name(self, name: Any) -> None:
        core = getattr(self, "core", None)
        if core is None:
            raise zmq_error(ENOTSOCK)
        core.label = name

    # -- endpoints -------------------------------------------------------------------------

    def bind(self, addr: bytes | str) -> None:
        """Accept peers at ``addr``.

        Parameters
        ----------
        addr : str or bytes
            ``transport://address``. ``tcp://127.0.0.1:*`` uses a free port, which LAST_ENDPOINT
            returns.

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
        text = to_address(addr)
        self.live().bind(text)

    def connect(self, addr: bytes | str) -> None:
        """Connect to ``addr``. This returns at once; the socket keeps trying until it succeeds.

        Parameters
        ----------
        addr : str or bytes
            ``transport://address``.

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
        text = to_address(addr)
        self.live().connect(text)

    def unbind(self, addr: bytes | str) -> None:
        """Stop accepting peers at ``addr``, and disconnect those that were accepted there.

        Parameters
        ----------
        addr : str or bytes
            The endpoint as it was bound, or as LAST_ENDPOINT returned it.

        Raises
        ------
        ZMQError
            ENOENT: the socket is not bound to it. EINVAL, ENOTSOCK, ETERM.

        Notes
        -----
        libzmq's ``zmq_unbind(3)``.
        """
        text = to_address(addr)
        self.live().unbind(text)

    def disconnect(self, addr: bytes | str) -> None:
        """Disconnect from ``addr``; messages that were sent to it are delivered within LINGER.

        Parameters
        ----------
        addr : str or bytes
            The endpoint as it was connected.

        Raises
        ------
        ZMQError
            ENOENT: the socket is not connected to it. EINVAL, ENOTSOCK, ETERM.

        Notes
        -----
        libzmq's ``zmq_disconnect(3)``.
        """
        text = to_address(addr)
        self.live().disconnect(text)

    def monitor(self, addr: bytes | int | str | None, events: Any = 0xFFFF) -> None:
        """Publish events of the connections on a PAIR at an inproc address.

        Parameters
        ----------
        addr : str, bytes or None
            ``inproc://...``; None stops the monitor.
        events : int
            The events: ``zmq.EVENT_CONNECTED`` and others, or-ed; all by default.

        Raises
        ------
        ZMQError
            EPROTONOSUPPORT: ``addr`` is not an inproc address. EADDRINUSE, EINVAL, ENOTSOCK, ETERM.

        See Also
        --------
        zmq.utils.monitor.parse_monitor_message

        Notes
        -----
        libzmq's ``zmq_socket_monitor(3)``, version 1 of its messages.
        """
        text = None if addr is None else to_address(addr)
        self.live().monitor(text, as_int(events))

    def join(self, group: str) -> None:
        """Join a RADIO-DISH group, a draft feature that is not supported.

        Parameters
        ----------
        group : str

        Raises
        ------
        RuntimeError
            Always, as in a pyzmq without drafts.
        """
        raise RuntimeError("libzmq and pyzmq must be built with draft support")

    def leave(self, group: str) -> None:
        """Leave a RADIO-DISH group, a draft feature that is not supported.

        Parameters
        ----------
        group : str

        Raises
        ------
        RuntimeError
            Always, as in a pyzmq without drafts.
        """
        raise RuntimeError("libzmq and pyzmq must be built with draft support")
