"""The identifier of the current native thread, read on the message path (pure-Python fallback of
``thread_ident.pyx``)."""

from zlinkcompat._runtime.gevent_support import get_original

# The native version: if gevent has patched threading, its version tells greenlets apart.
thread_ident = get_original("_thread", "get_ident")

__all__ = ["thread_ident"]
