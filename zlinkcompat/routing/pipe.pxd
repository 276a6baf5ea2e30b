from zlinkcompat.routing.mailbox cimport Mailbox

cimport cython


cdef Py_ssize_t ROOM_MAX


cdef class PipeSink:
    cpdef read_activated(self, Pipe pipe)
    cpdef write_activated(self, Pipe pipe)
    cpdef bint try_flush_inline(self, Pipe pipe) except -1
    cpdef bint room_made(self, Pipe pipe) except -1
    cpdef pipe_terminated(self, Pipe pipe)
    cpdef hiccuped(self, Pipe pipe)
    cpdef on_protocol_violation(self, Pipe pipe, text)
    cpdef int try_read(self, Pipe pipe) except -2


# One thread writes and one thread reads: docs/internals/threading.md. The counters are signed on
# purpose: after a late acknowledgement a difference may be negative. An unsigned difference would
# wrap and block the pipe permanently, but only in the compiled build.
cdef class MessageQueue:
    # The writer writes these. The reader clears slots of the ring.
    cdef list ring
    cdef Py_ssize_t mask
    cdef readonly long long tail
    # The reader writes these.
    cdef readonly long long head, acked
    cdef public Py_ssize_t held
    # One side sets its flag before it sleeps, and the side that wakes it clears the flag.
    cdef public bint reader_waits, writer_waits
    # The owner of the socket writes these.
    cdef readonly long long hwm, lwm, limit
    cdef bint conflates

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


# Only the owner of this end writes its fields. The other end posts to the owner's mailbox.
@cython.final
cdef class Pipe:
    cdef readonly MessageQueue inq, outq
    cdef public Pipe peer
    cdef public PipeSink sink
    cdef readonly bint closed
    cdef public bint peer_closed
    cdef bint peer_notified
    cdef public bint locally_initiated
    cdef public bint named
    cdef public bytes routing_id
    cdef public object metadata
    cdef public object endpoint
    cdef public Mailbox mailbox

    cpdef post_to_owner(self, function, tuple args=*)
    cpdef post_readable(self)
    cpdef post_writable(self)
    cpdef activate_read(self)
    cpdef activate_write(self)
    cpdef peer_terminated(self)
    cpdef replace_output(self, MessageQueue queue)
    cpdef peer_reported_violation(self, text)
    @cython.locals(queue=MessageQueue)
    cpdef bint check_read(self) except -1
    @cython.locals(queue=MessageQueue)
    cpdef read(self)
    @cython.locals(queue=MessageQueue)
    cpdef discard(self, Py_ssize_t count)
    @cython.locals(queue=MessageQueue)
    cdef acknowledge(self)
    @cython.locals(sink=PipeSink)
    cdef wake_writer(self, Pipe end)
    cpdef bint check_write(self) except -1
    @cython.locals(queue=MessageQueue)
    cpdef bint write(self, message) except -1
    @cython.locals(queue=MessageQueue)
    cpdef bint send(self, message) except -1
    cpdef write_unbounded(self, message)
    @cython.locals(queue=MessageQueue, peer=Pipe, sink=PipeSink)
    cpdef flush(self)
    @cython.locals(peer=Pipe, sink=PipeSink)
    cpdef int try_read(self) except -2
    cpdef terminate(self)
    @cython.locals(received=MessageQueue, kept=MessageQueue)
    cpdef close_output(self)
    @cython.locals(peer=Pipe)
    cdef notify_peer(self)
    cpdef set_conflate(self, bint received, bint sent)
    @cython.locals(end=Pipe, queue=MessageQueue)
    cpdef set_high_water_marks(self, Py_ssize_t out, Py_ssize_t back)
    @cython.locals(queue=MessageQueue)
    cpdef hiccup(self)
    cpdef report_violation(self, text)


cdef MessageQueue make_queue(long long hwm, bint crosses, long long limit=*)


@cython.locals(forth=MessageQueue, back=MessageQueue, a=Pipe, b=Pipe)
cpdef tuple pipe_pair(long long hwm_a_to_b, long long hwm_b_to_a, bint crosses=*,
                      long long bytes_a_to_b=*, long long bytes_b_to_a=*)
