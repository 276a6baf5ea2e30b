from zlinkcompat.routing.fair_queue cimport FairQueue
from zlinkcompat.routing.load_balancer cimport LoadBalancer
from zlinkcompat.routing.pattern cimport Pattern
from zlinkcompat.routing.pipe cimport Pipe


cdef class Dealer(Pattern):
    cdef FairQueue queue
    cdef LoadBalancer balancer
    cdef bint probe

    cpdef bint attach(self, Pipe pipe) except -1
    cpdef detach(self, Pipe pipe)
    cpdef read_activated(self, Pipe pipe)
    cpdef write_activated(self, Pipe pipe)
    cpdef bint send(self, message) except -1
    cpdef finish(self, list message)
    cpdef recv(self)
    cpdef bint has_in(self) except -1
    cpdef bint has_out(self) except -1
    cpdef bint set_option(self, int option, value) except -1
