from zlinkcompat._runtime.counters cimport Counters
from zlinkcompat.tuning cimport Tuning

cdef extern from "<sys/uio.h>" nogil:
    struct iovec:
        void* iov_base
        size_t iov_len


cdef enum:
    # The maximum of buffers in one write, and of messages in one batch.
    VECTOR_MAX = 64
    BATCH_MAX = 1024
    # After a large frame of this size, only the next header is read (Decoder.begin_body). Smaller
    # frames are read several at a time and copied, because a system call for each costs more.
    HEADER_READ_FROM = 32768


# Shared with the derived codecs.
cdef Py_ssize_t BUFFER_SIZE
cdef Py_ssize_t INLINE_MAX


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


# The batch that is being written. It is most of an encoder's memory, so an idle encoder has none.
cdef struct Batch:
    iovec parts[VECTOR_MAX]
    Py_buffer pins[VECTOR_MAX]
    int pinned_parts[VECTOR_MAX]
    long long ends[BATCH_MAX]


cdef class Encoder:
    cdef public int minor
    cdef bint raw, plain
    cdef public Py_ssize_t accepted
    cdef Batch* batch
    cdef unsigned char* buffer
    cdef Py_ssize_t used
    cdef readonly Py_ssize_t pending
    cdef int first_part, part_count
    cdef bint run_open
    cdef int first_pin, pin_count
    cdef int first_end, end_count
    cdef long long added, written, started
    cdef Py_ssize_t open_frame
    cdef readonly Py_ssize_t open_offset
    cdef Tuning tuning
    cdef readonly Counters counters
    cdef bint open_written

    cpdef bint add(self, message) except -1
    cpdef bint add_all(self, list messages) except -1
    cdef int add_short(self, list messages) except -1
    cpdef add_control(self, bytes data)
    cpdef Py_ssize_t advance(self, Py_ssize_t count) except -1
    cpdef reset(self)
    cdef int fill_vector(self, iovec* vector, int room) except -1
    cdef bint add_frame(self, frame, int flags) except -1
    cdef bint add_copy(self, const unsigned char* data, Py_ssize_t size, int flags) except -1
    cdef bint add_large(self, data, Py_ssize_t size, int flags) except -1
    cdef bint add_pinned(self, data, Py_ssize_t size, int flags) except -1
    cdef bint add_ready(self, bytes data) except -1
    cdef int put(self, const unsigned char* data, Py_ssize_t size) except -1
    cdef int put_header(self, Py_ssize_t size, int flags) except -1
    cdef clear(self)


cdef class RawEncoder(Encoder):
    pass
