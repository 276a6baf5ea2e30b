from zlinkcompat._backend.frame cimport Frame
from zlinkcompat._backend.socket_handle cimport SocketHandle

cimport cython


cdef object plain_send
cdef object plain_recv


cdef class Socket(SocketHandle):
    cdef public bint _has_own_methods
    cdef public Py_ssize_t copy_threshold
    cdef object frame_class

    cdef bint overrides_send(self)
    cdef bint overrides_recv(self)
    cdef send_by_frames(self, msg_parts, flags, copy, track)
    cdef list recv_by_frames(self, flags, copy, track)
    @cython.locals(frames=list)
    cdef send_whole(self, msg_parts, flags, bint copy, bint track)
    @cython.locals(frames=list, last=Py_ssize_t, index=Py_ssize_t)
    cdef list recv_whole(self, flags, bint copy, bint track)
    cdef tuple to_content(self, data, bint copy, bint track)
    cdef to_frame(self, content, track, bint more)
    cpdef choose_frame_class(self)
