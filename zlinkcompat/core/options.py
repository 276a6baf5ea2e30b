"""The options of a socket: the object that holds the values.

Values are ints or bytes here. The layers above check, as pyzmq does, that a value is not a str and
that an int fits its C type.

An option for a security mechanism that this build lacks raises an error instead of being ignored,
because a program that asks for a mechanism must not run without it. See ``refused`` in the table.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from zlinkcompat import tuning
from zlinkcompat._constants import DEALER, PUB, PULL, PUSH, SUB, XSUB
from zlinkcompat.core.option_row import OPTIONS, PATTERN, SOCKET, TUNING
from zlinkcompat.core.option_table import SOCKET_OPTIONS
from zlinkcompat.errors import EINVAL, zmq_error

if TYPE_CHECKING:
    from zlinkcompat.core.context_options import ContextOptions
    from zlinkcompat.core.option_row import Option
    from zlinkcompat.tuning import Tuning


#: Socket types that support CONFLATE (libzmq ``src/options.hpp: get_effective_conflate_option``).
CONFLATING = frozenset((PUB, SUB, DEALER, PULL, PUSH))

_by_id = {row.id: row for row in SOCKET_OPTIONS}


def find(option: int) -> Option | None:
    """Return the :class:`Option` with this number, or None."""
    return _by_id.get(option)


class Options:
    """The option values of one socket, or of one of its endpoints (:meth:`copy`).

    Each readable row of :data:`SOCKET_OPTIONS` that is stored here is an attribute in lower case,
    which the engine reads. Only :meth:`set` checks values.

    Parameters
    ----------
    socket_type : int
        ``zmq.PAIR`` (0) to ``zmq.STREAM`` (11).

    Attributes
    ----------
    router_raw, stream_notify : int
        The socket type stores these here, for sessions to read.
    """

    def __init__(self, socket_type: int) -> None:
        self.socket_type = socket_type
        for row in SOCKET_OPTIONS:
            if row.holder == OPTIONS and row.readable:
                setattr(self, row.attribute, row.convert(row.default))
        if socket_type in (SUB, XSUB):
            # These types send only subscriptions, so nothing is worth waiting for
            # (``src/xsub.cpp``).
            self.linger = 0
        # These options are write-only, so the loop above sets no attribute for them.
        self.tls_key = self.tls_password = b""
        self.curve_publickey = self.curve_secretkey = self.curve_serverkey = bytes(32)
        self.ssl_context = None
        self.router_raw = 0
        self.stream_notify = 1
        self.properties: dict[Any, Any] = {}
        self.tcp_filters = ()
        self.ipc_filter_pid: frozenset[int] = frozenset()
        self.ipc_filter_uid: frozenset[int] = frozenset()
        self.ipc_filter_gid: frozenset[int] = frozenset()
        self.tuned: dict[Any, Any] = {}
        self._tuning: Any = None

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """The attribute of a row of the option table."""

        def __setattr__(self, name: str, value: Any) -> None: ...

    @property
    def tuning(self) -> Tuning:
        """The :class:`zlinkcompat.tuning.Tuning` for these options and the environment."""
        if self._tuning is None:
            self._tuning = tuning.Tuning(self.tuned)
        return self._tuning

    @property
    def conflate(self) -> bool:
        """Whether to keep only the last message: CONFLATE on a socket type that supports it."""
        return bool(self.conflate_asked) and self.socket_type in CONFLATING

    def set(self, option: int, value: Any) -> None:
        """Set an option.

        Parameters
        ----------
        option : int
        value : int or bytes
            In the unit of the option's row.

        Raises
        ------
        ZMQError
            EINVAL: the option is unknown, handled elsewhere or refused by this build, or the value
            is invalid. libzmq zmq_setsockopt(3).
        """
        row = require_row(option)
        kept = row.accept(value)
        if row.collect is not None:
            row.collect(self, kept)
        elif row.holder == TUNING:
            self.tuned[row.attribute] = kept
            self._tuning = None
        else:
            setattr(self, row.attribute, kept)
            if row.effect is not None:
                row.effect(self, kept)

    def get(self, option: int) -> bytes | int:
        """Return the value of an option: int, or bytes without the NUL that libzmq adds.

        Raises
        ------
        ZMQError
            EINVAL: the option is unknown, handled elsewhere or write-only. libzmq
            zmq_getsockopt(3).
        """
        row = require_row(option)
        if row.holder == TUNING:
            # Return the value in effect, which may come from the environment.
            return tuning.get(row.attribute, self.tuned.get(row.attribute))
        if not row.readable:
            raise zmq_error(EINVAL, f"get {row.name}: {row.refused or 'the option is write-only'}")
        if row.getter is not None:
            return row.getter(self)
        return row.show(getattr(self, row.attribute))

    def copy(self) -> Options:
        """Return a copy for a new endpoint. Later changes of the socket's options do not affect it.

        ValueError: an environment variable of ``zlinkcompat.tuning`` has an invalid value."""
        other = copy.copy(self)
        other._tuning = self.tuning
        other.properties = dict(self.properties)
        other.tuned = dict(self.tuned)
        return other

    def inherit(self, context_options: ContextOptions) -> None:
        """Apply the context's defaults when the socket is created.

        Parameters
        ----------
        context_options : ContextOptions
        """
        self.ipv6 = context_options.ipv6
        if not context_options.blocky:
            self.linger = 0

    def metadata_properties(self) -> dict[bytes, bytes]:
        """Return the METADATA properties for the READY command: dict of bytes to bytes."""
        return dict(self.properties)


def require_row(option: int) -> Option:
    """Return the row of an option whose value :class:`Options` stores; else raise EINVAL."""
    row = find(option)
    if row is None:
        raise zmq_error(EINVAL, f"there is no socket option {option!r}")
    if row.holder == SOCKET:
        raise zmq_error(EINVAL, f"option {row.name} is read-only, and the socket itself returns it")
    if row.holder == PATTERN:
        raise zmq_error(EINVAL, f"option {row.name} does not apply to this socket type")
    return row
