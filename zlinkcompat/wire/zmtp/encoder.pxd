from zlinkcompat._runtime.counters cimport Counters
from zlinkcompat.tuning cimport Tuning
from zlinkcompat.wire.zmtp.buffers cimport iovec


cdef enum:
    # The maximum of buffers in one write, and of messages in one batch.
    VECTOR_MAX = 64
    BATCH_MAX = 1024


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
