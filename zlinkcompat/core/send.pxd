from zlinkcompat._runtime.clock cimport monotonic_ns
from zlinkcompat._runtime.thread_ident cimport thread_ident
from zlinkcompat.core.receive cimport Receiver
from zlinkcompat.core.state cimport SocketState
from zlinkcompat.core.thread_check cimport ThreadCheck
from zlinkcompat.engine.loop cimport IOLoop
from zlinkcompat.engine.waker cimport SleeperMailbox, WaitList
from zlinkcompat.routing.pattern cimport Pattern

cimport cython


cdef int NOBLOCK
cdef int SNDMORE
cdef long long SUBSCRIPTION_WAIT_NS
cdef long long SUBSCRIPTIONS_INTERVAL


@cython.final
cdef class Sender:
    # -- Set when the socket is made. ------------------------------------------------------
    cdef SocketState state
    cdef Receiver receiver
    cdef SleeperMailbox mailbox
    cdef ThreadCheck thread_check
    cdef Pattern pattern
    cdef bint publishes, lockstep

    # -- Only the thread that uses the socket, or with the hub engine the thread of the hub. -
    cdef list parts
    cdef object parts_from
    cdef int timeout_ms
    cdef long long subscriptions_read_at, next_subscription_wait

    # -- Greenlets and threads that wait: WaitList says who may touch it. ------------------
    cdef WaitList waiting

    cpdef read_options(self)
    cpdef send_frame(self, frame, int flags)
    @cython.locals(frames=list)
    cpdef send_message(self, list frames, int flags)
    @cython.locals(parts=list)
    cdef send_part(self, frame, int flags)
    cdef require_complete_message(self)
    @cython.locals(state=SocketState, now=cython.longlong)
    cdef read_pending_subscriptions(self)
    @cython.locals(began=cython.longlong, spent=cython.longlong)
    cdef await_late_subscriptions(self)
    @cython.locals(timeout_ms=cython.longlong, began=cython.longlong)
    cdef send_blocking(self, message, int flags)
    @cython.locals(timeout_ms=cython.longlong, began=cython.longlong)
    cdef begin_blocking(self, frame, int flags)
    cdef wake_next(self)
    cdef bint can_send(self) except -1
    cdef drop_parts(self)
