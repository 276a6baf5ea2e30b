cdef int NOBLOCK


cdef class MessageMethods:
    # Without fields and cdef methods, so that it can be a base beside the compiled socket.
    pass
