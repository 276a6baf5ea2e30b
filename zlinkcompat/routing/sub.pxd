from zlinkcompat.routing.xsub cimport XSub


cdef class Sub(XSub):
    cpdef bint send(self, message) except -1
    cpdef bint begin(self, frame) except -1
    cpdef bint has_out(self) except -1
    cpdef bint set_option(self, int option, value) except -1
