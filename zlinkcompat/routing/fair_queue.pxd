from zlinkcompat.routing.pattern cimport Pattern
from zlinkcompat.routing.pipe cimport Pipe
from zlinkcompat.routing.turns cimport Turns

cimport cython


cdef class FairQueue(Turns):
    cdef Pattern pattern

    cpdef attach(self, Pipe pipe)
    @cython.locals(pipe=Pipe)
    cpdef read(self)
    @cython.locals(pipe=Pipe)
    cpdef bint has_in(self) except -1
