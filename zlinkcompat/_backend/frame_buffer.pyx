"""The buffer protocol of Frame, which before Python 3.12 only a compiled class can have."""

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
    # The objects that one view of a frame keeps alive.
    Py_buffer source
    PyObject* holder


cdef class Exporter:
    """Exports the buffer of its content, which is bytes or a holder with a ``buffer``."""

    def __getbuffer__(self, Py_buffer* view, int flags):
        # The frame may get new content while this view exists (``__init__`` again, ``take``), and
        # a user may try to release the holder's own memoryview. So each view holds the memory, and
        # the holder as well, because the tracker is done when the holder is dropped.
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
        # Do this last: dropping the holder completes the tracker, which may run program code.
        Py_DECREF(holder)

    cdef release(self):
        """Return its bytes as writable memory, which is a copy if the bytes have other owners."""
        if Py_REFCNT(<PyObject*>self.content) > 1:
            return bytearray(self.content)
        return Memory(self.content)

    cpdef hold(self, memory):
        raise NotImplementedError

    cpdef look(self):
        """Return a new memoryview of the content."""
        return memoryview(self)


cdef class Memory:
    """The memory of a bytes object that has no other owner."""

    cdef bytes data

    def __cinit__(self, bytes data not None):
        # Not in __init__, which can be called again while a view uses this memory.
        self.data = data

    def __getbuffer__(self, Py_buffer* view, int flags):
        PyBuffer_FillInfo(view, self, PyBytes_AS_STRING(self.data), PyBytes_GET_SIZE(self.data), 0,
                          flags)
