"""Context: a handle on a core context."""

from __future__ import annotations

import os
from typing import Any

from greenlet import GreenletExit

from zlinkcompat._backend.arguments import as_int
from zlinkcompat._backend.foreign_objects import name_of, refuse_asker
from zlinkcompat._backend.lifetime import being_deleted, refuse_to_pickle
from zlinkcompat._runtime.gevent_support import is_timeout
from zlinkcompat._runtime.startup import context_made, warn_if_uncompiled
from zlinkcompat.core.context import CoreContext
from zlinkcompat.core.registry import context_at
from zlinkcompat.errors import EFAULT, zmq_error


class Context:
    """A container of sockets with a pyzmq backend's interface. Both entry points derive from it.

    .. versionadded:: 0.1

    Parameters
    ----------
    io_threads : int
        Native I/O threads for a program that is not monkey-patched; the hub engine has none.
    shadow : int
        The ``underlying`` of a live context, to make this object a shadow of it.

    Raises
    ------
    ValueError
        ZLINK_ENGINE in the environment is not hub, thread or auto.
    ZMQError
        EINVAL: ``io_threads`` is negative. EFAULT: the context to shadow does not exist.

    Notes
    -----
    pyzmq's ``zmq/backend/__init__.pyi``, libzmq's ``zmq_ctx_new(3)``.
    """

    #: "hub" or "thread" overrides ZLINK_ENGINE.
    _engine = None

    __slots__ = ("core", "closed", "_shadow", "_pid", "__weakref__")

    def __init__(self, io_threads: Any = 1, shadow: int = 0) -> None:
        self._shadow = bool(shadow)
        self._pid = os.getpid()
        self.closed = False
        self.core: Any = None
        if shadow:
            self.core = context_at(shadow)
            if self.core is None:
                raise zmq_error(EFAULT, f"there is no context at {shadow}")
        else:
            warn_if_uncompiled(__file__)
            self.core = CoreContext(as_int(io_threads), self._engine)
            context_made()

    def __reduce__(self) -> Any:
        refuse_to_pickle(self)

    @property
    def underlying(self) -> int:
        """The address (int) by which another object can shadow this context; 0 if it is closed.

        It is pyzmq's ``Context.underlying``, which is a ``void *`` of libzmq. Our value is larger
        than any pointer, so libzmq refuses it. TypeError if a class of pyzmq's own backend asks.
        """
        refuse_asker(self)
        return 0 if self.closed else self.core.address

    @property
    def handle(self) -> Any:
        """The same as :attr:`underlying`, under pyzmq's older name."""
        return self.underlying

    def __int__(self) -> int:
        """Raise TypeError. ``zmq.Context(ours)`` of pyzmq with libzmq calls this."""
        refuse_asker(self)
        raise TypeError(f"a number is needed, not a {name_of(self)}")

    def term(self) -> None:
        """Make calls on open sockets raise ETERM, then wait until all sockets are closed.

        This also waits until accepted messages are sent, for each socket at most its LINGER (ms;
        -1: no limit). In a forked child this returns at once, because the connections belong to
        the parent. If gevent throws an exception into the wait, a second call continues it. As in
        pyzmq, Ctrl-C or an exception of a signal handler ends the wait. The termination then
        continues in the background.

        See Also
        --------
        destroy

        Notes
        -----
        libzmq's ``zmq_ctx_term(3)``.
        """
        if self.closed or self.core is None:
            return
        if os.getpid() == self._pid:
            if being_deleted():
                self.core.close_unreferenced()
            else:
                self._wait_for_end()
        self.closed = True

    def _wait_for_end(self) -> None:
        try:
            self.core.term()
        except BaseException as error:
            if not (is_timeout(error) or isinstance(error, GreenletExit)):
                self.closed = True
            raise

    def set(self, option: Any, optval: Any) -> None:
        """Set a context option, by its number.

        Parameters
        ----------
        option : int
            ``zmq.IO_THREADS``, ``zmq.MAX_SOCKETS``, ...
        optval : int
            The value.

        Raises
        ------
        TypeError, OverflowError
            The value is not a C int.
        RuntimeError
            The context was terminated.
        ZMQError
            EINVAL: the option is unknown, or the value is not allowed.

        Notes
        -----
        libzmq's ``zmq_ctx_set(3)``. IO_THREADS can be changed until the first bind or connect.
        """
        if self.closed:
            raise RuntimeError("Context has been destroyed")
        if not isinstance(optval, int):
            raise TypeError(f"expected int, got: {optval!r}")
        self.core.set(as_int(option), as_int(optval))

    def get(self, option: Any) -> Any:
        """Return a context option, by its number.

        Parameters
        ----------
        option : int
            ``zmq.IO_THREADS``, ``zmq.MAX_SOCKETS``, ``zmq.SOCKET_LIMIT``, ...

        Returns
        -------
        int
            The value.

        Raises
        ------
        RuntimeError
            The context was terminated.
        ZMQError
            EINVAL: the option is unknown.

        Notes
        -----
        libzmq's ``zmq_ctx_get(3)``.
        """
        if self.closed:
            raise RuntimeError("Context has been destroyed")
        return self.core.get(as_int(option))
