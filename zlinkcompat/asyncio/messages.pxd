cdef int NOBLOCK


cdef class MessageMethods:
    # It has no fields and no cdef methods, so that it can be a base beside the compiled socket.
    pass
