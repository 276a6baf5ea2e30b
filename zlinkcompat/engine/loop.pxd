from zlinkcompat._runtime.clock cimport monotonic_ns
from zlinkcompat.routing.mailbox cimport Mailbox
from zlinkcompat._runtime.thread_ident cimport thread_ident


cdef class IOLoop:
    cdef readonly object hub, gevent_loop, callbacks
    cdef readonly unsigned long thread
    cdef list batching
    cdef readonly bint is_flush_scheduled
    cdef readonly long long burst_id, iteration, iterated_at
    cdef readonly long long iteration_interval
    cdef readonly Backoff busy_poll_backoff
    cdef object iteration_timer
    cdef readonly Mailbox mailbox
    cdef readonly object pool
    cdef readonly set owned
    cdef readonly bint thread_ended
    cdef object loans
    cdef public object flow_watch

    cpdef bint is_current(self)
    cpdef bint loop_iterated(self)
    cpdef flush_later(self, connection)
    cpdef flush_postponed(self)
    cpdef flush(self)
    cpdef after_fork_child(self)
    cpdef flush_before_wait(self)
    cpdef run_loop_once(self)
    cpdef maybe_yield(self)
    cpdef bint may_busy_poll(self, long long spin_time)


cdef class Backoff:
    cdef int most, penalty, skip

    cpdef bint allows(self)
    cpdef hit(self)
    cpdef miss(self)


cdef class LoopIteration:
    cdef object greenlet
    cdef bint done
    cpdef finish(self)


cpdef IOLoop current_loop()
