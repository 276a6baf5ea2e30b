"""What all socket types share: the pattern decides which pipes a message goes to and comes from."""

import logging

from zlinkcompat import tuning
from zlinkcompat._runtime.log_limiter import LogLimiter
from zlinkcompat.errors import ENOTSUP, zmq_error
from zlinkcompat.routing.log import LOG
from zlinkcompat.routing.pipe import PipeSink

DIRECT_READ_PEERS = tuning.get("direct_read_peers")

#: Messages that a pattern drops in a row, because nobody wants them, before others have their turn.
SKIP_BURST = 256


class Owner:
    """Who holds a pattern: is told when waiting makes sense no longer."""

    def on_readable(self):
        """A message may be received where none could be before."""

    def on_writable(self):
        """A message may be sent where none could be before."""

    def schedule_read(self):
        """Call :meth:`on_readable` when others had their turn: peers send nothing but messages that
        are dropped, and there may be more."""

    def call_later(self, function, pipe):
        """Call ``function(pipe)`` when others had their turn; False: it cannot be called later."""
        return False

    def on_pipe_gone(self, pipe):
        """A pipe whose peer ended was read to its end, and left the pattern."""


class Pattern(PipeSink):
    """Base of the socket types.

    Parameters
    ----------
    owner : Owner
    options
        libzmq's socket options as attributes in lower case.

    Attributes
    ----------
    pipes : list of Pipe
        The near ends of all peers' pipes.
    last_pipe : Pipe or None
        Where the last received message came from.
    parts_limit : int
        A message ends at so many frames whatever SNDMORE says; 0 is no limit.
    has_late_subscriptions : bool
        An I/O thread has more subscriptions of a peer than found room in its pipe.
    """

    def __init__(self, owner, options):
        self.owner = owner
        self.options = options
        self.pipes = []
        self.last_pipe = None
        self.parts_limit = 0
        self.has_late_subscriptions = False
        self.limiter = None

    # -- peers -----------------------------------------------------------------------------

    def attach(self, pipe):
        """Take a new peer's pipe; its ``sink`` is this pattern already.

        Returns
        -------
        bool
            False if this socket type has no place for one more peer.
        """
        self.pipes.append(pipe)
        return True

    def identified(self, pipe):
        """The peer's routing id, unknown at :meth:`attach`, is in ``pipe.routing_id`` now."""

    def detach(self, pipe):
        """Forget a pipe that the socket is about to terminate."""
        if pipe in self.pipes:
            self.pipes.remove(pipe)
        if self.last_pipe is pipe:
            self.last_pipe = None

    def pipe_terminated(self, pipe):
        # The peer is gone; what it sent before is still to be received.
        if not pipe.check_read():
            self.drained(pipe)

    def disconnect(self, pipe):
        """End the pipe because the user unbinds or disconnects; what was received stays."""
        pipe.close_output()
        self.pipe_terminated(pipe)

    def drained(self, pipe):
        """A pipe whose peer is gone was read to its end."""
        self.detach(pipe)
        pipe.terminate()
        self.owner.on_pipe_gone(pipe)

    def on_protocol_violation(self, pipe, text):
        # Over inproc. Elsewhere the connection ends, and its engine tells.
        self.warn(pipe, "%s: refused by the peer in this process: %s", pipe.endpoint, text)

    def warn(self, pipe, text, *args):
        """Log what peers can cause again and again: at WARNING now and then, at DEBUG each time.

        One limit holds for each endpoint and ``text``, a format that ``args`` fill in."""
        if self.limiter is None:
            self.limiter = LogLimiter()
        more = self.limiter.admit(pipe.endpoint, text)
        level = logging.DEBUG if more is None else logging.WARNING
        LOG.log(level, text + "%s", *args, more or "")

    def read_activated(self, pipe):
        self.owner.on_readable()

    def write_activated(self, pipe):
        self.owner.on_writable()

    def try_read_peers(self):
        """Ask the peers to produce a message, if they are few.

        Returns
        -------
        int
            1: one produced something. 0: none has anything now. -1: they are too many to ask.
        """
        count = len(self.pipes)
        if count > DIRECT_READ_PEERS:
            return -1
        for index in range(count):
            # A peer may leave while another is asked.
            if index < len(self.pipes):
                pipe = self.pipes[index]
                if pipe.try_read() > 0:
                    return 1
        return 0

    # -- messages --------------------------------------------------------------------------

    def read_all_peers(self):
        """Ask each peer, if they are few, to produce what it has."""
        count = len(self.pipes)
        if count <= DIRECT_READ_PEERS:
            for index in range(count):
                if index < len(self.pipes):
                    pipe = self.pipes[index]
                    pipe.try_read()

    def begin(self, frame):
        """Tell whether a message that starts with ``frame`` may be sent now; raises as send.

        True promises that :meth:`finish` accepts the whole message."""
        return self.has_out()

    def finish(self, message):
        """Send a message (a list of frames) whose first frame :meth:`begin` accepted.

        This never waits, and is never refused. As in libzmq the message is dropped if the peer
        that it was begun for has left, unless another peer can take it."""
        self.send(message)

    def send(self, message):
        """Send a whole message (a frame, or a list of frames that stays untouched).

        Returns
        -------
        bool
            True: accepted, or dropped as the socket type has it. False: it would have to wait.

        Raises
        ------
        ZMQError
            ENOTSUP, EFSM, EHOSTUNREACH.
        """
        raise zmq_error(ENOTSUP, "send: this socket type only receives")

    def check_may_receive(self):
        """Raise ENOTSUP or EFSM where :meth:`recv` would, whatever has arrived."""

    def recv(self):
        """Receive a whole message; None if there is none. Raises ENOTSUP, EFSM."""
        raise zmq_error(ENOTSUP, "recv: this socket type only sends")

    def has_in(self):
        """Tell whether :meth:`recv` would return a message."""
        return False

    def has_out(self):
        """Tell whether :meth:`send` would accept a message."""
        return False

    # -- options ---------------------------------------------------------------------------

    def set_option(self, option, value):
        """Set an option of this socket type (int or bytes); False if it is none of its own."""
        return False

    def get_option(self, option):
        """The value of an option of this socket type; KeyError if it is none of its own."""
        raise KeyError(option)
