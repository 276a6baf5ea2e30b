"""The queues of a pipe between threads, in the pure build.

Compiled, an operation of a queue is one step under the GIL. Uncompiled, another
thread may run between any two steps of it.
"""

from zlinkcompat._runtime.gevent_support import get_original
from zlinkcompat.routing.pipe import MessageQueue
from zlinkcompat.routing.sized_queue import SizedQueue

# Reentrant, since dropping a message may run the program's code.
RLock = get_original("_thread", "RLock")


def locked(name):
    def run(self, *args):
        with self.lock:
            return getattr(super(Locked, self), name)(*args)

    return run


class Locked:
    """Two threads may use the queue at once, one of them to write, the other to read."""

    def __init__(self, *args):
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
