"""Calls of functions at a later time, in a native thread that exists only while calls wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat._runtime.clock import monotonic_ns
from zlinkcompat._runtime.gevent_support import get_original

if TYPE_CHECKING:
    from collections.abc import Callable


allocate_lock = get_original("_thread", "allocate_lock")
start_new_thread = get_original("_thread", "start_new_thread")


class LateCalls:
    """Functions to call later. Any thread may use it.

    The thread is not joined when the interpreter exits: what still waits then is not called."""

    def __init__(self) -> None:
        self.lock = allocate_lock()
        self.waiting: list[Any] = []  # of (time (ns, monotonic), function)
        self.running = False
        # The thread waits for this lock, and is woken by its release if an earlier call comes.
        self.changed = allocate_lock()
        self.changed.acquire()

    def add(self, seconds: float, function: Callable[..., Any]) -> None:
        """Call ``function`` in ``seconds``."""
        due = monotonic_ns() + int(seconds * 1e9)
        with self.lock:
            is_first = all(due < other for other, _ in self.waiting)
            self.waiting.append((due, function))
            starts = not self.running
            self.running = True
            if is_first and not starts and self.changed.locked():
                self.changed.release()
        if starts:
            try:
                start_new_thread(self.run, ())
            except RuntimeError:
                with self.lock:
                    self.running = False  # out of threads; the next call tries again

    def run(self) -> None:
        """Call the functions when they are due, and return when none is left."""
        while True:
            now = monotonic_ns()
            with self.lock:
                due = [call for call in self.waiting if call[0] <= now]
                self.waiting = [call for call in self.waiting if call[0] > now]
                if not due and not self.waiting:
                    self.running = False
                    return
                pause = min((call[0] for call in self.waiting), default=now) - now
            for _, function in due:
                function()
            if not due:
                self.changed.acquire(True, pause / 1e9)
