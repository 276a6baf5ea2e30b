from zlinkcompat._runtime.counters cimport Counters
from zlinkcompat.engine.loop cimport IOLoop
from zlinkcompat.routing.pipe cimport Pipe, PipeSink
from zlinkcompat.transports.bytestream cimport ByteStream
from zlinkcompat.wire.zmtp.decoder cimport Decoder
from zlinkcompat.wire.zmtp.encoder cimport Encoder


# Who may touch which field: docs/internals/threading.md.
cdef class Lifecycle(PipeSink):
    # Set before the connection starts.
    cdef readonly IOLoop loop
    cdef readonly ByteStream stream
    cdef readonly object session
    cdef readonly Counters counters
    # Any thread: whoever notices the end sets them, once.
    cdef readonly int state
    cdef readonly bint is_active, may_write, has_failed
    cdef readonly object failure
    # The loop's thread sets them in the handshake. Then the holder of `Reader.reading` uses the
    # decoder, and the holder of `Writer.writing` the encoder.
    cdef readonly Decoder decoder
    cdef public Encoder encoder
    cdef readonly Pipe pipe
    cdef readonly bint handshake_done
    # The holder of `Writer.writing`; others read them.
    cdef readonly bint write_blocked
    cdef readonly long long bytes_out
    # The loop's thread only.
    cdef object greenlet, poll_timer
    cdef object heartbeat
    cdef bint parked, wake_due

    cdef enter(self, int state)
    cpdef fail(self, failure)
    cpdef park(self)
    cpdef wake(self)
    cdef wake_to_read(self, bint polls)
    cpdef wake_in_loop(self)
    cpdef wake_after_poll(self)
    cpdef unpark(self)
