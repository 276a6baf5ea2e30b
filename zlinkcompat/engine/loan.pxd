from zlinkcompat.engine.loop cimport IOLoop
from zlinkcompat.engine.loop_poller cimport LoopPoller
from zlinkcompat.transports.bytestream cimport ByteStream

cimport cython


cdef unsigned int READABLE, WRITABLE


# Who may touch which field: docs/internals/threading.md.
@cython.final
cdef class Loan:
    # Set before the connection starts.
    cdef IOLoop loop
    cdef ByteStream stream
    # The I/O thread writes it. The thread of the event loop reads it again after each call that may
    # release the GIL.
    cdef readonly LoopPoller poller
    # Whoever changes it, without releasing the GIL inside.
    cdef unsigned int mask

    cdef begin(self, connection, LoopPoller poller, bint reads)
    cdef watch_input(self)
    cdef ignore_input(self)
    cdef watch_output(self)
    cdef bint take_output_event(self) except -1
    cdef ignore_all(self)
    @cython.locals(poller=LoopPoller, before=cython.uint)
    cdef change(self, unsigned int mask)
    @cython.locals(poller=LoopPoller, before=cython.uint)
    cdef bint end(self, connection) except -1
