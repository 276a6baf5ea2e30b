cimport cython

from zlinkcompat._runtime.thread_ident cimport thread_ident


@cython.final
cdef class ThreadCheck:
    # Written by every thread that waits, without a guard: a race can only lose one report.
    cdef public unsigned long waiting_thread
    cdef int waiting_calls
    cdef bint misuse_reported, mixing_reported

    cpdef enter_wait(self)
    cpdef leave_wait(self)
    @cython.locals(thread=cython.ulong)
    cpdef report_misuse(self, socket)
    cpdef report_mixing(self, socket)
