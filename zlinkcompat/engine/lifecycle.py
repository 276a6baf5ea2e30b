"""The life of a connection: its state, and the greenlet that serves it.

The parts of a connection use it as a :class:`Lifecycle`: the :class:`Reader`, the :class:`Writer`
and the :class:`WritePolicy` read its state, end it and wake its greenlet.
"""

from __future__ import annotations

from typing import Any

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

#: Whether threads other than the hub's may read and write. They may not in the pure build, where a
#: thread can lose the GIL between any two steps.
CALLER_THREAD_IO = COMPILED

#: Errors that peers, networks and a lack of memory may cause.
EXPECTED = (ProtocolError, OSError, Disconnected, MemoryError)

LOG = Log("zlinkcompat.engine")


class Lifecycle(PipeSink):
    """The state of one connection, and the greenlet that serves it.

    Parameters
    ----------
    loop : IOLoop
    stream : zlinkcompat.transports.bytestream.ByteStream
    session : Session
        The owner of the connection. It has the options, and the connection tells it when it is
        ready and when it has ended.

    Attributes
    ----------
    state : int
        HANDSHAKE, ACTIVE, DRAINING, FAILED or CLOSED.
    is_active, may_write, has_failed : bool
        Whether the state is ACTIVE; whether it is ACTIVE or DRAINING; whether it is FAILED or
        CLOSED.
    failure : ProtocolError, OSError, Disconnected or None
        The reason of the end; None if this side ended the connection.
    handshake_done : bool
    write_blocked : bool
        Whether nothing is written now: the writer waits until the descriptor is writable, or it
        has stopped because of an error.
    bytes_out : int
        The bytes that the stream has accepted.
    """

    def __init__(self, loop: Any, stream: Any, session: Any) -> None:
        self.loop = loop
        self.stream = stream
        self.session = session
        self.counters = session.socket.counters
        self.decoder = session.make_decoder()
        self.encoder = session.make_encoder()
        self.pipe: Pipe = None
        self.state = HANDSHAKE
        self.is_active = False
        self.may_write = False
        self.has_failed = False
        self.failure: Any = None
        self.handshake_done = False
        self.write_blocked = False
        self.bytes_out = 0
        self.heartbeat: Any = None
        self.greenlet: Any = None
        self.parked = False
        self.wake_due = False
        self.poll_timer: Any = None

    # -- state -----------------------------------------------------------------------------

    def enter(self, state: int) -> None:
        """Change to ``state`` without releasing the GIL."""
        self.state = state
        self.is_active = state == ACTIVE
        self.may_write = state == ACTIVE or state == DRAINING
        self.has_failed = state >= FAILED

    def is_handshaking(self) -> bool:
        return self.state == HANDSHAKE

    def fail(self, failure: Any) -> None:
        """End the connection. Any greenlet may call this; the connection's own one cleans up.

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

    def fail_on_error(self, error: Any) -> None:
        """End the connection because of the exception that is being handled.

        A defect of this engine must cost only the connection, and must not reach the program. Only
        the first defect of a connection is logged. An exception of a signal handler belongs to the
        program, and is raised again.
        """
        if interrupts.is_interrupt(error):
            raise error
        if not self.has_failed:
            if not isinstance(error, EXPECTED):
                self.log_defect()
            self.fail(error)

    def log_defect(self) -> None:
        """Log the exception that is being handled, which no peer or network should cause."""
        LOG.exception(  # noqa: LOG004 - the caller handles the exception
            "%s: peer %s: unexpected error, the connection ends",
            self.session.endpoint,
            self.session.peer_address,
        )

    # -- greenlet --------------------------------------------------------------------------

    def park(self) -> None:
        """Sleep until there is something to do for this greenlet."""
        assert self.loop.is_current()
        self.parked = True
        self.loop.hub.switch()
        self.parked = False

    def park_to_read(self) -> None:
        """Sleep until there is something to read or to do."""
        if self.stream.buffered:
            # The stream has already read some data, so the descriptor does not become readable for
            # it.
            self.wake_in_loop()
        self.park()

    def wake(self) -> None:
        """Let the connection's own greenlet continue in the next iteration of the loop."""
        self.loop.call(self.wake_in_loop)

    def wake_to_read(self, polls: bool) -> None:
        """Do the same as :meth:`wake`. If ``polls``, let the loop poll other connections first."""
        self.loop.call(self.wake_after_poll if polls else self.wake_in_loop)

    def wake_in_loop(self) -> None:
        assert self.loop.is_current()
        if not self.wake_due:
            self.wake_due = True
            self.loop.gevent_loop.run_callback(self.loop.call_guarded, self.unpark)

    def wake_after_poll(self) -> None:
        """Do the same as :meth:`wake_in_loop`, after the loop has polled other connections.

        This uses a timer, which fires after a poll. gevent runs 50 callbacks or more before it
        polls once."""
        assert self.loop.is_current()
        if not self.wake_due and not self.has_failed:
            self.wake_due = True
            if self.poll_timer is None:
                self.poll_timer = self.loop.gevent_loop.timer(0)
            self.poll_timer.start(self.loop.call_guarded, self.unpark)

    def wake_threadsafe(self) -> None:
        """Do the same as :meth:`wake_in_loop`, for callers in any thread."""
        if self.loop.is_current():
            self.wake_in_loop()
        else:
            # A socket of this hub may be used in another thread, which has no hub.
            self.loop.callbacks.call(self.wake_in_loop)

    def unpark(self) -> None:
        assert self.loop.is_current()
        self.wake_due = False
        if self.parked:
            self.greenlet.switch()
