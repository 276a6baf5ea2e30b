from zlinkcompat.tuning cimport Tuning


cdef class CpuContention:
    # Any thread, on purpose without a guard: see the class.
    cdef readonly long long gap, paused_until, pause, switches

    cpdef long long poll_time(self, Tuning tuning, long long now)
    cpdef bint check_gap(self, long long previous, long long now)
    cpdef bint was_switched(self)
