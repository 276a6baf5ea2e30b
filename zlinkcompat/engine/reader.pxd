from zlinkcompat._runtime.clock cimport monotonic_ns
from zlinkcompat._runtime.counters cimport Counters
from zlinkcompat._runtime.guard cimport Guard
from zlinkcompat.engine.lifecycle cimport Lifecycle
from zlinkcompat.engine.loan cimport Loan
from zlinkcompat.engine.loop cimport IOLoop
from zlinkcompat.engine.loop_poller cimport LoopPoller
from zlinkcompat.engine.writer cimport Writer
from zlinkcompat.routing.message_queue cimport MessageQueue
from zlinkcompat.routing.pipe cimport Pipe
from zlinkcompat.transports.bytestream cimport ByteStream
from zlinkcompat.wire.zmtp.decoder cimport Decoder

cimport cython


cdef int READ_BURST
cdef long long READ_TIME
cdef Py_ssize_t MESSAGE_BURST
cdef Py_ssize_t COMMAND_BURST
cdef bint CALLER_THREAD_IO


# Who may touch which field: docs/internals/threading.md.
@cython.final
cdef class Reader:
    # Set before the connection starts.
    cdef Lifecycle connection
    cdef Writer writer
    cdef Loan loan
    cdef readonly IOLoop loop
    cdef ByteStream stream
    cdef object socket
    cdef Counters counters
    cdef bint publishes
    # The guard of reading: whoever is in it reads.
    cdef readonly Guard reading
    # The holder of `reading`.
    cdef bint has_undecoded, last_read_was_useless
    cdef readonly bint input_stopped
    cdef object command
    # An application thread sets it; the loop's thread clears it.
    cdef bint read_by_application
    # The loop's thread only.
    cdef object watcher, pause_timer

    cdef int try_read(self, Pipe pipe) except -2
    cdef int serve_input(self) except -2
    cdef serve_in_loop(self)
    @cython.locals(connection=Lifecycle, decoder=Decoder, count=Py_ssize_t,
                   began=cython.longlong, now=cython.longlong)
    cdef int read_messages(self) except -2
    cdef on_bytes_received(self)
    @cython.locals(decoder=Decoder, pipe=Pipe, queue=MessageQueue, count=Py_ssize_t,
                   commands=Py_ssize_t, burst=Py_ssize_t, room=Py_ssize_t, alone=bint,
                   messages=list)
    cdef Py_ssize_t deliver(self) except -2
    cdef on_command(self, body)
    cpdef on_ping(self, command)
    cdef stop_input(self)
    cdef on_room(self, Pipe pipe)
    @cython.locals(poller=LoopPoller)
    cdef read_more(self, bint polls)
    cdef yield_gil(self)
    cpdef start(self)
    cpdef stop(self)
    cdef watch_input(self)
    cpdef start_watching(self)
    cpdef stop_watching(self)
    cpdef on_fd_readable(self)
    cdef pause_watcher(self)
    cpdef recheck_polling(self)
    cpdef resume_watcher(self)
    cdef close(self)
