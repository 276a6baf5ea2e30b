"""The life of a connection: its state, and the greenlet that serves it.

:class:`Lifecycle` is what the parts of a connection know of it: the :class:`Reader`, the
:class:`Writer` and the :class:`WritePolicy` read its state, end it and wake its greenlet.
"""

from zlinkcompat._runtime.compiled import COMPILED
from zlinkcompat._runtime.counters import Counters
from zlinkcompat._runtime.log_queue import Log
from zlinkcompat.engine import interrupts
from zlinkcompat.engine.errors import Disconnected
from zlinkcompat.engine.loop import IOLoop
from zlinkcompat.routing.pipe import Pipe, PipeSink
from zlinkcompat.transports.bytestream import ByteStream
from zlinkcompat.wire.errors import ProtocolError
from zlinkcompat.wire.zmtp.decoder import Decoder
from zlinkcompat.wire.zmtp.encoder import Encoder

# States. Messages flow in ACTIVE. In DRAINING, the messages of a closed socket are written.
HANDSHAKE = 0
ACTIVE = 1
DRAINING = 2
FAILED = 3
CLOSED = 4

#: Whether a thread other than the hub's may read and write. It may not in the pure build, which can
#: lose the GIL between any two steps.
CALLER_THREAD_IO = COMPILED

#: Errors that peers, networks and a lack of memory may cause.
EXPECTED = (ProtocolError, OSError, Disconnected, MemoryError)

LOG = Log("zlinkcompat.engine")


class Lifecycle(PipeSink):
    """The state of one connection, and the greenlet that serves it.

    Parameters
    ----------
    engine : IOLoop
    stream : zlinkcompat.transports.bytestream.ByteStream
    session : Session
        The owner of the connection: it has the options, and is told when the connection is ready
        or has ended.

    Attributes
    ----------
    state : int
        HANDSHAKE, ACTIVE, DRAINING, FAILED or CLOSED.
    is_active, may_write, has_failed : bool
        The state is ACTIVE; ACTIVE or DRAINING; FAILED or CLOSED.
    failure : ProtocolError, OSError, Disconnected or None
        The reason of the end; None if this side ended the connection.
    handshake_done : bool
    write_blocked : bool
        Writing waits until the descriptor is writable, or has ended with an error.
    bytes_out : int
        The bytes that the stream has accepted.
    """

    def __init__(self, engine, stream, session):
        self.engine = engine
        self.stream = stream
        self.session = session
        self.counters = session.socket.counters
        self.decoder = session.make_decoder()
        self.encoder = session.make_encoder()
        self.pipe = None
        self.state = HANDSHAKE
        self.is_active = False
        self.may_write = False
        self.has_failed = False
        self.failure = None
        self.handshake_done = False
        self.write_blocked = False
        self.bytes_out = 0
        self.heartbeat = None
        self.greenlet = None
        self.parked = False
        self.wake_due = False
        self.poll_timer = None

    # -- state -----------------------------------------------------------------------------

    def enter(self, state):
        """Change to ``state``, without releasing the GIL."""
        self.state = state
        self.is_active = state == ACTIVE
        self.may_write = state == ACTIVE or state == DRAINING
        self.has_failed = state >= FAILED

    def is_handshaking(self):
        return self.state == HANDSHAKE

    def fail(self, failure):
        """End the connection, from any greenlet; its own greenlet will clean up.

        Parameters
        ----------
        failure : ProtocolError, OSError, Disconnected or None
            None if this side ends the connection.
        """
        if self.has_failed:
            return
        self.failure = failure
        self.enter(FAILED)
        self.wake()

    def fail_on_error(self, error):
        """End the connection because of the exception that is being handled.

        A defect of this engine must cost only the connection, and must not reach the program. Only
        the first one is logged. An exception of a signal handler belongs to the program, and is
        raised again.
        """
        if interrupts.is_interrupt(error):
            raise error
        if not self.has_failed:
            if not isinstance(error, EXPECTED):
                self.log_defect()
            self.fail(error)

    def log_defect(self):
        """Log the exception that is being handled, which no peer or network should cause."""
        LOG.exception(
            "%s: peer %s: unexpected error, the connection ends",
            self.session.endpoint,
            self.session.peer_address,
        )

    # -- greenlet --------------------------------------------------------------------------

    def park(self):
        """Sleep until there is something to do for this greenlet."""
        assert self.engine.is_current()
        self.parked = True
        self.engine.hub.switch()
        self.parked = False

    def park_to_read(self):
        """Sleep until there is something to read or to do."""
        if self.stream.buffered:
            # The descriptor is not readable for data that the stream has read already.
            self.wake_in_loop()
        self.park()

    def wake(self):
        """Let the connection's own greenlet continue in the next iteration of the loop."""
        self.engine.call(self.wake_in_loop)

    def wake_to_read(self, polls):
        """Do the same as :meth:`wake`; with ``polls``, after the loop has polled others."""
        self.engine.call(self.wake_after_poll if polls else self.wake_in_loop)

    def wake_in_loop(self):
        assert self.engine.is_current()
        if not self.wake_due:
            self.wake_due = True
            self.engine.loop.run_callback(self.engine.call_guarded, self.unpark)

    def wake_after_poll(self):
        """Do the same as :meth:`wake_in_loop`, after the loop has polled other connections.

        gevent polls only once per 50 callbacks or more, and timers fire after the poll."""
        assert self.engine.is_current()
        if not self.wake_due and not self.has_failed:
            self.wake_due = True
            if self.poll_timer is None:
                self.poll_timer = self.engine.loop.timer(0)
            self.poll_timer.start(self.engine.call_guarded, self.unpark)

    def wake_threadsafe(self):
        """Do the same as :meth:`wake_in_loop`, for callers in any thread."""
        if self.engine.is_current():
            self.wake_in_loop()
        else:
            # A socket of this hub may be used in another thread, which has no hub.
            self.engine.callbacks.call(self.wake_in_loop)

    def unpark(self):
        assert self.engine.is_current()
        self.wake_due = False
        if self.parked:
            self.greenlet.switch()
