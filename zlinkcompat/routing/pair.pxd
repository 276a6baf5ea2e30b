from zlinkcompat.routing.pattern cimport Pattern
from zlinkcompat.routing.pipe cimport Pipe

cimport cython


cdef class Pair(Pattern):
    cdef Pipe pipe

    cpdef bint attach(self, Pipe pipe) except -1
    cpdef detach(self, Pipe pipe)
    @cython.locals(pipe=Pipe)
    cpdef bint send(self, message) except -1
    @cython.locals(pipe=Pipe)
    cpdef finish(self, list message)
    @cython.locals(pipe=Pipe)
    cpdef recv(self)
    @cython.locals(pipe=Pipe)
    cpdef bint has_in(self) except -1
    cpdef bint has_out(self) except -1
