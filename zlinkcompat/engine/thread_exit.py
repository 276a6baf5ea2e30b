"""The end of a native thread, told where it happens."""

import sys

from zlinkcompat._runtime.gevent_support import get_original

# Native: where gevent patched it, threading's tells greenlets apart.
local = get_original("threading", "local")


class AtEnd:
    def __init__(self, function):
        self.function = function

    def __del__(self, is_finalizing=sys.is_finalizing):
        # The main thread ends with the interpreter, which has been flushed by then.
        if not is_finalizing():
            self.function()


ends = local()


def at_thread_end(function):
    """Call ``function`` when the current thread ends, in that thread, instead of what was to be
    called before. It must not switch greenlets, nor ask for the thread's hub: there is none."""
    ends.one = AtEnd(function)
