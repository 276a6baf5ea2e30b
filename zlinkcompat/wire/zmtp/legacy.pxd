from zlinkcompat.wire.zmtp.decoder cimport Decoder
from zlinkcompat.wire.zmtp.encoder cimport Encoder


cdef class DecoderV1(Decoder):
    pass


cdef class DecoderV2(Decoder):
    pass


cdef class EncoderV1(Encoder):
    pass
