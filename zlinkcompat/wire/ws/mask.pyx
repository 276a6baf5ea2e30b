"""Masking of WebSocket payloads (RFC 6455, 5.3). ``mask.py`` is its pure-Python fallback."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.string cimport memcpy

cdef extern from *:
    """
    /* Process eight bytes at a time; the compiler vectorizes it. Payloads are not aligned. */
    static void xor_octets(unsigned char* out, const unsigned char* data, Py_ssize_t size,
                           const unsigned char* key, int phase)
    {
        unsigned char turned[8];
        unsigned long long wide, word;
        Py_ssize_t i;
        for (i = 0; i < 8; i++) turned[i] = key[(phase + i) & 3];
        memcpy(&wide, turned, 8);
        for (i = 0; i + 8 <= size; i += 8) {
            memcpy(&word, data + i, 8);
            word ^= wide;
            memcpy(out + i, &word, 8);
        }
        for (; i < size; i++) out[i] = data[i] ^ turned[i & 7];
    }
    """
    void xor_octets(unsigned char* out, const unsigned char* data, Py_ssize_t size,
                    const unsigned char* key, int phase) noexcept nogil


cdef void xor_into(unsigned char* out, const unsigned char* data, Py_ssize_t size,
                   const unsigned char* key, int phase) noexcept nogil:
    xor_octets(out, data, size, key, phase)


def masked(data, bytes key, int phase=0):
    """Mask ``data`` (any buffer) with ``key`` (4 bytes), starting at byte ``phase`` of the key.

    Masking twice returns the original data.
    """
    cdef Py_buffer view
    cdef bytes result
    if len(key) != 4:
        raise ValueError("a masking key must have 4 bytes")
    # Not a typed memoryview: its support code is four times as large as this module.
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        result = PyBytes_FromStringAndSize(NULL, view.len)
        xor_octets(<unsigned char*>PyBytes_AS_STRING(result), <const unsigned char*>view.buf,
                   view.len, <const unsigned char*>PyBytes_AS_STRING(key), phase)
    finally:
        PyBuffer_Release(&view)
    return result
