from zlinkcompat.wire.zmtp.decoder cimport Decoder
from zlinkcompat.wire.zmtp.encoder cimport Encoder


cdef class ZwsDecoder(Decoder):
    cdef bint server, raw, final, started, text
    cdef unsigned char key[4]
    cdef int phase, opcode, flags
    # The opcode of the control frame that ``next`` returned and that is not parsed yet; else 0.
    cdef readonly int control
    cdef Py_ssize_t unmasked
    cdef bytearray pieces

    cdef unmask(self)
    cdef begin_frame(self)
    cdef Py_ssize_t read_header(self, Py_ssize_t* body_size) except -1
    cdef int check_start(self, int first, int second, int opcode, Py_ssize_t size) except -1
    cdef int check_size(self, int opcode, unsigned long long size) except -1
    cdef end_frame(self, bytes body)


cdef class ZwsEncoder(Encoder):
    cdef bint client, plain, copies
    cdef int first
    cdef unsigned char mask_key[4]
    cdef bytes keys
    cdef Py_ssize_t next_at
    cdef Py_ssize_t large

    cdef bint add_whole(self, const unsigned char* data, Py_ssize_t size, int flags) except -1
    cdef bint add_long(self, data, Py_ssize_t size, int flags) except -1
    cdef int count_copy(self, Py_ssize_t size) except -1
    cdef int put_start(self, Py_ssize_t size, int flags) except -1
    cdef int next_key(self) except -1
    cdef bytes encode_payload(self, int first, bytes payload)
