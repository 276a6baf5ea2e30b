from zlinkcompat.routing.pipe cimport MessageQueue

cimport cython


cdef class SizedQueue(MessageQueue):
    cdef object sizes
    cdef long long bytes_in, bytes_out, bytes_acked

    @cython.locals(size=Py_ssize_t)
    cpdef push(self, message)
    @cython.locals(halved=bint)
    cpdef pop(self)
    cpdef bint has_room(self)
    cpdef clear(self)


@cython.locals(size=Py_ssize_t)
cpdef Py_ssize_t message_size(message) except -1
cpdef Py_ssize_t frame_size(frame) except -1
