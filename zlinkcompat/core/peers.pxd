from zlinkcompat.core.state cimport SocketState
from zlinkcompat.routing.pipe cimport Pipe, pipe_pair

cimport cython


cdef int PUB
cdef int SUB
cdef int XPUB
cdef int XSUB
cdef int LAST_READS


@cython.final
cdef class Peers:
    # -- Set when the socket is made. ------------------------------------------------------
    cdef SocketState socket
    cdef object endpoints

    # -- Changed by the thread that uses the socket and by I/O threads. Adding and discarding
    #    are single steps under the GIL. Readers iterate over a copy. ----------------------
    cdef readonly set sessions, listeners
