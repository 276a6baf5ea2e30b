from zlinkcompat.routing.pattern cimport Pattern
from zlinkcompat.routing.pipe cimport Pipe
from zlinkcompat.routing.trie cimport Trie

cimport cython


cdef list NO_PIPES


cdef class XPub(Pattern):
    cdef Trie subscriptions, manual_subscriptions
    cdef object pending, overflow
    cdef bint warned
    cdef public bint tells_user
    cdef bint verbose_subscribe, verbose_cancel, manual, only_last, only_first, lossy
    cdef bint inverts
    cdef bytes welcome
    cdef list begun, begun_full
    cdef bint begun_unwanted
    cdef set departed

    cpdef bint attach(self, Pipe pipe) except -1
    cpdef detach(self, Pipe pipe)
    cpdef pipe_terminated(self, Pipe pipe)
    cpdef read_activated(self, Pipe pipe)
    cpdef write_activated(self, Pipe pipe)
    cdef read_subscriptions(self, Pipe pipe)
    @cython.locals(told_by=Trie, held=bint, news=bint)
    cdef bint process_frame(self, Pipe pipe, frame, bint tells) except -1
    cdef bint is_full(self) except -1
    cdef bint notify_user(self, Pipe pipe, message) except -1
    @cython.locals(dropped=Py_ssize_t)
    cdef bint notify(self, Pipe pipe, bytes topic, bint subscribes, Pipe sender,
                     bint held) except -1
    cdef keyed_by(self, Pipe pipe)
    cdef drop(self, Py_ssize_t count)
    @cython.locals(pipe=Pipe, pipes=list)
    cpdef bint begin(self, frame) except -1
    @cython.final
    @cython.locals(pipes=list)
    cdef list match(self, topic)
    @cython.locals(pipe=Pipe, index=Py_ssize_t)
    cdef bint have_room(self, list pipes) except -1
    @cython.locals(pipe=Pipe, pipes=list, copies=bint)
    cpdef finish(self, list message)
    @cython.locals(pipe=Pipe, pipes=list, copies=bint)
    cpdef bint send(self, message) except -1
    cpdef recv(self)
    cpdef bint has_in(self) except -1
    cpdef bint has_out(self) except -1
    @cython.locals(count=Py_ssize_t)
    cpdef Py_ssize_t count_in_hand(self) except -1
    cpdef bint set_option(self, int option, value) except -1
    cpdef get_option(self, int option)
