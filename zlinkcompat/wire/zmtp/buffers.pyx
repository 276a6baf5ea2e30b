"""What the two halves of the frame codec share: the flags of a frame, and a pool of buffers.

``buffers.py`` is its pure-Python fallback.
"""

from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc

from zlinkcompat import tuning

cdef enum:
    POOL_MAX = 32

cdef Py_ssize_t BUFFER_SIZE = max(16384, tuning.get("read_buffer"))
# An incomplete frame below this size waits in the read buffer, which must have room for it.
cdef Py_ssize_t INLINE_MAX = BUFFER_SIZE // 4

# Free buffers, shared by all codecs, because an idle connection holds none.
cdef unsigned char* pool[POOL_MAX]
cdef int pool_count = 0


cdef unsigned char* acquire_buffer() except NULL:
    global pool_count
    cdef unsigned char* buffer
    if pool_count > 0:
        pool_count -= 1
        return pool[pool_count]
    buffer = <unsigned char*>PyMem_RawMalloc(BUFFER_SIZE)
    if buffer == NULL:
        raise MemoryError
    return buffer


cdef void release_buffer(unsigned char* buffer) noexcept:
    global pool_count
    if pool_count < POOL_MAX:
        pool[pool_count] = buffer
        pool_count += 1
    else:
        PyMem_RawFree(buffer)
