"""One option of a socket or context: a row of the tables, which checks and converts values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat.errors import EINVAL, zmq_error
from zlinkcompat.tuning import INT_MAX

if TYPE_CHECKING:
    from collections.abc import Callable


# The object that handles an option.
OPTIONS = "options"  # :class:`Options`
PATTERN = "pattern"  # the class of the socket type (``zlinkcompat.routing``)
TUNING = "tuning"  # :class:`Options`, but the environment has priority (``zlinkcompat.tuning``)
SOCKET = "socket"  # ``CoreSocket`` itself, for read-only state

#: Least and greatest values of the C types for the int kinds.
RANGES = {
    "int": (-INT_MAX - 1, INT_MAX),
    "bool": (-INT_MAX - 1, INT_MAX),
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (-(2**63), 2**64 - 1),
}


# -- checks of values ----------------------------------------------------------------------


def anything(value: Any) -> bool:
    return True


def at_least(least: int) -> Callable[..., Any]:
    return lambda value: value >= least


def between(least: int, greatest: int) -> Callable[..., Any]:
    return lambda value: least <= value <= greatest


def sized(least: int, greatest: int) -> Callable[..., Any]:
    """Return a check for the length of bytes."""
    return lambda value: least <= len(value) <= greatest


zero_or_one = between(0, 1)


# -- rows ----------------------------------------------------------------------------------


def same(value: Any) -> bytes | int:
    return value


class Option:
    """One option: everything about it that does not depend on a socket.

    Parameters
    ----------
    name : str
        The name without ``ZMQ_``.
    id : int
        The number in ``zmq.h``.
    kind : str
        ``int``, ``int64``, ``uint64``, ``bytes``, or ``bool`` (an int stored as 0 or 1).
    unit : str
        The unit of the value; empty for flags and names.
    default : int or bytes
    allowed : callable
        Tells whether a value of this kind is accepted.
    holder : str
        :data:`OPTIONS`, :data:`PATTERN`, :data:`TUNING` or :data:`SOCKET`.
    readable, writable : bool
    attribute : str, optional
        The attribute of :class:`Options` for the value; by default the name in lower case.
    convert, show : callable
        Convert a set value to the stored one, and the stored value to the returned one.
    refused : str
        Why this build refuses an option that libzmq supports; empty otherwise.
    draft : bool
        Whether only a libzmq with its draft API has the option.
    effect : callable, optional
        Called with the :class:`Options` and the stored value after it was set.
    collect : callable, optional
        Called with the :class:`Options` and the value instead of storing it, to add it to others.
    getter : callable, optional
        Called with the :class:`Options` to get the value, in place of ``show``.
    needs : callable, optional
        Returns as text what this installation lacks to set the option; "" if nothing.
    secret : bool
        Whether to keep the value out of all texts, even out of errors.
    inert : str
        Why the value is stored and returned but has no effect; empty if it has an effect.
    """

    def __init__(
        self,
        name: str,
        id: int,
        kind: str,
        unit: str,
        default: bytes | int,
        allowed: Callable[..., Any] = anything,
        *,
        holder: str = OPTIONS,
        readable: bool = True,
        writable: bool = True,
        attribute: str | None = None,
        convert: Callable[..., Any] = same,
        show: Callable[..., Any] = same,
        refused: str = "",
        draft: bool = False,
        effect: Callable[..., Any] | None = None,
        collect: Callable[..., Any] | None = None,
        getter: Callable[..., Any] | None = None,
        needs: Callable[..., Any] | None = None,
        secret: bool = False,
        inert: str = "",
    ) -> None:
        self.name = name
        self.id = id
        self.kind = kind
        self.unit = unit
        self.default = default
        self.allowed = allowed
        self.holder = holder
        self.readable = readable
        self.writable = writable and not refused
        self.attribute = attribute or name.lower()
        self.convert = convert
        self.show = show
        self.refused = refused
        self.draft = draft
        self.effect = effect
        self.collect = collect
        self.getter = getter
        self.needs = needs
        self.secret = secret
        self.inert = inert

    def __repr__(self) -> str:
        return f"<Option {self.name} {self.id}>"

    def accept(self, value: Any) -> Any:
        """Return the value to store for ``value``.

        Raises
        ------
        ZMQError
            EINVAL: the option is read-only, or the value has the wrong kind or is not allowed.
        """
        if self.refused:
            raise zmq_error(EINVAL, f"set {self.name}: {self.refused}")
        if self.needs is not None and self.needs():
            raise zmq_error(EINVAL, f"set {self.name}: {self.needs()}")
        if not self.writable:
            raise zmq_error(EINVAL, f"set {self.name}: the option is read-only")
        if not (self.fits(value) and self.allowed(value)):
            unit = f", {self.unit}" if self.unit else ""
            shown = "this value" if self.secret else format(repr(value), ".80")
            raise zmq_error(EINVAL, f"set {self.name}: {shown} is not allowed ({self.kind}{unit})")
        if self.kind == "bytes":
            return self.convert(value)
        # True and False can be set as ints, but reading returns ints.
        return int(value != 0) if self.kind == "bool" else self.convert(int(value))

    def fits(self, value: Any) -> bool:
        """Tell whether ``value`` has the type of this option and fits its C type."""
        if self.kind == "bytes":
            return isinstance(value, bytes)
        least, greatest = RANGES[self.kind]
        return isinstance(value, int) and least <= value <= greatest
