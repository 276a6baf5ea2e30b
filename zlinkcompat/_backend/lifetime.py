"""Operations that sockets and contexts forbid: pickling, and waiting in the garbage collector."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType


def refuse_to_pickle(thing: Any) -> None:
    """Raise TypeError, as in pyzmq: another process has neither the connections nor the memory."""
    raise TypeError(f"cannot pickle {type(thing).__name__!r} object")


def being_deleted() -> bool:
    """Tell whether the ``__del__`` of pyzmq's own Context is running.

    The garbage collector runs in any greenlet, even the hub's, at any point. So a destructor must
    not wait or switch greenlets. With libzmq, programs hang when it waits:
    https://github.com/zeromq/pyzmq/issues/1512."""
    frame: FrameType | None = sys._getframe()
    # pyzmq's destructor calls destroy(), which calls term(), which calls our method. Our method has
    # a stack frame only in the pure build.
    for _ in range(6):
        if frame is None:
            return False
        if frame.f_code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False
