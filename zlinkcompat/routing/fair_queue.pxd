from zlinkcompat.routing.pattern cimport Pattern
from zlinkcompat.routing.pipe cimport Pipe
from zlinkcompat.routing.active_pipes cimport ActivePipes

cimport cython


@cython.final
cdef class FairQueue(ActivePipes):
    cdef Pattern pattern

    cpdef attach(self, Pipe pipe)
    @cython.locals(pipe=Pipe)
    cpdef read(self)
    @cython.locals(pipe=Pipe, index=Py_ssize_t, waiting=Py_ssize_t)
    cpdef Py_ssize_t count(self) except -1
    @cython.locals(pipe=Pipe)
    cpdef bint has_in(self) except -1
