from zlinkcompat.routing.pipe cimport Pipe

cimport cython


cdef class LoadBalancer:
    cdef list pipes
    cdef Py_ssize_t active, current
    cdef readonly Pipe last

    cpdef attach(self, Pipe pipe)
    @cython.locals(slot=Py_ssize_t)
    cpdef detach(self, Pipe pipe)
    cpdef activated(self, Pipe pipe)
    cdef passivate(self, Py_ssize_t slot)
    @cython.locals(pipe=Pipe, other=Pipe)
    cdef swap(self, Py_ssize_t a, Py_ssize_t b)
    @cython.locals(pipe=Pipe)
    cpdef bint write(self, message) except -1
    @cython.locals(pipe=Pipe)
    cpdef bint has_out(self) except -1
