cimport cython

from zlinkcompat.routing.mailbox cimport Mailbox


cpdef bint waits_in_hub()


cpdef Waker current_waker(bint hub)


cdef class Waker:
    cdef public long long since
    cpdef wake(self)
    cpdef bint sleep(self, double timeout) except *


cdef class HubWaker(Waker):
    cdef object hub, callbacks
    cdef readonly object thread, greenlet
    cdef bint fired, expired
    cpdef expire(self)
    cpdef switch(self)


cdef class LockWaker(Waker):
    cdef object lock
    cdef bint fired


@cython.locals(position=Py_ssize_t, before=Waker)
cpdef insert_by_age(list wakers, Waker waker)


cdef class WaitList:
    cdef readonly list wakers
    cpdef bint wait(self, Waker waker, double timeout, recheck=*) except *
    cpdef notify(self)
    cpdef notify_all(self)


cdef class SleeperMailbox(Mailbox):
    cdef readonly list sleepers
    cdef public object notifier
    cdef bint closed
    cpdef close(self)
