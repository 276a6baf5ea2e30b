"""A callback that runs when a native thread ends."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from zlinkcompat._runtime.gevent_support import get_original

if TYPE_CHECKING:
    from collections.abc import Callable


# The native version: if gevent has patched threading, its version is local to greenlets.
local = get_original("threading", "local")


class AtEnd:
    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __del__(self, is_finalizing: Callable[..., Any] = sys.is_finalizing) -> None:
        # The main thread ends with the interpreter, and its sockets have been flushed by then.
        if not is_finalizing():
            self.function()


ends = local()


def at_thread_end(function: Callable[..., Any]) -> None:
    """Call ``function`` in the current thread when the thread ends.

    It replaces the function of an earlier call. It must not switch greenlets or ask for the
    thread's hub, because the hub no longer exists."""
    ends.one = AtEnd(function)
