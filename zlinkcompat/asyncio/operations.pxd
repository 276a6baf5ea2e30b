from zlinkcompat._runtime.clock cimport monotonic_ns
from zlinkcompat._runtime.thread_ident cimport thread_ident
from zlinkcompat.core.socket cimport CoreSocket
from zlinkcompat.engine.contention cimport CpuContention
from zlinkcompat.engine.loop cimport Backoff
from zlinkcompat.engine.loop_poller cimport LoopPoller
from zlinkcompat.engine.waker cimport Waker

cimport cython

cdef int POLLIN, POLLOUT, NOBLOCK
cdef CpuContention contention


cdef class LoopWaker(Waker):
    cdef object sleeper, greenlet
    cdef LoopPoller poller
    cdef bint due


cdef class Operation:
    cdef readonly object future, call
    cdef tuple args
    cdef public object load
    cdef CoreSocket core
    cdef bytes frame
    cdef bint whole, waits
    cpdef bint attempt(self) except -1


cdef bint attempt(future, call, tuple args, load=*) except -1


cdef bint try_send(future, CoreSocket core, bytes frame) except -1


@cython.locals(frames=list, index=Py_ssize_t)
cdef bint try_recv(future, CoreSocket core, bint whole, load=*) except -1


cdef class PendingOperations:
    cdef readonly CoreSocket core
    cdef object make_future
    cdef unsigned long thread
    cdef readonly object loop, receiving, sending, polling
    cdef set kept
    cdef LoopWaker waker
    cdef object __weakref__
    cdef bint watching, is_busy_polling, lends
    cdef LoopPoller poller
    cdef long long give_up_at
    cdef long burst, streak
    cdef Backoff busy_poll_backoff

    cdef lend(self)
    @cython.locals(rests=bint)
    cpdef begin(self, bint sends, call, tuple args)
    cpdef add(self, queue, Operation operation)
    @cython.locals(spin_time=cython.longlong, now=cython.longlong)
    cpdef watch(self, Operation operation)
    @cython.locals(rests=bint, operation=Operation)
    cpdef send_frame(self, bytes frame)
    @cython.locals(rests=bint, operation=Operation)
    cpdef recv_bytes(self, bint whole)
    cdef wait(self, bint sends, Operation operation, bint rests)
    @cython.locals(operation=Operation)
    cpdef end_rest(self, bint sends)
    @cython.locals(timeout=long)
    cdef limit(self, bint sends, Operation operation)
    cdef keep_polling(self)
    @cython.locals(operation=Operation, poller=LoopPoller)
    cpdef advance(self)
    cdef retry_in_order(self, queue, int event)
    cdef bint may(self, int event) except -1
    @cython.locals(operation=Operation)
    cpdef discard_finished(self)
