"""Rejection of objects of pyzmq with libzmq where they would meet objects of this library.

A program can mix both: one module has ``import zlinkcompat as zmq``, and another still has ``import
zmq``. libzmq would take the address of our socket for a pointer, and its poller would take our
socket for a plain descriptor.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from zlinkcompat._backend.context import Context
    from zlinkcompat._backend.socket import Socket


ADVICE = (
    "use one library in all modules: import zlinkcompat in place of zmq everywhere, or run "
    "with PYZMQ_BACKEND=zlinkcompat.backend"
)

#: Modules of pyzmq that use internals of the sockets and contexts that a program passes to them.
ASKERS = (
    "zmq.sugar.context",
    "zmq.sugar.socket",
    "zmq.sugar.poll",
    "zmq._future",
    "zmq.green.core",
    "zmq.eventloop.zmqstream",
)

#: How many stack frames to search for such a module. Frames of asyncio, tornado and selectors may
#: be in between.
DEPTH = 10


def name_of(thing: Any) -> str:
    """Return the full name of the class of ``thing``."""
    kind = type(thing)
    return f"{kind.__module__}.{kind.__qualname__}"


def of_other_library(thing: Any) -> bool:
    """Tell whether ``thing`` is a socket or context of pyzmq with another backend than ours."""
    zmq = sys.modules.get("zmq")
    kinds = tuple(filter(None, (getattr(zmq, name, None) for name in ("Socket", "Context"))))
    return isinstance(thing, kinds) and not is_ours(thing)


def is_ours(thing: Any) -> bool:
    """Tell whether an object or class derives from a class of this package."""
    return any(
        kind.__module__.partition(".")[0] == "zlinkcompat"
        for kind in (thing if isinstance(thing, type) else type(thing)).__mro__
    )


def refuse_other(thing: Any, wanted: str) -> None:
    """Raise TypeError if ``thing`` is of the other library; ``wanted`` is like "a Socket"."""
    if of_other_library(thing):
        raise TypeError(
            f"{wanted} of zlinkcompat is needed, not a {name_of(thing)} of libzmq; {ADVICE}"
        )


def refuse_socket_class(kind: type[Any] | type[Socket], context: Context) -> None:
    """Raise TypeError if ``kind``, the socket class for ``context``, is of the other library."""
    base = getattr(sys.modules.get("zmq"), "Socket", None)
    if isinstance(kind, type) and base is not None and issubclass(kind, base) and not is_ours(kind):
        raise TypeError(
            f"{kind.__module__}.{kind.__qualname__} of libzmq cannot be a socket of a "
            f"{name_of(context)} of zlinkcompat; {ADVICE}"
        )


def refuse_asker(thing: Any) -> None:
    """Raise TypeError if an object of the other library asks for internals of our ``thing``."""
    frame: FrameType | None = sys._getframe(1)
    for _ in range(DEPTH):
        if frame is None:
            return
        if frame.f_globals.get("__name__") in ASKERS:
            asker = frame.f_locals.get("self", frame.f_locals.get("cls"))
            if asker is None:
                # The caller is a function, such as zmq.select().
                asker = frame.f_globals.get("zmq_poll")
                name = f"{frame.f_globals['__name__']}.{frame.f_code.co_name}"
                ours = getattr(asker, "__module__", "").startswith("zlinkcompat.")
            else:
                kind = asker if isinstance(asker, type) else type(asker)
                name = f"{kind.__module__}.{kind.__qualname__}"
                ours = is_ours(asker)
            if not ours:
                raise TypeError(
                    f"{name} of libzmq cannot use a {name_of(thing)} of zlinkcompat; {ADVICE}"
                )
            return
        frame = frame.f_back


class Guarded:
    """A method that raises TypeError when the other library looks it up.

    It raises at the lookup, because pyzmq turns an exception of a ``fileno()`` call into
    ValueError."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.__doc__ = function.__doc__

    def __get__(self, thing: Socket, owner: type[Socket]) -> Any:
        if thing is None:
            return self.function
        refuse_asker(thing)
        return self.function.__get__(thing, owner)
