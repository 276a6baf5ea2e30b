from zlinkcompat.core.socket cimport SocketBase
from zlinkcompat.exporter cimport Exporter

cimport cython

cdef int MORE
cdef int SRCFD
cdef int SHARED
cdef long long INT_MIN, INT_MAX


cdef class Pinned:
    cdef readonly object buffer
    cdef readonly object event
    cdef object __weakref__


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


cdef class Socket:
    cdef public object context
    cdef readonly SocketBase core
    cdef public bint _closed, _shadow
    cdef public object _pid
    cdef public Py_ssize_t copy_threshold
    cdef object frame_class
    cdef object __weakref__

    cdef live(self)
    cdef tuple to_content(self, data, bint copy, bint track)
    cdef to_frame(self, content, track, bint more)
    cpdef choose_frame_class(self)


cdef class Context:
    cdef readonly object core
    cdef public bint closed, _shadow
    cdef public object _pid
    cdef object __weakref__
