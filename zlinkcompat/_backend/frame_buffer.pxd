cdef class Exporter:
    cdef readonly object content

    cdef release(self)
    cpdef hold(self, memory)
    cpdef look(self)
