from zlinkcompat._runtime.clock cimport monotonic_ns
from zlinkcompat._runtime.counters cimport Counters
from zlinkcompat._runtime.guard cimport Guard
from zlinkcompat.engine.lifecycle cimport Lifecycle
from zlinkcompat.engine.loan cimport Loan
from zlinkcompat.routing.message_queue cimport MessageQueue
from zlinkcompat.routing.pipe cimport Pipe
from zlinkcompat.transports.bytestream cimport ByteStream
from zlinkcompat.tuning cimport Tuning
from zlinkcompat.wire.zmtp.encoder cimport Encoder

cimport cython


cdef long long WRITE_TIME
cdef long long END_CHECK_INTERVAL
cdef Py_ssize_t CHUNK


# Who may touch which field: docs/internals/threading.md.
@cython.final
cdef class Writer:
    # Set before the connection starts.
    cdef Lifecycle connection
    cdef Loan loan
    cdef ByteStream stream
    cdef Tuning tuning
    cdef Counters counters
    # The guard of writing: whoever is in it writes.
    cdef readonly Guard writing
    # Any thread sets it; the holder of `writing` clears it.
    cdef bint flush_requested
    # The holder of `writing`, and the sender between two flushes.
    cdef bint is_batching
    cdef long long written_upto, end_checked_at
    cdef list control
    # Set once by whoever notices the error.
    cdef object write_error
    # The holder of `Reader.reading` sets it; the loop's thread sends it at the end.
    cdef object close_frame
    # The loop's thread only.
    cdef object watcher

    cdef flush(self)
    @cython.locals(connection=Lifecycle, encoder=Encoder, pipe=Pipe, queue=MessageQueue,
                   offset=Py_ssize_t, available=Py_ssize_t, count=Py_ssize_t, pending=Py_ssize_t,
                   finished=Py_ssize_t, adds=bint, fits=bint, has_written=bint,
                   began=cython.longlong, now=cython.longlong)
    cdef write_all(self)
    cdef bint has_peer_closed(self, long long now) except -1
    cdef write_failed(self, error)
    cdef await_writable(self)
    cpdef watch_writable(self)
    cpdef on_fd_writable(self)
    cdef resume(self)
    cpdef send_control(self, data)
    @cython.locals(encoder=Encoder)
    cdef add_control(self)
    @cython.locals(connection=Lifecycle, encoder=Encoder, count=Py_ssize_t, pending=Py_ssize_t)
    cdef flush_control(self)
    cpdef bint has_unwritten(self) except -1
    cdef close(self)
