"""The number of the current native thread, asked on the message path.

A Cython module because each call of a socket of the hub engine asks: 2 ns, where
``_thread.get_ident`` makes an int object.
"""

cdef extern from "pythread.h":
    unsigned long PyThread_get_thread_ident() noexcept


cpdef unsigned long thread_ident() noexcept:
    """As ``_thread.get_ident()``, also where gevent has patched it."""
    return PyThread_get_thread_ident()
