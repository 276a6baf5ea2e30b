from zlinkcompat.routing.pipe cimport Pipe
from zlinkcompat.routing.active_pipes cimport ActivePipes

cimport cython


@cython.final
cdef class LoadBalancer(ActivePipes):
    cpdef attach(self, Pipe pipe)
    @cython.locals(pipe=Pipe, slot=Py_ssize_t)
    cpdef bint write(self, message) except -1
    @cython.locals(pipe=Pipe)
    cpdef bint finish(self, message) except -1
    @cython.locals(pipe=Pipe)
    cpdef bint has_out(self) except -1
