from zlinkcompat.routing.pipe cimport Pipe
from zlinkcompat.routing.router cimport Router

cimport cython


cdef class Stream(Router):
    cpdef bint attach(self, Pipe pipe) except -1
    @cython.locals(pipe=Pipe)
    cpdef bint begin(self, frame) except -1
    cpdef bint send(self, message) except -1
    cpdef bint set_option(self, int option, value) except -1
