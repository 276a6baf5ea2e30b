cimport cython


cdef Py_ssize_t ROOM_MAX
cdef long long MARK_INTERVAL
cdef Py_ssize_t MARKS_MAX
cdef long long MARKS_PRECISION


# One thread writes and one thread reads: docs/internals/threading.md. The counters are signed on
# purpose: after a late acknowledgement a difference may be negative. An unsigned difference would
# wrap and block the pipe permanently, but only in the compiled build.
cdef class MessageQueue:
    # The writer writes these. The reader clears slots of the ring.
    cdef list ring
    cdef Py_ssize_t mask
    cdef readonly long long tail, conflated
    # The reader writes these.
    cdef readonly long long head, acked
    cdef public long long cleared
    cdef public Py_ssize_t held
    # One side sets its flag before it sleeps, and the side that wakes it clears the flag.
    cdef public bint reader_waits, writer_waits
    # The owner of the socket writes these.
    cdef readonly long long hwm, lwm, limit
    cdef bint conflates
    # Whoever notices that the flow stops.
    cdef long long marked_upto, marked_at
    cdef list marks

    cpdef set_hwm(self, long long hwm)
    cdef int push(self, message) except -1
    cdef bint offer(self, message) except -1
    cdef int push_all(self, list messages) except -1
    @cython.locals(index=Py_ssize_t)
    cdef pop(self)
    @cython.locals(index=Py_ssize_t)
    cdef int drop(self, Py_ssize_t count) except -1
    cdef peek(self, Py_ssize_t offset)
    @cython.locals(start=Py_ssize_t)
    cdef list first(self, Py_ssize_t offset, Py_ssize_t count)
    cdef bring_forward(self, Py_ssize_t offset)
    cdef bint has_room(self) except -1
    cdef Py_ssize_t room(self) except -1
    cdef forget_old(self)
    cdef clear(self)
    @cython.locals(ring=list, size=Py_ssize_t, count=Py_ssize_t, i=Py_ssize_t)
    cdef grow(self)
    @cython.locals(count=Py_ssize_t, offset=Py_ssize_t)
    cpdef Py_ssize_t command_count(self) except -1
    @cython.locals(count=Py_ssize_t, offset=Py_ssize_t, looked_at=Py_ssize_t, size=Py_ssize_t)
    cpdef Py_ssize_t waiting_bytes(self, Py_ssize_t most) except -1
    @cython.locals(ring=list, index=Py_ssize_t)
    cdef waiting(self, Py_ssize_t offset)
    cpdef bint is_full(self) except -1
    @cython.locals(marks=list, upto=cython.longlong, since=cython.longlong)
    cpdef mark(self, long long now)
    @cython.locals(marks=list)
    cdef forget_marks(self)
    @cython.locals(head=cython.longlong, upto=cython.longlong, since=cython.longlong)
    cpdef long long oldest_waiting(self, long long now) except -1


@cython.locals(kept=list, index=Py_ssize_t, since=cython.longlong)
cdef list thinned(list marks, long long now)
cdef Py_ssize_t content_size(entry) except -1
