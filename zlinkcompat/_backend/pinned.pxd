cdef class Pinned:
    cdef readonly object buffer
    cdef readonly object event
    cdef object __weakref__
