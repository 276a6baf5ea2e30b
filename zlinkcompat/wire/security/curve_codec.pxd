from zlinkcompat.wire.zmtp.decoder cimport Decoder
from zlinkcompat.wire.zmtp.encoder cimport Encoder
from zlinkcompat.wire.ws.frames cimport ZwsDecoder, ZwsEncoder


cdef class Sealer:
    cdef bytes key
    cdef unsigned char nonce[24]
    cdef unsigned long long next

    cdef int seal_into(self, unsigned char* at, const unsigned char* data, Py_ssize_t size,
                       int flags) except -1
    cdef bytes seal(self, data, int flags)


cdef class Opener:
    cdef bytes key
    cdef unsigned char nonce[24]
    cdef unsigned long long last
    cdef int flags

    cdef bytes open(self, bytes body, bint more, long long position)


cdef class CurveDecoder(Decoder):
    cdef Opener opener


cdef class CurveEncoder(Encoder):
    cdef Sealer sealer
    # Memory that large frames of a batch are encrypted into. An idle connection has none.
    cdef unsigned char* arena
    cdef Py_ssize_t arena_used

    cdef bint add_whole(self, const unsigned char* data, Py_ssize_t size, int flags) except -1
    cdef bint add_long(self, data, Py_ssize_t size, int flags) except -1


cdef class CurveZwsDecoder(ZwsDecoder):
    cdef Opener opener


cdef class CurveZwsEncoder(ZwsEncoder):
    cdef Sealer sealer
