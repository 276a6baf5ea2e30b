from zlinkcompat.routing.pipe cimport Pipe

cimport cython


cdef class ActivePipes:
    cdef list pipes
    cdef dict slots
    cdef Py_ssize_t active, current
    cdef readonly Pipe last

    cdef add(self, Pipe pipe)
    @cython.locals(slot=Py_ssize_t)
    cpdef detach(self, Pipe pipe)
    @cython.locals(slot=Py_ssize_t)
    cpdef activated(self, Pipe pipe)
    cdef passivate(self, Py_ssize_t slot)
    @cython.locals(pipe=Pipe, other=Pipe)
    cdef swap(self, Py_ssize_t a, Py_ssize_t b)
