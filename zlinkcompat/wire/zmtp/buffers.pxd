cdef extern from "<sys/uio.h>" nogil:
    struct iovec:
        void* iov_base
        size_t iov_len


cpdef enum:
    # The flags of a frame.
    MORE = 1
    LONG = 2
    COMMAND = 4
    # The longest header, including that of ZMTP 1 (wire/zmtp/legacy.py).
    HEADER_MAX = 10


cdef Py_ssize_t BUFFER_SIZE
cdef Py_ssize_t INLINE_MAX

cdef unsigned char* acquire_buffer() except NULL
cdef void release_buffer(unsigned char* buffer) noexcept
