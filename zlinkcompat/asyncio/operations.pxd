from zlinkcompat._runtime.clock cimport monotonic_ns
from zlinkcompat.core.socket cimport CoreSocket
from zlinkcompat.engine.contention cimport CpuContention
from zlinkcompat.engine.loop cimport Backoff
from zlinkcompat.engine.wait cimport Waker

cimport cython

cdef int POLLIN, POLLOUT
cdef CpuContention contention


cdef class LoopWaker(Waker):
    cdef object sleeper, greenlet
    cdef bint due


cdef class Operation:
    cdef readonly object future, call
    cdef tuple args
    cdef public object load
    cpdef bint attempt(self) except -1


cdef bint attempt(future, call, tuple args, load=*) except -1


cdef class PendingOperations:
    cdef readonly CoreSocket core
    cdef readonly object loop, receiving, sending, polling
    cdef set kept
    cdef LoopWaker waker
    cdef object __weakref__
    cdef bint watching, is_busy_polling
    cdef long long give_up_at, polled_at
    cdef long burst, streak
    cdef Backoff busy_poll_backoff

    @cython.locals(rests=bint)
    cpdef begin(self, bint sends, call, tuple args)
    @cython.locals(spin_time=cython.longlong, now=cython.longlong)
    cpdef add(self, queue, Operation operation)
    @cython.locals(previous=cython.longlong, now=cython.longlong)
    cdef keep_polling(self)
    @cython.locals(operation=Operation)
    cpdef advance(self)
    cdef retry_in_order(self, queue, int event)
    cdef bint may(self, int event) except -1
    @cython.locals(operation=Operation)
    cpdef discard_finished(self)
