from zlinkcompat.routing.message_queue cimport MessageQueue

cimport cython


cdef class SizedQueue(MessageQueue):
    cdef object sizes
    cdef long long bytes_in, bytes_out, bytes_acked

    @cython.locals(size=Py_ssize_t)
    cdef int push(self, message) except -1
    cdef bint offer(self, message) except -1
    cdef int push_all(self, list messages) except -1
    cdef int drop(self, Py_ssize_t count) except -1
    cdef Py_ssize_t room(self) except -1
    @cython.locals(halved=bint)
    cdef pop(self)
    cdef bring_forward(self, Py_ssize_t offset)
    cdef bint has_room(self) except -1
    cdef clear(self)


@cython.locals(size=Py_ssize_t)
cpdef Py_ssize_t message_size(message) except -1
cpdef Py_ssize_t frame_size(frame) except -1
