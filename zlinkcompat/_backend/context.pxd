cdef class Context:
    cdef readonly object core
    cdef public bint closed, _shadow
    cdef public object _pid
    cdef object __weakref__
