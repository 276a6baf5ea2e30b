from zlinkcompat._runtime.clock cimport monotonic_ns
from zlinkcompat.routing.counts cimport CountedEnd
from zlinkcompat.routing.mailbox cimport Mailbox
from zlinkcompat.routing.message_queue cimport MessageQueue

cimport cython


cdef class PipeSink:
    cpdef read_activated(self, Pipe pipe)
    cpdef write_activated(self, Pipe pipe)
    cpdef bint try_flush_inline(self, Pipe pipe) except -1
    cpdef bint room_made(self, Pipe pipe) except -1
    cpdef pipe_terminated(self, Pipe pipe)
    cpdef hiccuped(self, Pipe pipe)
    cpdef flow_stopped(self, Pipe pipe)
    cpdef on_protocol_violation(self, Pipe pipe, text)
    cpdef int try_read(self, Pipe pipe) except -2


# Only the owner of an end writes its fields. The other end posts to the owner's mailbox. Here and
# not in a file of its own, because a base class cannot name the type of its peer otherwise.
cdef class PipeEnd(CountedEnd):
    cdef readonly MessageQueue inq, outq
    cdef public Pipe peer
    cdef public PipeSink sink
    cdef readonly bint closed
    cdef public bint peer_closed
    cdef bint peer_notified
    cdef public Mailbox mailbox

    cpdef post_to_owner(self, function, tuple args=*)
    cpdef post_readable(self)
    cpdef post_writable(self)
    cpdef activate_read(self)
    cpdef activate_write(self)
    cpdef peer_terminated(self)
    cpdef replace_output(self, MessageQueue queue)
    cpdef peer_reported_violation(self, text)
    cpdef terminate(self)
    @cython.locals(received=MessageQueue, kept=MessageQueue)
    cpdef close_output(self)
    # ``peer`` is typed as a PipeEnd where one of its methods is passed on: of a method that Pipe
    # inherits, Cython would pass the C function alone.
    @cython.locals(peer=PipeEnd)
    cdef notify_peer(self)
    @cython.locals(queue=MessageQueue, peer=PipeEnd)
    cpdef hiccup(self)
    @cython.locals(peer=PipeEnd)
    cpdef report_violation(self, text)
    @cython.locals(queue=MessageQueue, commands=cython.longlong, before=cython.longlong,
                   lost=cython.longlong)
    cpdef discard_input(self)
    cpdef str why_unread(self)
    @cython.locals(queue=MessageQueue, commands=cython.longlong, lost=cython.longlong)
    cpdef discard_output(self)
    cpdef count_refused(self)
    cdef count_conflated(self, MessageQueue queue)
    @cython.locals(near=PipeEnd, far=PipeEnd)
    cdef retire(self)
    cdef watch_full(self)
    @cython.locals(queue=MessageQueue)
    cpdef note_stopped(self)
    @cython.locals(sink=PipeSink)
    cpdef watch_flow(self)


@cython.final
cdef class Pipe(PipeEnd):
    cdef public bint locally_initiated
    cdef public bint named
    cdef public bytes routing_id
    cdef public object metadata
    cdef public object endpoint

    @cython.locals(queue=MessageQueue)
    cpdef bint check_read(self) except -1
    @cython.locals(queue=MessageQueue)
    cpdef read(self)
    @cython.locals(queue=MessageQueue)
    cpdef discard(self, Py_ssize_t count)
    cpdef give_up_first(self, str reason)
    @cython.locals(queue=MessageQueue)
    cdef acknowledge(self)
    @cython.locals(sink=PipeSink)
    cdef wake_writer(self, Pipe end)
    @cython.locals(peer=Pipe, sink=PipeSink)
    cpdef int try_read(self) except -2
    cpdef bint check_write(self) except -1
    @cython.locals(queue=MessageQueue)
    cpdef bint write(self, message) except -1
    @cython.locals(queue=MessageQueue)
    cpdef bint send(self, message) except -1
    cpdef write_unbounded(self, message)
    cpdef write_command(self, command)
    @cython.locals(queue=MessageQueue, peer=Pipe, sink=PipeSink)
    cpdef flush(self)
    cpdef set_conflate(self, bint received, bint sent)
    @cython.locals(end=Pipe, queue=MessageQueue)
    cpdef set_high_water_marks(self, Py_ssize_t out, Py_ssize_t back)


cdef MessageQueue make_queue(long long hwm, bint crosses, long long limit=*)


@cython.locals(forth=MessageQueue, back=MessageQueue, a=Pipe, b=Pipe)
cpdef tuple pipe_pair(long long hwm_a_to_b, long long hwm_b_to_a, bint crosses=*,
                      long long bytes_a_to_b=*, long long bytes_b_to_a=*)
