from zlinkcompat.routing.xpub cimport XPub


cdef class Pub(XPub):
    cpdef check_may_receive(self)
    cpdef recv(self)
    cpdef bint has_in(self) except -1
    cpdef bint set_option(self, int option, value) except -1
