"""The guard of code that one thread at a time may run: pure-Python fallback of ``guard.pyx``.

Here another thread may run between the test and the change. So the pure build lets only the thread
of the event loop read and write (``engine.lifecycle.CALLER_THREAD_IO``), and the guard only turns
away a call within a call.
"""

from __future__ import annotations

from typing import Any


class Guard:
    """Lets one thread at a time into a piece of code, and turns others away."""

    __slots__ = ("held",)

    def __init__(self) -> None:
        self.held = False

    def try_enter(self) -> Any:
        """Enter; return False if a thread is in already."""
        if self.held:
            return False
        self.held = True
        return True

    def exit(self) -> None:
        """Let others enter again."""
        self.held = False
