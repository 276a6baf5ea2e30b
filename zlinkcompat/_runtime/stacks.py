"""The Python stacks of threads, as plain data."""

from __future__ import annotations

import gc
import sys
from typing import Any

from zlinkcompat._runtime.gevent_support import get_original

allocate_lock = get_original("_thread", "allocate_lock")

#: :func:`stack_of` holds this lock while it keeps the garbage collector off.
reading_frames = allocate_lock()


def own_stack() -> list[tuple[str, int, str]]:
    """Return the stack of the caller, as :func:`stack_of` does."""
    try:
        return stack_from(sys._getframe())
    except ValueError:
        # A greenlet that runs a compiled method has no Python frame.
        return []


def stack_of(thread: Any) -> list[tuple[str, int, str]]:
    """Return the stack of a native thread as a list of (file, line, function), outermost first.

    The list is empty if the thread has no Python frame, or if another thread asks at this moment.

    The garbage collector is off during the call, because a collection can release the GIL, which
    would be harmful for two reasons. CPython 3.11 holds the lock of its thread list while it makes
    the frame objects; if another thread then takes the GIL and wants that lock, the process
    deadlocks. And the thread must not run while its frames are read. In the compiled build nothing
    else in this function releases the GIL.
    """
    if not reading_frames.acquire(False):
        return []
    try:
        enabled = gc.isenabled()
        gc.disable()
        try:
            return stack_from(sys._current_frames().get(thread))
        finally:
            if enabled:
                gc.enable()
    finally:
        reading_frames.release()


def stack_from(frame: Any) -> list[tuple[str, int, str]]:
    """Return the stack that ends with ``frame``, as :func:`stack_of` does."""
    found = []
    while frame is not None:
        code = frame.f_code
        found.append((code.co_filename, frame.f_lineno, code.co_name))
        frame = frame.f_back
    found.reverse()
    return found


def format_stack(stack: list[tuple[str, int, str]]) -> str:
    """Return a stack as lines of a traceback; each line ends with a newline."""
    import traceback  # takes 3 ms, and is seldom needed

    if not stack:
        # The greenlet runs a compiled method of the socket, or the call is over.
        return "  (no Python code)\n"
    lines = [(file, line, function, None) for file, line, function in stack]
    return "".join(traceback.StackSummary.from_list(lines).format())
