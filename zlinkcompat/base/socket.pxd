from zlinkcompat.base.context cimport Context
from zlinkcompat.base.frame cimport Frame
from zlinkcompat.core.socket cimport SocketBase


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
