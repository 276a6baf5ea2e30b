"""The number of the current native thread, asked on the message path (pure-Python fallback of
``thread_ident.pyx``)."""

from zlinkcompat._runtime.gevent_support import get_original

# Native: where gevent patched it, threading's tells greenlets apart.
thread_ident = get_original("_thread", "get_ident")

__all__ = ["thread_ident"]
