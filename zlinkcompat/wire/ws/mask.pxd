cdef void xor_into(unsigned char* out, const unsigned char* data, Py_ssize_t size,
                   const unsigned char* key, int phase) noexcept nogil
