from zlinkcompat.transports.bytestream cimport ByteStream
from zlinkcompat.wire.zmtp.decoder cimport Decoder
from zlinkcompat.wire.zmtp.encoder cimport Encoder


cdef class SocketStream(ByteStream):
    cpdef Py_ssize_t read_into(self, Decoder decoder) except -2
    cpdef Py_ssize_t write_from(self, Encoder encoder) except -2
    cdef Py_ssize_t receive(self, memory) except -2
    cdef Py_ssize_t transmit(self, data, Py_ssize_t start) except -2
    cpdef bint has_ended(self) except -1
    cpdef close(self)
