"""The peers of a socket: their pipes, and the sessions and listeners that create the pipes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat._constants import PUB, SUB, XPUB, XSUB
from zlinkcompat.core import inproc
from zlinkcompat.core.state import SocketState
from zlinkcompat.routing.pipe import Pipe, pipe_pair

if TYPE_CHECKING:
    from zlinkcompat.core.endpoints import Endpoints
    from zlinkcompat.core.socket import CoreSocket
    from zlinkcompat.engine.listener import Listener
    from zlinkcompat.engine.packed_metadata import PackedMetadata
    from zlinkcompat.engine.session import Session
    from zlinkcompat.engine.zap_client import ReplyMailbox, ZapClient


#: How many reads are made when the user ends a connection. They save the messages that have
#: arrived, and the limit ends them if the peer sends continuously.
LAST_READS = 64


class Peers:
    """Pipes, sessions and listeners of one socket.

    Parameters
    ----------
    socket : CoreSocket
    endpoints : Endpoints
        The endpoints of the same socket.

    Attributes
    ----------
    sessions : set of Session
    listeners : set of Listener
        A session or listener stays in its set until its last descriptor is closed.
    """

    def __init__(self, socket: CoreSocket, endpoints: Endpoints) -> None:
        self.socket = socket
        self.endpoints = endpoints
        self.sessions: set[Any] = set()
        self.listeners: set[Any] = set()

    # -- pipes -----------------------------------------------------------------------------

    def make_pipe(
        self,
        session: Session,
        routing_id: bytes,
        metadata: PackedMetadata | dict[str, str] | None,
        locally_initiated: bool,
    ) -> Pipe | None:
        """Create a pipe for a session and attach its near end.

        Returns
        -------
        Pipe or None
            The session's end; None if the pattern rejects this peer.
        """
        options = session.options
        loop = session.loop
        crosses = loop.mailbox is not None
        if options.conflate:
            near, far = pipe_pair(options.sndhwm, options.rcvhwm, crosses)
            self.conflate(near)
        else:
            near, far = pipe_pair(
                options.sndhwm, options.rcvhwm, crosses, options.sndbytes_max, options.rcvbytes_max
            )
        far.sink = session
        far.is_session_end = True
        near.totals = far.totals = self.socket.pattern.totals
        about = (near, routing_id, metadata, locally_initiated, session.endpoint)
        if crosses:
            near.mailbox = self.socket.mailbox
            far.mailbox = loop.mailbox
            if loop.is_current():
                self.socket.mailbox.post(self.attach_pipe, about)
                return far
        return far if self.attach_pipe(*about) else None

    def conflate(self, near: Pipe) -> None:
        """Make a pipe keep only the last message (CONFLATE). Subscriptions are all kept."""
        socket_type = self.socket.socket_type
        near.set_conflate(socket_type not in (PUB, XPUB), socket_type not in (SUB, XSUB))

    def connect_zap(self, sink: ZapClient, mailbox: ReplyMailbox) -> Pipe | None:
        """Make a pipe to the context's ZAP handler.

        Return ``sink``'s end; None without a handler."""
        return inproc.connect_zap(self.socket, sink, mailbox)

    def attach_pipe(
        self, near: Pipe, routing_id: bytes, metadata: Any, locally_initiated: bool, endpoint: str
    ) -> bool:
        """Add a pipe to the pattern. Return whether the pattern accepted this peer."""
        if near.closed:
            return False
        near.sink = self.socket.pattern
        near.totals = self.socket.pattern.totals
        near.routing_id = routing_id
        near.named = metadata is not None
        near.metadata = metadata
        near.locally_initiated = locally_initiated
        near.endpoint = endpoint
        if self.socket.dead or not self.socket.pattern.attach(near):
            near.terminate()
            return False
        # A new peer means room for senders. Wake receivers only if it brought messages, because a
        # receiver that is woken in vain runs the hub if there are many peers.
        self.socket.on_writable()
        if near.check_read():
            self.socket.on_readable()
        return True

    def identify_pipe(self, far: Pipe, routing_id: bytes, metadata: dict[str, str]) -> None:
        """Store who the peer of a connecting session is, as its handshake has now told."""
        far.peer.post_to_owner(self.identify, (far.peer, routing_id, metadata))

    def identify(self, near: Pipe, routing_id: bytes, metadata: dict[str, str]) -> None:
        near.metadata = metadata
        if not near.closed and not near.named:
            near.named = True
            near.routing_id = routing_id
            self.socket.pattern.identified(near)

    def drop_pipe(self, near: Pipe) -> None:
        """Close one peer's pipe from this side. Messages that were sent are delivered in LINGER."""
        if not near.closed:
            self.socket.pattern.detach(near)
            near.terminate()

    def disconnect_pipe(self, near: Pipe) -> None:
        """Close one peer's pipe like :meth:`drop_pipe`, but keep received messages readable."""
        # First attach a pipe that the I/O thread created for this peer, if there is one.
        self.socket.process_mailbox()
        reads = 0
        while reads < LAST_READS and near.try_read() > 0:
            self.socket.process_mailbox()
            reads += 1
        if near.sink is not self.socket.pattern:
            self.drop_pipe(near)
        else:
            self.socket.pattern.disconnect(near)

    # -- sessions and listeners ------------------------------------------------------------

    def session_started(self, session: Session) -> None:
        self.sessions.add(session)

    def session_ended(self, session: Session) -> None:
        self.sessions.discard(session)
        self.endpoints.session_ended(session)
        self.reap()

    def listener_started(self, listener: Listener) -> None:
        self.listeners.add(listener)

    def listener_ended(self, listener: Listener) -> None:
        self.listeners.discard(listener)
        self.reap()

    def reap(self) -> None:
        """Unregister a closed socket from the context once it has no session and no listener."""
        if self.socket.closed and not self.sessions and not self.listeners:
            self.socket.context.socket_reaped(self.socket)
