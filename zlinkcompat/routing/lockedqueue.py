"""The queue of a pipe between threads, in the pure build.

Compiled, an operation of a queue is one step under the interpreter's lock. Uncompiled, another
thread may run between any two steps of it.
"""

from gevent.monkey import get_original

from zlinkcompat.routing.pipe import MessageQueue

# Reentrant, since dropping a message may run the program's code.
RLock = get_original("threading", "RLock")


def locked(name):
    operation = getattr(MessageQueue, name)

    def run(self, *args):
        with self.lock:
            return operation(self, *args)

    return run


class LockedQueue(MessageQueue):
    """A MessageQueue that two threads may use at once, one of them to write, the other to read."""

    def __init__(self, hwm):
        self.lock = RLock()
        MessageQueue.__init__(self, hwm)

    push = locked("push")
    peek = locked("peek")
    pop = locked("pop")
    clear = locked("clear")
