from zlinkcompat.routing.load_balancer cimport LoadBalancer
from zlinkcompat.routing.pattern cimport Pattern
from zlinkcompat.routing.pipe cimport Pipe


cdef class Push(Pattern):
    cdef LoadBalancer balancer

    cpdef bint attach(self, Pipe pipe) except -1
    cpdef detach(self, Pipe pipe)
    cpdef pipe_terminated(self, Pipe pipe)
    cpdef write_activated(self, Pipe pipe)
    cpdef bint send(self, message) except -1
    cpdef check_may_receive(self)
    cpdef finish(self, list message)
    cpdef bint has_out(self) except -1
