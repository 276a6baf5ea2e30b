from zlinkcompat._runtime.counters cimport Counters
from zlinkcompat.tuning cimport Tuning
from zlinkcompat.wire.zmtp.buffers cimport iovec


cdef enum:
    # After a large frame of this size, only the next header is read (Decoder.begin_body). Smaller
    # frames are read several at a time and copied, because a system call for each costs more.
    HEADER_READ_FROM = 32768


cdef class Decoder:
    cdef unsigned char* buffer
    cdef Py_ssize_t head, tail
    cdef Py_ssize_t read_size, max_read_size, large
    cdef Tuning tuning
    cdef readonly Counters counters
    cdef object body
    cdef Py_ssize_t body_size, body_filled, body_room
    cdef int body_flags
    cdef list parts
    cdef readonly bint is_command
    cdef readonly long long position
    cdef long long max_size
    cdef public long long max_command, max_unfinished
    cdef long long unfinished
    cdef public bint commands_only
    # True for this class itself, and not for a derived codec.
    cdef bint plain

    cpdef bint is_receiving_body(self) except -1
    cdef int reserve(self, iovec* vector) except -1
    cdef bint wants_compaction(self)
    cpdef take_over(self, Decoder other)
    cpdef commit(self, Py_ssize_t count)
    cpdef use_full_read_size(self)
    cpdef read_exactly(self, Py_ssize_t count)
    cpdef bytes peek(self, Py_ssize_t count)
    cpdef next(self)
    cpdef list next_batch(self, Py_ssize_t most)
    cpdef release_if_empty(self)
    cpdef discard(self)
    cpdef parse_command(self, bytes body)
    cpdef set_max_size(self, long long max_size)
    cdef int check_command(self, unsigned long long size, bint more) except -1
    cdef int refuse_message(self) except -1
    cdef finish(self, object frame, int flags)
    cdef int append_part(self, object frame) except -1
    cdef begin_body(self, Py_ssize_t size, int flags)
    cdef take_body(self)
    cdef int grow_body(self) except -1


cdef class RawDecoder(Decoder):
    pass
