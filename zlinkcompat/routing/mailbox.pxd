cdef class Mailbox:
    cdef readonly object commands
    cdef readonly bint pending

    cpdef post(self, function, tuple args=*)
    cpdef alert(self)
    cpdef process(self)
