from zlinkcompat._backend.frame_buffer cimport Exporter

cimport cython

cdef int MORE
cdef int SRCFD
cdef int SHARED


cdef class Frame(Exporter):
    cdef public bint more
    cdef public object tracker
    cdef public object metadata
    cdef object data
    cdef object view
    cdef object __weakref__

    @cython.locals(other=Frame)
    cpdef fast_copy(self)
    cpdef hold(self, memory)
    cpdef take(self, content)
    cpdef message_property(self, name)
