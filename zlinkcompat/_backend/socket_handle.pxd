from zlinkcompat._backend.context cimport Context
from zlinkcompat.core.socket cimport CoreSocket


cdef class SocketHandle:
    cdef public object context
    cdef readonly CoreSocket core
    cdef public bint _closed, _shadow
    cdef public object _pid
    cdef object __weakref__

    cdef live(self)
