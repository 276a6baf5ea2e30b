from zlinkcompat.routing.pull cimport Pull
from zlinkcompat.routing.pipe cimport Pipe

cimport cython


cdef class Rep(Pull):
    cdef object request
    cdef Pipe request_pipe
    cdef list envelope
    cdef bint sends_reply

    cpdef check_may_receive(self)
    cpdef recv(self)
    @cython.locals(skipped=Py_ssize_t)
    cpdef bint has_in(self) except -1
    @cython.locals(count=Py_ssize_t, index=Py_ssize_t)
    cdef open_envelope(self, list parts)
    cpdef bint begin(self, frame) except -1
    @cython.locals(reply=list, pipe=Pipe)
    cpdef bint send(self, message) except -1
    cpdef Py_ssize_t count_in_hand(self) except -1
    cpdef bint has_out(self) except -1
    cpdef detach(self, Pipe pipe)
