from zlinkcompat.routing.dealer cimport Dealer
from zlinkcompat.routing.pipe cimport Pipe

cimport cython


cdef class Req(Dealer):
    cdef bint awaits_reply, correlate
    cdef readonly bint relaxed
    cdef Pipe reply_pipe
    cdef object reply
    cdef unsigned int request_number

    cpdef read_activated(self, Pipe pipe)
    cpdef bint begin(self, frame) except -1
    cpdef bint send(self, message) except -1
    cpdef finish(self, list message)
    @cython.locals(envelope=list, taken=bint, waiting=Py_ssize_t)
    cdef bint request(self, message, bint begun) except -1
    cpdef check_may_receive(self)
    cpdef recv(self)
    @cython.locals(skipped=Py_ssize_t)
    cpdef bint has_in(self) except -1
    @cython.locals(parts=list, start=Py_ssize_t)
    cdef accept_reply(self, message, Pipe pipe)
    cpdef bint has_out(self) except -1
    cpdef disconnect(self, Pipe pipe)
    cpdef detach(self, Pipe pipe)
    cpdef Py_ssize_t count_in_hand(self) except -1
    cpdef bint set_option(self, int option, value) except -1
