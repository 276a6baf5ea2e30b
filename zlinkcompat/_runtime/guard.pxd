cimport cython


@cython.final
cdef class Guard:
    # Whoever enters sets it, without releasing the GIL between the test and the change.
    cdef readonly bint held

    # These are inline, because a guard is entered for each read and each batch.
    cdef inline bint try_enter(self) except -1:
        if self.held:
            return False
        self.held = True
        return True

    cdef inline int exit(self) except -1:
        self.held = False
        return 0
