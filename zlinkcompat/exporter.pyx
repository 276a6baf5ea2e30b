"""The buffer protocol for Frame, which only a compiled class can have before Python 3.12."""

from cpython.buffer cimport (
    PyBUF_SIMPLE,
    PyBuffer_FillInfo,
    PyBuffer_Release,
    PyObject_GetBuffer,
)
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.object cimport PyObject


cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(PyObject*)


cdef class Exporter:
    """Whose buffer is its content's: bytes, or a holder with a ``buffer``."""

    def __getbuffer__(self, Py_buffer* view, int flags):
        # The view's owner is this object, which keeps its content as long as the view lives.
        cdef Py_buffer source
        if type(self.content) is bytes:
            self.content = self.hold(self.release())
        PyObject_GetBuffer(self.content.buffer, &source, PyBUF_SIMPLE)
        try:
            PyBuffer_FillInfo(view, self, source.buf, source.len, source.readonly, flags)
        finally:
            PyBuffer_Release(&source)

    cdef release(self):
        """Its bytes as memory that may be written to: a copy if anyone else has them."""
        if Py_REFCNT(<PyObject*>self.content) > 1:
            return bytearray(self.content)
        return Memory(self.content)

    cpdef hold(self, memory):
        raise NotImplementedError

    cpdef look(self):
        """A new memoryview of the content."""
        return memoryview(self)


cdef class Memory:
    """The memory of bytes that are nobody else's."""

    cdef bytes data

    def __init__(self, bytes data):
        self.data = data

    def __getbuffer__(self, Py_buffer* view, int flags):
        PyBuffer_FillInfo(view, self, PyBytes_AS_STRING(self.data), PyBytes_GET_SIZE(self.data), 0,
                          flags)
