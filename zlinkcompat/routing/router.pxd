from zlinkcompat.routing.pipe cimport Pipe
from zlinkcompat.routing.pattern cimport Pattern
from zlinkcompat.routing.pull cimport Pull

cimport cython


cdef class Router(Pull):
    cdef dict peers, anonymous, waiting
    cdef object inherited
    cdef bint mandatory, handover, probe, raw
    cdef bytes connect_routing_id
    cdef Pipe begun, begun_full
    cdef unsigned int next_id

    cpdef bint attach(self, Pipe pipe) except -1
    cpdef identified(self, Pipe pipe)
    cdef identify(self, Pipe pipe)
    cdef welcome(self, Pipe pipe, bytes routing_id)
    cdef wait_for_id(self, Pipe pipe)
    @cython.locals(old=Pipe, count=Py_ssize_t)
    cdef hand_over(self, bytes routing_id, Pipe pipe)
    cdef stop_waiting(self, dict waiting, Pipe pipe)
    cdef bytes new_routing_id(self)
    @cython.locals(waiting=dict, heir=Pipe)
    cpdef detach(self, Pipe pipe)
    cpdef pipe_terminated(self, Pipe pipe)
    cpdef read_activated(self, Pipe pipe)
    cdef Pipe route(self, frame)
    @cython.locals(pipe=Pipe)
    cpdef bint begin(self, frame) except -1
    @cython.locals(pipe=Pipe, full=Pipe)
    cpdef finish(self, list message)
    cdef hang_up(self, Pipe pipe)
    @cython.locals(pipe=Pipe, parts=list)
    cpdef bint send(self, message) except -1
    @cython.locals(pipe=Pipe, parts=list)
    cpdef recv(self)
    cpdef bint has_in(self) except -1
    @cython.locals(pipe=Pipe)
    cpdef bint has_out(self) except -1
    cpdef Py_ssize_t count_in_hand(self) except -1
    cpdef bint set_option(self, int option, value) except -1
