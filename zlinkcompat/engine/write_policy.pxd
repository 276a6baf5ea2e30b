from zlinkcompat._runtime.clock cimport monotonic_ns
from zlinkcompat._runtime.counters cimport Counters
from zlinkcompat.engine.loan cimport Loan
from zlinkcompat.engine.loop cimport IOLoop
from zlinkcompat.engine.loop_poller cimport LoopPoller
from zlinkcompat.engine.writer cimport Writer
from zlinkcompat.routing.message_queue cimport MessageQueue
from zlinkcompat.routing.pipe cimport Pipe
from zlinkcompat.routing.sized_queue cimport message_size
from zlinkcompat.tuning cimport Tuning

cimport cython


# Who may touch which field: docs/internals/threading.md.
@cython.final
cdef class WritePolicy:
    # Set before the connection starts.
    cdef Writer writer
    cdef Loan loan
    cdef IOLoop loop
    cdef Tuning tuning
    cdef Counters counters
    cdef bint concurrent_read_write
    # The sender, between two flushes.
    cdef Py_ssize_t batch_bytes
    cdef long long batch_started_at, measured_upto, burst_id

    @cython.locals(poller=LoopPoller, now=cython.longlong, loop_iterated=bint, begins_burst=bint)
    cdef begin_batch(self, Pipe pipe, bint in_loop)
    @cython.locals(queue=MessageQueue, position=cython.longlong, data=bytes)
    cdef extend_batch(self, Pipe pipe, bint in_loop)
    cpdef flush_aged_batch(self)
