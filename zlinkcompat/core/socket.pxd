from zlinkcompat.core.receive cimport Receiver
from zlinkcompat.core.send cimport Sender
from zlinkcompat.core.state cimport SocketState
from zlinkcompat.engine.waker cimport Waker, insert_by_age

cimport cython


cdef int POLLIN
cdef int POLLOUT


@cython.final
cdef class CoreSocket(SocketState):
    # -- Set when the socket is made, and read by any thread. ------------------------------
    cdef readonly Receiver receiver
    cdef readonly Sender sender
    cdef readonly object made_at

    # -- Only the thread that uses the socket, or with the hub engine the thread of the hub. -
    cdef readonly object endpoints
    cdef public bytes last_endpoint
    cdef public object label
    cdef public bint is_monitor
    cdef bint is_read_scheduled

    # -- Changed by threads that poll the socket. Others copy it under the GIL. ------------
    cdef list pollers

    # -- Changed by the thread that uses the socket. I/O threads read it once per event under
    #    the GIL, so an event goes to the old monitor, to the new one, or to none. ----------
    cdef object monitoring

    cpdef resume_reading(self)
    cdef notify_pollers(self)
    @cython.locals(events=int)
    cpdef int events(self, int wanted=*) except -1
    cpdef add_poller(self, waker)
    cpdef remove_poller(self, waker)
