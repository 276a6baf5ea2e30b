from zlinkcompat.routing.fair_queue cimport FairQueue
from zlinkcompat.routing.pattern cimport Pattern
from zlinkcompat.routing.pipe cimport Pipe


cdef class Pull(Pattern):
    cdef FairQueue queue

    cpdef bint attach(self, Pipe pipe) except -1
    cpdef detach(self, Pipe pipe)
    cpdef read_activated(self, Pipe pipe)
    cpdef bint begin(self, frame) except -1
    cpdef recv(self)
    cpdef bint has_in(self) except -1
