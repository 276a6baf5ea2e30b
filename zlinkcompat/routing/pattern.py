"""Base of the socket types: a pattern decides which pipes messages go to and come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat import tuning
from zlinkcompat._runtime.log_limiter import LogLimiter
from zlinkcompat._runtime.log_queue import DEBUG
from zlinkcompat.errors import ENOTSUP, zmq_error
from zlinkcompat.routing.counts import Totals
from zlinkcompat.routing.log import LOG
from zlinkcompat.routing.pipe import PipeSink

if TYPE_CHECKING:
    from collections.abc import Callable

    from zlinkcompat.core.options import Options
    from zlinkcompat.core.socket import CoreSocket
    from zlinkcompat.routing.pipe import Pipe


DIRECT_READ_PEERS = tuning.get("direct_read_peers")

#: How many unwanted messages a pattern drops in a row before it yields to the rest of the program.
SKIP_BURST = 256


class Owner:
    """The owner of a pattern. The pattern tells it when a waiting call may succeed."""

    def on_readable(self) -> None:
        """Called when a message may have become available."""

    def on_writable(self) -> None:
        """Called when sending may have become possible."""

    def schedule_read(self) -> None:
        """Call :meth:`on_readable` after the rest of the program has run.

        A pattern asks for this when peers send only messages that it drops, and more may come."""

    def call_later(self, function: Callable[..., Any], pipe: Pipe) -> bool:
        """Call ``function(pipe)`` after the rest of the program has run; False if it cannot."""
        return False

    def on_flow_stopped(self, pipe: Pipe) -> None:
        """Called when messages for the peer of ``pipe`` wait or are dropped.

        Any thread calls this."""

    def on_pipe_gone(self, pipe: Pipe) -> None:
        """Called when the last message of a departed peer was read, and its pipe removed."""


class Pattern(PipeSink):
    """Base of the socket types.

    Parameters
    ----------
    owner : Owner
    options
        libzmq's socket options, as attributes with lower-case names.

    Attributes
    ----------
    pipes : list of Pipe
        The local ends of all peers' pipes.
    totals : Totals
        The counters of this socket.
    last_pipe : Pipe or None
        The pipe of the last received message.
    parts_limit : int
        A message ends after this many frames, even with SNDMORE; 0 means no limit.
    has_late_subscriptions : bool
        Whether an I/O thread has subscriptions of a peer for which the peer's pipe had no room.
    """

    def __init__(self, owner: CoreSocket, options: Options) -> None:
        self.owner = owner
        self.options = options
        self.pipes: list[Any] = []
        self.totals = Totals()
        self.last_pipe: Pipe = None
        self.parts_limit = 0
        self.has_late_subscriptions = False
        self.limiter: Any = None

    # -- peers -----------------------------------------------------------------------------

    def attach(self, pipe: Pipe) -> bool:
        """Accept the pipe of a new peer. The ``sink`` of the pipe is already this pattern.

        Returns
        -------
        bool
            False if this socket type cannot accept another peer.
        """
        self.pipes.append(pipe)
        return True

    def identified(self, pipe: Pipe) -> None:
        """Called when ``pipe.routing_id``, which was unknown in :meth:`attach`, is known now."""

    def detach(self, pipe: Pipe) -> None:
        """Remove a pipe that the socket is about to terminate."""
        if pipe in self.pipes:
            self.pipes.remove(pipe)
        if self.last_pipe is pipe:
            self.last_pipe = None

    def pipe_terminated(self, pipe: Pipe) -> None:
        # The peer has left, but its messages in the pipe can still be received.
        if not pipe.check_read():
            self.drained(pipe)

    def disconnect(self, pipe: Pipe) -> None:
        """End the pipe because the user unbinds or disconnects. Received messages stay readable."""
        pipe.close_output()
        self.pipe_terminated(pipe)

    def drained(self, pipe: Pipe) -> None:
        """Called when the last message of a departed peer was read from its pipe."""
        self.detach(pipe)
        pipe.terminate()
        self.owner.on_pipe_gone(pipe)

    def on_protocol_violation(self, pipe: Pipe, text: str) -> None:
        # Log this only for inproc. For the other transports the engine logs the violation.
        self.warn(pipe, "%s: refused by the peer in this process: %s", pipe.endpoint, text)

    def warn(self, pipe: Pipe, text: str, *args: Any) -> None:
        """Log an event that peers can cause repeatedly: sometimes at WARNING, always at DEBUG.

        Each endpoint and each ``text``, a format for ``args``, has its own limit."""
        if self.limiter is None:
            self.limiter = LogLimiter()
        self.limiter.warn(LOG, (pipe.endpoint, text), text, *args, otherwise=DEBUG)

    def flow_stopped(self, pipe: Pipe) -> None:
        self.owner.on_flow_stopped(pipe)

    def read_activated(self, pipe: Pipe) -> None:
        self.owner.on_readable()

    def write_activated(self, pipe: Pipe) -> None:
        self.owner.on_writable()

    def try_read_peers(self) -> int:
        """Read the peers' connections until one yields a message, if there are few peers.

        Returns
        -------
        int
            1: a peer produced something. 0: no peer has anything now. -1: there are too many.
        """
        count = len(self.pipes)
        if count > DIRECT_READ_PEERS:
            return -1
        for index in range(count):
            # While this asks one peer, another peer may leave the list.
            if index < len(self.pipes):
                pipe = self.pipes[index]
                if pipe.try_read() > 0:
                    return 1
        return 0

    # -- messages --------------------------------------------------------------------------

    def read_all_peers(self) -> None:
        """Read the connection of each peer once, if there are few peers."""
        count = len(self.pipes)
        if count <= DIRECT_READ_PEERS:
            for index in range(count):
                if index < len(self.pipes):
                    pipe = self.pipes[index]
                    pipe.try_read()

    def begin(self, frame: bytes) -> bool:
        """Prepare to send a message that starts with ``frame``: choose its peers.

        Return whether the message can be sent now. Raise as :meth:`send` does.

        If the result is true, :meth:`finish` accepts the whole message."""
        return self.has_out()

    def finish(self, message: Any) -> None:
        """Send a message (a list of frames) whose first frame :meth:`begin` accepted.

        This never waits and never fails. As in libzmq, the message is dropped if the peer for
        which it was begun has left, unless another peer can take it."""
        self.send(message)

    def send(self, message: Any) -> bool:
        """Send a whole message (a frame, or a list of frames, which is not modified).

        Returns
        -------
        bool
            True: accepted, or dropped according to the socket type. False: it would have to wait.

        Raises
        ------
        ZMQError
            ENOTSUP, EFSM, EHOSTUNREACH.
        """
        raise zmq_error(ENOTSUP, "send: this socket type only receives")

    def check_may_receive(self) -> None:
        """Raise ENOTSUP or EFSM if :meth:`recv` would raise it, even if a message has arrived."""

    def recv(self) -> Any:
        """Receive a whole message. Return None if there is none. Raises ENOTSUP, EFSM."""
        raise zmq_error(ENOTSUP, "recv: this socket type only sends")

    def has_in(self) -> bool:
        """Tell whether :meth:`recv` would return a message."""
        return False

    def has_out(self) -> bool:
        """Tell whether :meth:`send` would accept a message."""
        return False

    def count_in_hand(self) -> int:
        """Return how many messages this pattern has taken from pipes for the user's next calls."""
        return 0

    # -- options ---------------------------------------------------------------------------

    def set_option(self, option: int, value: Any) -> bool:
        """Set an option of this socket type (int or bytes); False if this type lacks the option."""
        return False

    def get_option(self, option: int) -> None:
        """Return an option of this socket type; KeyError if this type lacks the option."""
        raise KeyError(option)
