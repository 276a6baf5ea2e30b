"""Warnings about loops that stand still, with the stack that held them.

For hubs and I/O threads, a native thread asks each loop for a sign of life. A loop that runs, or
that waits for events, answers at once. This costs a thread, and wakes each loop several times
within the limit. So it is off unless ZLINK_STALL_WARNING sets a limit.

An asyncio loop to which an I/O thread lends connections is asked only once it does not serve them
(:class:`~.loop_poller.LoanWatchdog`). So this is always on.
"""

from __future__ import annotations

import atexit
import os
import signal
from typing import Any

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

#: How many times within the limit a loop is asked.
CHECKS = 4

#: The limit for asyncio loops if ZLINK_STALL_WARNING is not set, in milliseconds.
ASYNCIO_LIMIT = 5000

#: If more nanoseconds than this lie between two checks of an asyncio loop, the checking thread
#: stood still as well.
DELAY_MIN = 200_000_000


class StallWatch:
    """Watches the loops of this process, in a native thread of its own.

    Parameters
    ----------
    limit : int, nanoseconds
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.lock = allocate_lock()
        self.questions: dict[Any, Any] = {}  # IOLoop -> Question
        self.stopping = allocate_lock()
        self.stopping.acquire()
        self.limiter = LogLimiter()
        start_new_thread(self.run, ())

    def add(self, loop: Any) -> None:
        with self.lock:
            self.questions[loop] = Question(loop)

    def remove(self, loop: Any) -> None:
        with self.lock:
            self.questions.pop(loop, None)

    def stop(self) -> None:
        """End the thread."""
        try:
            self.stopping.release()
        except RuntimeError:
            pass  # stop() was called before

    def run(self) -> None:
        # Block signals: they belong to the program, and must interrupt its own calls.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        log_queue.use_thread()
        pause = self.limit // CHECKS
        slept_at = monotonic_ns()
        while not self.stopping.acquire(True, pause / 1e9):
            late = monotonic_ns() - slept_at > 2 * pause
            slept_at = monotonic_ns()
            if late:
                continue  # this thread stood still as well, so give the loops time to answer
            # A loop that ends must take this lock to remove its question. So while the lock is
            # held, every loop in ``questions`` still exists.
            with self.lock:
                stalled = [each for each in self.questions.values() if each.ask(self.limit)]
            for question in stalled:
                self.warn(question)

    def warn(self, question: Question) -> None:
        loop = question.loop
        self.limiter.warn(
            LOG,
            (loop.thread,),
            "%s of thread %d has stood still for %.1f s: no connection of it is read or written. "
            "It is here:\n%s",
            "the hub" if loop.mailbox is None else "the loop of the I/O thread",
            loop.thread,
            (monotonic_ns() - question.asked_at) / 1e9,
            format_stack(stack_of(loop.thread)),
        )


class Question:
    """The last question to one loop, and whether the loop has answered it."""

    def __init__(self, loop: Any) -> None:
        self.loop = loop
        self.asked_at = 0
        self.answered = True
        self.told = False

    def ask(self, limit: int) -> bool:
        """Ask again if the loop has answered. Otherwise return, once, whether it is too late."""
        if self.answered:
            self.answered = self.told = False
            self.asked_at = monotonic_ns()
            self.loop.callbacks.call(self.answer)
            return False
        if self.told or monotonic_ns() - self.asked_at < limit:
            return False
        self.told = True
        return True

    def answer(self) -> None:
        self.answered = True


class Suspicion:
    """An asyncio loop that did not serve its connections when an I/O thread checked.

    Parameters
    ----------
    poller : LoopPoller
    limit : int, nanoseconds
    """

    def __init__(self, poller: Any, limit: Any) -> None:
        self.poller = poller
        self.limit = limit
        self.began = self.looked_at = monotonic_ns()
        poller.is_suspected = True

    def ask(self) -> None:
        """Ask the loop for a sign of life."""
        try:
            self.poller.loop().call_soon_threadsafe(self.answer)
        except (AttributeError, RuntimeError):
            self.answer()  # it has ended just now

    def answer(self) -> None:
        self.poller.is_suspected = False

    def check(self) -> Any:
        """Warn if the loop has not answered for too long. Return whether to check again."""
        now = monotonic_ns()
        late = now - self.looked_at > max(self.limit // CHECKS, DELAY_MIN)
        self.looked_at = now
        if not self.poller.serves():
            self.answer()
        if not self.poller.is_suspected:
            return False
        if late or now - self.began < self.limit:
            return True  # this thread stood still as well, or it is too early to tell
        LOG.warning(
            "the asyncio loop of thread %d has stood still for %.1f s: I/O threads read and write "
            "its connections meanwhile. It is here:\n%s",
            self.poller.thread,
            (now - self.began) / 1e9,
            format_stack(stack_of(self.poller.thread)),
        )
        return False


def suspect(poller: Any) -> Any:
    """Ask a loop that does not serve its connections whether it stands still.

    Returns
    -------
    Suspicion or None
        None if these warnings are switched off, or if the loop was already asked.
    """
    limit = tuning.get("stall_warning")
    if not limit or poller.is_suspected:
        return None
    suspicion = Suspicion(poller, (ASYNCIO_LIMIT if limit < 0 else limit) * 1_000_000)
    suspicion.ask()
    return suspicion


_watch = None


def add(loop: Any) -> None:
    """Watch the loop of the current thread, if the setting asks for it."""
    global _watch
    limit = tuning.get("stall_warning") * 1_000_000
    if limit <= 0:
        return
    if _watch is None:
        _watch = StallWatch(limit)
    _watch.add(loop)


def remove(loop: Any) -> None:
    """Stop watching a loop, because it ends."""
    if _watch is not None:
        _watch.remove(loop)


@atexit.register
def stop() -> None:
    """End the thread."""
    global _watch
    watch, _watch = _watch, None
    if watch is not None:
        watch.stop()


def after_fork_child() -> None:
    global _watch
    _watch = None  # its thread does not run here, and it may hold its lock


os.register_at_fork(after_in_child=after_fork_child)
