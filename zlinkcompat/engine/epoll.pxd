cdef enum:
    READY_MAX = 64


cdef struct Ready:
    int fd
    unsigned int events


cdef class Epoll:
    cdef readonly int fd
    cdef int count
    cdef Ready ready[READY_MAX]

    cpdef change(self, int fd, unsigned int before, unsigned int mask)
    cpdef int wait(self) except -1
    cpdef bint has_ready(self) except -1
    cpdef int fd_at(self, int index) except -2
    cpdef unsigned int events_at(self, int index) except? 0
    cpdef close(self)
