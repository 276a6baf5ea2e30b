"""The buffer protocol for Frame, which only a compiled class can have before Python 3.12."""

from cpython.buffer cimport PyObject_GetBuffer


cdef class Exporter:
    """Whose buffer is its content's: bytes, or a holder with a ``buffer``."""

    def __getbuffer__(self, Py_buffer* view, int flags):
        # The view's owner is then the content: it lives as long as the view.
        content = self.content
        PyObject_GetBuffer(content if type(content) is bytes else content.buffer, view, flags)
