"""The buffer protocol for Frame, which only a compiled class can have before Python 3.12."""

from cpython.buffer cimport (
    PyBUF_SIMPLE,
    PyBuffer_FillInfo,
    PyBuffer_Release,
    PyObject_GetBuffer,
)
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF


cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(PyObject*)


cdef struct Export:
    # What one view of a frame keeps alive.
    Py_buffer source
    PyObject* holder


cdef class Exporter:
    """Whose buffer is its content's: bytes, or a holder with a ``buffer``."""

    def __getbuffer__(self, Py_buffer* view, int flags):
        # The frame may get other content while this view is out (``__init__`` again, ``take``), and
        # a user may try to release the holder's own memoryview. So each view holds the memory for
        # itself, and the holder as well, whose end completes the tracker.
        cdef Export* export
        if type(self.content) is bytes:
            self.content = self.hold(self.release())
        holder = self.content
        export = <Export*>PyMem_Malloc(sizeof(Export))
        if export is NULL:
            raise MemoryError
        try:
            PyObject_GetBuffer(holder.buffer, &export.source, PyBUF_SIMPLE)
        except BaseException:
            PyMem_Free(export)
            raise
        try:
            PyBuffer_FillInfo(view, self, export.source.buf, export.source.len,
                              export.source.readonly, flags)
        except BaseException:
            PyBuffer_Release(&export.source)
            PyMem_Free(export)
            raise
        export.holder = <PyObject*>holder
        Py_INCREF(holder)
        view.internal = export

    def __releasebuffer__(self, Py_buffer* view):
        cdef Export* export = <Export*>view.internal
        holder = <object>export.holder
        PyBuffer_Release(&export.source)
        PyMem_Free(export)
        # Last: dropping the holder completes the tracker, which may run code of the program.
        Py_DECREF(holder)

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

    def __cinit__(self, bytes data not None):
        # Not __init__, which can be called again while a view reads this memory.
        self.data = data

    def __getbuffer__(self, Py_buffer* view, int flags):
        PyBuffer_FillInfo(view, self, PyBytes_AS_STRING(self.data), PyBytes_GET_SIZE(self.data), 0,
                          flags)
