"""The queues of a pipe between threads, for the pure-Python build.

In the compiled build, an operation of a queue runs without releasing the GIL. In the pure build
another thread may run at any point of it, so these queues take a lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat._runtime.gevent_support import get_original
from zlinkcompat.routing.message_queue import MessageQueue
from zlinkcompat.routing.sized_queue import SizedQueue

if TYPE_CHECKING:
    from collections.abc import Callable


# Reentrant, because dropping a message may run code of the program.
RLock = get_original("_thread", "RLock")


def locked(name: str) -> Callable[..., Any]:
    def run(self: Any, *args: Any) -> Any:
        with self.lock:
            return getattr(super(Locked, self), name)(*args)

    return run


class Locked:
    """Allows two threads to use a queue at once, one to write and one to read."""

    def __init__(self, *args: Any) -> None:
        self.lock = RLock()
        super().__init__(*args)

    push = locked("push")
    offer = locked("offer")
    push_all = locked("push_all")
    peek = locked("peek")
    first = locked("first")
    pop = locked("pop")
    drop = locked("drop")
    clear = locked("clear")
    bring_forward = locked("bring_forward")


class LockedQueue(Locked, MessageQueue):
    """A MessageQueue between threads."""


class LockedSizedQueue(Locked, SizedQueue):
    """A SizedQueue between threads."""
