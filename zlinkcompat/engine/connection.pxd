from zlinkcompat._runtime.clock cimport monotonic_ns
from zlinkcompat._runtime.counters cimport Counters
from zlinkcompat.engine.loop cimport IOLoop
from zlinkcompat.engine.loop_poller cimport LoopPoller
from zlinkcompat.routing.message_queue cimport MessageQueue
from zlinkcompat.routing.pipe cimport Pipe, PipeSink
from zlinkcompat.routing.sized_queue cimport frame_size
from zlinkcompat.transports.bytestream cimport ByteStream
from zlinkcompat.tuning cimport Tuning
from zlinkcompat.wire.zmtp.frames cimport Decoder, Encoder

cimport cython


cdef int HANDSHAKE
cdef int ACTIVE
cdef int DRAINING
cdef int FAILED
cdef int CLOSED
cdef int READ_BURST
cdef long long READ_TIME
cdef long long WRITE_TIME
cdef long long END_CHECK_INTERVAL
cdef Py_ssize_t MESSAGE_BURST
cdef Py_ssize_t COMMAND_BURST
cdef Py_ssize_t CHUNK
cdef bint CALLER_THREAD_IO
cdef unsigned int POLL_IN, POLL_OUT


cdef class Connection(PipeSink):
    cdef readonly IOLoop engine
    cdef readonly ByteStream stream
    cdef readonly object session
    cdef readonly Tuning tuning
    cdef Counters counters
    cdef readonly Decoder decoder
    cdef public Encoder encoder
    cdef readonly Pipe pipe
    cdef readonly int state
    cdef readonly bint handshake_done, partial_write
    cdef readonly object failure
    cdef object greenlet
    cdef readonly bint input_stopped, write_blocked
    cdef bint parked, wake_due, is_batching, concurrent_read_write
    cdef bint reading, writing, flush_requested
    cdef bint read_by_application, has_undecoded, last_read_was_useless, publishes
    cdef object command
    cdef readonly long long bytes_out
    cdef long long end_checked_at
    cdef Py_ssize_t batch_bytes
    cdef long long batch_started_at, measured_upto, burst_id
    cdef list control
    cdef object close_frame
    cdef object heartbeat, write_error
    cdef object read_watcher, write_watcher, pause_timer, poll_timer
    cdef readonly LoopPoller poller
    cdef unsigned int poller_mask
    cdef bint poller_writes

    cpdef park(self)
    cpdef on_protocol_violation(self, Pipe pipe, text)
    cpdef unpark(self)
    cpdef on_fd_readable(self)
    cdef pause_watcher(self)
    cpdef recheck_polling(self)
    cpdef resume_watcher(self)
    cdef watch_input(self)
    cpdef start_watching(self)
    cpdef lend(self)
    cdef update_poller(self)
    cdef end_loan(self)
    cpdef reclaim(self)
    cpdef on_poller_event(self, LoopPoller poller, unsigned int events)
    cdef read_more(self, bint polls)
    cpdef bint room_made(self, Pipe pipe) except -1
    cpdef on_fd_writable(self)
    cpdef fail(self, failure)
    @cython.locals(count=int)
    cpdef int serve_input(self) except -2
    cpdef wake(self)
    cpdef wake_in_loop(self)
    cpdef wake_after_poll(self)
    @cython.locals(count=Py_ssize_t, began=cython.longlong, now=cython.longlong)
    cdef int read_messages(self) except -2
    @cython.locals(decoder=Decoder, pipe=Pipe, queue=MessageQueue, count=Py_ssize_t,
                   commands=Py_ssize_t, burst=Py_ssize_t, room=Py_ssize_t, alone=bint,
                   messages=list)
    cpdef Py_ssize_t deliver(self) except -2
    cdef on_bytes_received(self)
    cdef on_command(self, body)
    cpdef on_ping(self, command)
    cdef stop_input(self)
    cpdef stop_watching(self)
    @cython.locals(queue=MessageQueue, tuning=Tuning, loop_iterated=bint, engine=IOLoop,
                   now=cython.longlong)
    cpdef read_activated(self, Pipe pipe)
    @cython.locals(queue=MessageQueue, tuning=Tuning, now=cython.longlong)
    cpdef bint try_flush_inline(self, Pipe pipe) except -1
    @cython.final
    @cython.locals(size=Py_ssize_t, data=bytes)
    cdef Py_ssize_t measure_new_messages(self, MessageQueue queue) except -1
    cpdef flush(self)
    @cython.locals(encoder=Encoder, pipe=Pipe, queue=MessageQueue, offset=Py_ssize_t,
                   available=Py_ssize_t, count=Py_ssize_t, pending=Py_ssize_t, finished=Py_ssize_t,
                   adds=bint, fits=bint, has_written=bint, began=cython.longlong,
                   now=cython.longlong)
    cdef write_all(self)
    cdef bint has_peer_closed(self, long long now) except -1
    cpdef flush_aged_batch(self)
    cdef flush_full_batch(self)
    cdef write_failed(self, error)
    cdef await_writable(self)
    cpdef watch_writable(self)
    cdef add_control(self)
    cpdef flush_control(self)

