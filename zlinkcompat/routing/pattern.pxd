from zlinkcompat.routing.counts cimport Totals
from zlinkcompat.routing.pipe cimport Pipe, PipeSink

cimport cython

cdef Py_ssize_t DIRECT_READ_PEERS


cdef class Owner:
    cpdef on_readable(self)
    cpdef on_writable(self)
    cpdef schedule_read(self)
    cpdef on_flow_stopped(self, Pipe pipe)
    cpdef on_pipe_gone(self, Pipe pipe)


cdef class Pattern(PipeSink):
    cdef readonly Owner owner
    cdef readonly object options
    cdef readonly list pipes
    cdef readonly Totals totals
    cdef readonly Pipe last_pipe
    cdef readonly Py_ssize_t parts_limit
    cdef public bint has_late_subscriptions
    cdef object limiter

    cpdef bint attach(self, Pipe pipe) except -1
    cpdef identified(self, Pipe pipe)
    cpdef detach(self, Pipe pipe)
    cpdef disconnect(self, Pipe pipe)
    cpdef drained(self, Pipe pipe)
    cpdef flow_stopped(self, Pipe pipe)
    cpdef on_protocol_violation(self, Pipe pipe, text)
    @cython.locals(count=Py_ssize_t, index=Py_ssize_t, pipe=Pipe)
    cpdef int try_read_peers(self) except -2
    @cython.locals(count=Py_ssize_t, index=Py_ssize_t, pipe=Pipe)
    cpdef read_all_peers(self)
    cpdef bint begin(self, frame) except -1
    cpdef finish(self, list message)
    cpdef bint send(self, message) except -1
    cpdef check_may_receive(self)
    cpdef recv(self)
    cpdef bint has_in(self) except -1
    cpdef bint has_out(self) except -1
    cpdef Py_ssize_t count_in_hand(self) except -1
    cpdef bint set_option(self, int option, value) except -1
    cpdef get_option(self, int option)
