"""A callback that runs when a native thread ends."""

import sys

from zlinkcompat._runtime.gevent_support import get_original

# The native version: if gevent has patched threading, its version is local to greenlets.
local = get_original("threading", "local")


class AtEnd:
    def __init__(self, function):
        self.function = function

    def __del__(self, is_finalizing=sys.is_finalizing):
        # The main thread ends with the interpreter, and its sockets have been flushed by then.
        if not is_finalizing():
            self.function()


ends = local()


def at_thread_end(function):
    """Call ``function`` in the current thread when the thread ends.

    It replaces the function of an earlier call. It must not switch greenlets or ask for the
    thread's hub, because the hub no longer exists."""
    ends.one = AtEnd(function)
