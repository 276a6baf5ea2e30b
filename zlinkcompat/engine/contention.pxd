from zlinkcompat.tuning cimport Tuning


cdef class CpuContention:
    # Any thread reads and writes these, on purpose without a guard: see the class.
    cdef readonly long long gap, paused_until, pause, switches

    cpdef long long poll_time(self, Tuning tuning, long long now)
    cpdef bint check_gap(self, long long previous, long long now)
    cdef public int prompt_arrivals
    cpdef bint was_switched(self)
    cpdef note_sleep(self, long long missed, long long now)
    cpdef pause_polling(self, long long now)
