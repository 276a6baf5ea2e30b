from zlinkcompat.wire.zmtp.decoder cimport Decoder
from zlinkcompat.wire.zmtp.encoder cimport Encoder


cdef class ByteStream:
    cdef public int fd
    cdef public bint buffered
    cdef public bint blocked
    cdef public bint concurrent_read_write

    cpdef begin(self)
    cpdef Py_ssize_t read_into(self, Decoder decoder) except -2
    cpdef Py_ssize_t write_from(self, Encoder encoder) except -2
    cpdef bint has_ended(self) except -1
    cpdef end(self)
    cpdef close(self)
