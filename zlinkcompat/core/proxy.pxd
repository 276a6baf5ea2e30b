cimport cython

from zlinkcompat.core.socket cimport CoreSocket


cdef int ROUTER
cdef int NOBLOCK
cdef int POLLIN
cdef int POLLOUT
cdef int BURST


cdef class Direction:
    cdef CoreSocket source, sink, capture
    cdef bytes prefix
    cdef bint swaps_ids, blocked
    cdef list unsent
    cdef unsigned long long frames, octets

    cpdef tuple awaits(self)
    @cython.locals(frames=list, frame=object)
    cpdef forward(self)
    cdef bint send(self, list frames) except -1
    cpdef tuple counted(self)
