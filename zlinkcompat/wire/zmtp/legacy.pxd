from zlinkcompat.wire.zmtp.frames cimport Decoder, Encoder


cdef class DecoderV1(Decoder):
    pass


cdef class DecoderV2(Decoder):
    pass


cdef class EncoderV1(Encoder):
    pass
