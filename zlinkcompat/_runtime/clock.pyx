"""The monotonic clock, read on the message path.

A Cython module because the write policy reads the clock for each batched message.
``time.monotonic_ns`` takes longer than ``clock_gettime`` and creates an int object.
"""

from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec


cpdef long long monotonic_ns() noexcept:
    """Nanoseconds since some fixed point."""
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return now.tv_sec * 1000000000LL + now.tv_nsec
