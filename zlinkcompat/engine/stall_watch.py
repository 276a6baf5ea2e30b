"""Warnings about hubs and I/O threads that stand still, with the stack that held them.

A native thread asks each loop for a sign of life. A loop that runs, or that waits for events,
answers at once. This wakes each loop several times in the limit, so it is off unless
ZLINK_STALL_WARNING is set.
"""

import atexit
import os
import signal

from zlinkcompat import tuning
from zlinkcompat._runtime import log_queue
from zlinkcompat._runtime.clock import monotonic_ns
from zlinkcompat._runtime.gevent_support import get_original
from zlinkcompat._runtime.log_limiter import LogLimiter
from zlinkcompat._runtime.log_queue import Log
from zlinkcompat._runtime.stacks import format_stack, stack_of

allocate_lock = get_original("_thread", "allocate_lock")
start_new_thread = get_original("_thread", "start_new_thread")

LOG = Log("zlinkcompat.engine")

#: How often a loop is asked in the limit.
CHECKS = 4


class StallWatch:
    """Watches the loops of this process, in a native thread of its own.

    Parameters
    ----------
    limit : int, nanoseconds
    """

    def __init__(self, limit):
        self.limit = limit
        self.lock = allocate_lock()
        self.questions = {}  # IOLoop -> Question
        self.stopping = allocate_lock()
        self.stopping.acquire()
        self.limiter = LogLimiter()
        start_new_thread(self.run, ())

    def add(self, engine):
        with self.lock:
            self.questions[engine] = Question(engine)

    def remove(self, engine):
        with self.lock:
            self.questions.pop(engine, None)

    def stop(self):
        """End the thread."""
        try:
            self.stopping.release()
        except RuntimeError:
            pass  # it was called before

    def run(self):
        # Block signals: they belong to the program, and must interrupt its own calls.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        log_queue.use_thread()
        pause = self.limit // CHECKS
        slept_at = monotonic_ns()
        while not self.stopping.acquire(True, pause / 1e9):
            late = monotonic_ns() - slept_at > 2 * pause
            slept_at = monotonic_ns()
            if late:
                continue  # this thread stood still as well, so let the loops answer first
            # A loop that ends takes the lock to leave, so it exists while it is asked.
            with self.lock:
                stalled = [each for each in self.questions.values() if each.ask(self.limit)]
            for question in stalled:
                self.warn(question)

    def warn(self, question):
        engine = question.engine
        more = self.limiter.admit(engine.thread)
        if more is not None:
            LOG.warning(
                "%s of thread %d has stood still for %.1f s: no connection of it is read or "
                "written. It is here:%s\n%s",
                "the hub" if engine.mailbox is None else "the loop of the I/O thread",
                engine.thread,
                (monotonic_ns() - question.asked_at) / 1e9,
                more,
                format_stack(stack_of(engine.thread)),
            )


class Question:
    """What the thread knows of one loop."""

    def __init__(self, engine):
        self.engine = engine
        self.asked_at = 0
        self.answered = True
        self.told = False

    def ask(self, limit):
        """Ask again if the loop has answered; otherwise tell, once, whether it is too late."""
        if self.answered:
            self.answered = self.told = False
            self.asked_at = monotonic_ns()
            self.engine.callbacks.call(self.answer)
            return False
        if self.told or monotonic_ns() - self.asked_at < limit:
            return False
        self.told = True
        return True

    def answer(self):
        self.answered = True


_watch = None


def add(engine):
    """Watch the loop of the current thread, if the setting asks for it."""
    global _watch
    limit = tuning.get("stall_warning") * 1_000_000
    if not limit:
        return
    if _watch is None:
        _watch = StallWatch(limit)
    _watch.add(engine)


def remove(engine):
    """Watch a loop no longer, because it ends."""
    if _watch is not None:
        _watch.remove(engine)


@atexit.register
def stop():
    """End the thread."""
    global _watch
    watch, _watch = _watch, None
    if watch is not None:
        watch.stop()


def after_fork_child():
    global _watch
    _watch = None  # its thread does not run here, and it may hold its lock


os.register_at_fork(after_in_child=after_fork_child)
