from zlinkcompat._runtime.clock cimport monotonic_ns
from zlinkcompat.engine.lifecycle cimport Lifecycle
from zlinkcompat.engine.loan cimport Loan
from zlinkcompat.engine.loop_poller cimport LoopPoller
from zlinkcompat.engine.reader cimport Reader
from zlinkcompat.engine.write_policy cimport WritePolicy
from zlinkcompat.engine.writer cimport Writer
from zlinkcompat.routing.message_queue cimport MessageQueue
from zlinkcompat.routing.pipe cimport Pipe

cimport cython


cdef int ACTIVE
cdef int DRAINING
cdef int CLOSED
cdef bint CALLER_THREAD_IO
cdef unsigned int WRITABLE


# Who may touch which field: docs/internals/threading.md.
cdef class Connection(Lifecycle):
    # Set before the connection starts; the loop's thread clears them at its end.
    cdef readonly Loan loan
    cdef readonly Reader reader
    cdef readonly Writer writer
    cdef WritePolicy policy
    # The loop's thread only.
    cdef bint partial_write

    @cython.locals(policy=WritePolicy)
    cpdef read_activated(self, Pipe pipe)
    @cython.locals(policy=WritePolicy)
    cpdef bint try_flush_inline(self, Pipe pipe) except -1
    @cython.locals(reader=Reader)
    cpdef int try_read(self, Pipe pipe) except -2
    @cython.locals(reader=Reader)
    cpdef write_activated(self, Pipe pipe)
    @cython.locals(reader=Reader)
    cpdef bint room_made(self, Pipe pipe) except -1
    cpdef on_protocol_violation(self, Pipe pipe, text)
    cpdef pipe_terminated(self, Pipe pipe)
    cpdef lend(self)
    cpdef reclaim(self)
    @cython.locals(reader=Reader, writer=Writer)
    cpdef on_poller_event(self, LoopPoller poller, unsigned int events)
