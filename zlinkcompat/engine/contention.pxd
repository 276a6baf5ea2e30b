from zlinkcompat.tuning cimport Tuning


cdef class CpuContention:
    # Any thread reads and writes these, on purpose without a guard: see the class.
    cdef readonly long long paused_until, pause
    cdef public int prompt_arrivals

    cpdef long long poll_time(self, Tuning tuning, long long now)
    cpdef note_sleep(self, long long missed, long long now)
    cpdef pause_polling(self, long long now)
