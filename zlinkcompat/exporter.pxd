cdef class Exporter:
    cdef readonly object content
