from zlinkcompat._runtime.clock cimport monotonic_ns
from zlinkcompat.routing.mailbox cimport Mailbox
from zlinkcompat._runtime.thread_ident cimport thread_ident


cdef class IOLoop:
    cdef readonly object hub, loop, callbacks
    cdef readonly unsigned long thread
    cdef list gathering
    cdef readonly bint flush_due
    cdef readonly long long epoch, iteration, turned_at
    cdef readonly long long turn_interval
    cdef readonly Backoff spinning
    cdef object turn_timer
    cdef readonly Mailbox mailbox
    cdef readonly object pool
    cdef readonly set residents
    cdef readonly bint ended

    cpdef bint is_here(self)
    cpdef bint turned(self)
    cpdef gather(self, connection)
    cpdef on_turn(self)
    cpdef flush(self)
    cpdef forget(self)
    cpdef quiet(self)
    cpdef turn(self)
    cpdef breathe(self)
    cpdef bint may_spin(self, long long spin_time)


cdef class Backoff:
    cdef int most, penalty, skip

    cpdef bint allows(self)
    cpdef hit(self)
    cpdef missed(self)


cdef class Turn:
    cdef object greenlet
    cdef bint done
    cpdef over(self)


cpdef IOLoop engine_here()
