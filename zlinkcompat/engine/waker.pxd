cdef class Waker:
    cpdef wake(self)
    cpdef bint sleep(self, double timeout) except *


cdef class HubWaker(Waker):
    cdef object hub, thread, greenlet
    cdef bint fired, expired
    cpdef expire(self)
    cpdef switch(self)


cdef class WaitList:
    cdef readonly list wakers
    cpdef bint wait(self, Waker waker, double timeout) except *
    cpdef notify(self)
    cpdef notify_all(self)
