from zlinkcompat.routing.fair_queue cimport FairQueue
from zlinkcompat.routing.pattern cimport Pattern
from zlinkcompat.routing.pipe cimport Pipe
from zlinkcompat.routing.trie cimport Trie

cimport cython


cdef class XSub(Pattern):
    cdef FairQueue queue
    cdef Trie subscriptions
    cdef public bint filters
    cdef bint only_first, inverts
    cdef object fetched

    cpdef bint attach(self, Pipe pipe) except -1
    cpdef detach(self, Pipe pipe)
    cpdef read_activated(self, Pipe pipe)
    cpdef hiccuped(self, Pipe pipe)
    cdef tell_subscriptions(self, Pipe pipe)
    cpdef bint send(self, message) except -1
    cdef process_frame(self, frame)
    cdef note(self, bytes data)
    cpdef subscribe(self, bytes topic)
    cpdef cancel(self, bytes topic)
    @cython.locals(pipe=Pipe)
    cdef tell_all(self, command)
    @cython.locals(pipe=Pipe)
    cdef send_to_all(self, message)
    @cython.locals(skipped=Py_ssize_t)
    cpdef recv(self)
    @cython.final
    @cython.locals(matches=bint)
    cdef bint wants(self, message) except -1
    cpdef bint has_in(self) except -1
    cpdef bint has_out(self) except -1
    cpdef Py_ssize_t count_in_hand(self) except -1
    cpdef bint set_option(self, int option, value) except -1
    cpdef get_option(self, int option)
