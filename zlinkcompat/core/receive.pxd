from zlinkcompat._runtime.clock cimport monotonic_ns
from zlinkcompat._runtime.thread_ident cimport thread_ident
from zlinkcompat.core.state cimport SocketState
from zlinkcompat.core.thread_check cimport ThreadCheck
from zlinkcompat.engine.contention cimport CpuContention
from zlinkcompat.engine.loop cimport Backoff, IOLoop
from zlinkcompat.engine.waker cimport SleeperMailbox, WaitList
from zlinkcompat.routing.pattern cimport Pattern

cimport cython


cdef int NOBLOCK
cdef int READ_ROUNDS
cdef CpuContention contention


@cython.final
cdef class Receiver:
    # -- Set when the socket is made. ------------------------------------------------------
    cdef SocketState state
    cdef SleeperMailbox mailbox
    cdef ThreadCheck thread_check
    cdef Pattern pattern

    # -- Only the thread that uses the socket, or with the hub engine the thread of the hub. -
    cdef readonly bint more
    cdef list parts
    cdef Py_ssize_t next_part
    cdef int timeout_ms
    cdef long long spin_time, poll_missed_at
    cdef bint adaptive_poll
    cdef Backoff read_backoff, busy_poll_backoff

    # -- Greenlets and threads that wait: WaitList says who may touch it. ------------------
    cdef WaitList waiting

    # -- Written by the thread that uses the socket. I/O threads read it without a guard: an
    #    outdated value only makes one of them watch a connection, or not, for 10 ms. -----
    cdef readonly bint is_busy_polling

    # -- Changed by I/O threads. The thread that uses the socket copies it under the GIL. --
    cdef readonly list paused_readers

    cpdef read_options(self)
    cpdef recv_frame(self, int flags)
    @cython.locals(parts=list)
    cpdef list recv_message(self, int flags)
    cpdef try_recv_frame(self)
    @cython.locals(message=object)
    cpdef list try_recv_message(self)
    cdef try_recv(self)
    cdef process_commands(self)
    cdef recv_part(self)
    cdef drop_parts(self)
    @cython.locals(state=SocketState, loop=IOLoop, timeout_ms=cython.longlong,
                   began=cython.longlong, spin_time=cython.longlong, now=cython.longlong,
                   worth=Backoff)
    cdef recv_blocking(self, int flags)
    cdef long long poll_limit(self, long long now) except *
    cdef read_now(self)
    cdef read_after_posted(self)
    cdef bint run_posted(self) except -1
    cdef read_now_if_useful(self, bint needed)
    cdef read_bypassing_io_threads(self, bint needed, long long began, long long spin_time)
    cdef resume_io_threads(self)
    @cython.locals(produced=int, now=cython.longlong)
    cdef busy_poll(self, long long began, long long spin_time, Backoff worth)
    @cython.locals(produced=int)
    cdef int produce(self) except -2
    @cython.locals(state=SocketState)
    cdef bint can_receive(self) except -1
    @cython.locals(produced=int)
    cdef bint read_until_readable(self) except -1
