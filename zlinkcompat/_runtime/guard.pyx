"""The guard of code that one thread at a time may run. ``guard.py`` is the pure-Python fallback."""


cdef class Guard:
    """Lets one thread at a time into a piece of code, and turns others away.

    Nobody waits: a thread that :meth:`try_enter` turns away leaves its work to the one that is in,
    or tries again later. The GIL makes each step one, so no lock is needed. A thread must not enter
    again while it is in.

    Attributes
    ----------
    held : bool
        Whether a thread is in.
    """
