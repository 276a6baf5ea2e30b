"""The identifier of the current native thread, read on the message path.

A Cython module because every call on a socket of the hub engine reads it. ``_thread.get_ident``
takes longer and creates an int object.
"""

cdef extern from "pythread.h":
    unsigned long PyThread_get_thread_ident() noexcept


# It only reads thread-local storage, so it cannot fail.
cpdef unsigned long thread_ident() noexcept:
    """Return ``_thread.get_ident()``, even if gevent has patched it."""
    return PyThread_get_thread_ident()
