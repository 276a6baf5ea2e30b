"""Sessions: what a socket keeps about one peer of one endpoint, across connections.

A session owns the far end of a pipe and gives it to the current connection. An accepted session
lives as long as its only connection. A connecting session (``connecter.py``) has one connection
after the other.
"""

from __future__ import annotations

from errno import ECONNABORTED, EPIPE
from typing import TYPE_CHECKING, Any

from zlinkcompat._constants import (
    EVENT_DISCONNECTED,
    EVENT_HANDSHAKE_FAILED_AUTH,
    EVENT_HANDSHAKE_FAILED_NO_DETAIL,
    EVENT_HANDSHAKE_FAILED_PROTOCOL,
    EVENT_HANDSHAKE_SUCCEEDED,
    PUB,
    STREAM,
    XPUB,
)
from zlinkcompat._runtime.log_queue import DEBUG, Log
from zlinkcompat.engine import protocols
from zlinkcompat.engine.connection import Connection
from zlinkcompat.engine.errors import Disconnected
from zlinkcompat.engine.packed_metadata import DICT_MAX, PackedMetadata
from zlinkcompat.engine.session_counts import SessionCounts
from zlinkcompat.routing.pipe import PipeSink
from zlinkcompat.wire.errors import (
    AuthenticationFailed,
    CryptoError,
    MessageTooLarge,
    ProtocolError,
)
from zlinkcompat.wire.security.mechanism import text_of
from zlinkcompat.wire.zmtp.commands import Subscribe

if TYPE_CHECKING:
    from zlinkcompat._runtime.log_limiter import LogLimiter
    from zlinkcompat.core.options import Options
    from zlinkcompat.core.socket import CoreSocket
    from zlinkcompat.wire.zmtp.decoder import Decoder
    from zlinkcompat.wire.zmtp.encoder import Encoder
    from zlinkcompat.wire.zmtp.handshake import Handshake
    from zlinkcompat.wire.zmtp.legacy import Version


LOG = Log("zlinkcompat.engine")


class Session(PipeSink):
    """Base of accepted and connecting sessions.

    Parameters
    ----------
    socket : zlinkcompat.core.socket.CoreSocket
    loop : IOLoop
    options : zlinkcompat.core.options.Options
        The options at the time of the bind or connect.
    endpoint : str
        The endpoint, for monitor events and for disconnect and unbind.
    link : zlinkcompat.transports.link.Link
        The state below the message level that the endpoint's connections share.
    limiter : zlinkcompat._runtime.log_limiter.LogLimiter
        The limiter of the endpoint's warnings.
    """

    def __init__(
        self,
        socket: CoreSocket,
        loop: Any,
        options: Options,
        endpoint: str,
        link: Any,
        limiter: LogLimiter,
    ) -> None:
        self.socket = socket
        self.loop = loop
        self.options = options
        self.endpoint = endpoint
        self.identifier = endpoint
        self.peer_address = ""
        self.pipe: Any = None
        self.connection: Any = None
        # True until the first connection is established or has failed.
        self.opening = True
        self.linger_timer: Any = None
        self.raw = socket.socket_type == STREAM or options.router_raw
        self.frame_max = frame_max(socket.socket_type, options)
        self.link = link
        self.protocol = protocols.choose(link, bool(self.raw))
        self.handshake: Any = None
        self.limiter = limiter
        self.counts = SessionCounts(socket.pattern.totals)
        loop.register(self)
        socket.peers.session_started(self)

    # -- called by the connection ----------------------------------------------------------

    def make_decoder(self) -> Decoder:
        return protocols.bounded(self.protocol.make_decoder(self), self)

    def make_encoder(self) -> Encoder:
        return self.protocol.make_encoder(self)

    def make_handshake(self, connection: Connection, decoder: Decoder) -> Handshake | None:
        """Return the handshake that reads from ``decoder``, or None for a raw stream."""
        self.handshake = self.protocol.make_handshake(self, connection, decoder)
        return self.handshake

    def lingers(self) -> bool:
        """Tell whether LINGER allows to send the messages of the closed socket. Start its timer.

        When the timer fires, the messages are dropped. A timer that is running is left alone."""
        linger_ms = self.socket.options.linger
        if linger_ms > 0 and self.linger_timer is None:
            self.linger_timer = self.loop.gevent_loop.timer(linger_ms / 1000.0)
            self.linger_timer.start(self.loop.call_guarded, self.abort_linger)
        return linger_ms != 0

    def is_sending(self, opening: bool) -> bool:
        """Tell whether an accepted message is on its way to a connected peer.

        Parameters
        ----------
        opening : bool
            Whether a first connection that is still being established counts as connected.
        """
        connection = self.connection
        if connection is not None and connection.handshake_done:
            return connection.has_unsent()
        pipe = self.pipe
        return opening and self.opening and pipe is not None and pipe.inq.tail != pipe.inq.head

    def flush(self) -> bool:
        """Write what the kernel accepts now. Return whether LINGER allows to send more later."""
        connection = self.connection
        if connection is None or not connection.handshake_done or self.socket.options.linger == 0:
            return False
        connection.writer.flush_now()
        return connection.has_unsent()

    def abort_linger(self) -> None:
        """Drop the remaining messages, because LINGER has expired."""
        queue = self.pipe.inq
        LOG.warning(
            "%s: peer %s: LINGER is over, messages dropped: %d",
            self.endpoint,
            self.peer_address or "none",
            queue.tail - queue.head,
        )
        self.stop()

    def stop(self) -> None:
        """End the session, its connection and its end of the pipe."""
        raise NotImplementedError  # abstract: each subclass implements it

    def open_connection(self, sock: Any) -> Connection:
        """Take over a connected, non-blocking socket.

        Return its connection, which is not started."""
        try:
            stream = self.link.open(sock.fileno())
        except BaseException:
            sock.close()
            raise
        self.fd = sock.detach()
        self.handshake = None
        self.counts.on_opened()
        self.connection = Connection(self.loop, stream, self)
        return self.connection

    def report_ready(self, connection: Connection) -> tuple[bytes, dict[str, str]]:
        """Store the peer's properties. Return ``(routing_id, metadata)`` for the pipe."""
        routing_id = b""
        metadata: Any = {"Peer-Address": self.peer_address, "__fd": str(self.fd)}
        if self.handshake is not None:
            handshake = self.handshake
            connection.encoder.minor = handshake.peer_minor
            mechanism = handshake.mechanism
            routing_id = mechanism.peer_routing_id
            # As in libzmq, the first property of a name counts, and the peer's properties come
            # last.
            add_properties(metadata, mechanism.zap_metadata)
            if len(mechanism.peer_metadata) > DICT_MAX:
                metadata = PackedMetadata(metadata, mechanism.peer_metadata)
            else:
                add_properties(metadata, mechanism.peer_metadata)
        self.counts.on_identified(routing_id, metadata)
        return routing_id, metadata

    def activate(self, connection: Connection) -> None:
        """Start the flow of messages through :attr:`pipe`; without a pipe, close the connection."""
        handshake = self.handshake
        self.handshake = None
        self.counts.on_ready(handshake)
        if not self.raw and handshake.legacy_version is None:
            # Send the event only now, when the socket knows the peer. As in libzmq, the oldest ZMTP
            # versions have no such event.
            self.event(EVENT_HANDSHAKE_SUCCEEDED, 0)
        LOG.debug("%s: peer %s: ready", self.endpoint, self.peer_address)
        if self.pipe is None:
            connection.close()
        else:
            connection.activate(self.pipe)
            self.notify_raw()
            if not self.raw and handshake.legacy_version is not None:
                self.subscribe_for(handshake.legacy_version)

    def subscribe_for(self, version: Version) -> None:
        """Subscribe to everything on behalf of a peer whose old ZMTP has no subscriptions."""
        if not version.subscribes and self.socket.socket_type in (PUB, XPUB):
            self.pipe.write_command(Subscribe(b""))
            self.pipe.flush()

    def notify_raw(self) -> None:
        """Send an empty message at each start and end of a raw connection (STREAM_NOTIFY)."""
        if self.raw and self.options.stream_notify:
            self.pipe.write_unbounded(b"")
            self.pipe.flush()

    def report_end(self, connection: Connection, failure: Any) -> None:
        """Report the end of a connection to the monitor, and to the user of a raw socket."""
        self.connection = None
        self.counts.on_ended(connection, failure)
        if connection.handshake_done and self.pipe is not None:
            self.notify_raw()
            if isinstance(failure, MessageTooLarge):
                self.pipe.count_dropped("too_large")
        if not connection.handshake_done or isinstance(failure, CryptoError):
            if failure is not None:
                what = "connection ended" if connection.handshake_done else "handshake failed"
                self.warn(what, failure)
            if isinstance(failure, AuthenticationFailed):
                self.event(EVENT_HANDSHAKE_FAILED_AUTH, failure.code)
            elif isinstance(failure, ProtocolError):
                self.event(EVENT_HANDSHAKE_FAILED_PROTOCOL, failure.code)
            elif failure is not None:
                self.event(EVENT_HANDSHAKE_FAILED_NO_DETAIL, getattr(failure, "errno", 0) or EPIPE)
        else:
            # Warn about a peer that violated the protocol, but not about one that left.
            if isinstance(failure, ProtocolError):
                self.warn("disconnected", failure)
            else:
                LOG.debug(
                    "%s: peer %s: disconnected: %s",
                    self.endpoint,
                    self.peer_address,
                    failure or "by this side",
                )
        if failure is not None:
            self.event(EVENT_DISCONNECTED, self.fd)

    def warn(self, what: str, failure: Any) -> None:
        """Log a failure that the peer can cause repeatedly.

        It is always logged at DEBUG. The limiter decides whether it is also logged at WARNING."""
        number = getattr(failure, "code", None) or getattr(failure, "errno", None)
        self.limiter.warn(
            LOG,
            (what, type(failure), number),
            "%s: peer %s: %s: %s%s",
            self.endpoint,
            self.peer_address,
            what,
            failure,
            self.consequence(failure),
            otherwise=DEBUG,
        )

    def consequence(self, failure: Any) -> str:
        """Return a text that tells what follows from a failure, to append to its log record."""
        return ""

    def lend(self) -> None:
        """Let the event loop that uses the socket serve the connection."""
        if self.connection is not None:
            self.connection.lend()

    def reclaim(self) -> None:
        """Serve the connection in the I/O thread again."""
        if self.connection is not None:
            self.connection.reclaim()

    def abort(self) -> None:
        """Reset in a forked child: neither read nor write any more."""
        if self.linger_timer is not None:
            self.linger_timer.stop()
        if self.connection is not None:
            self.connection.abort()

    def event(self, kind: int, value: int) -> None:
        self.socket.event(kind, value, self.identifier, self)

    def finish(self) -> None:
        """End the session: nothing is left to send, or it was given up."""
        if self.linger_timer is not None:
            self.linger_timer.stop()
            self.linger_timer.close()
            self.linger_timer = None
        self.unregister()

    def unregister(self) -> None:
        self.loop.unregister(self)
        self.counts.retire()
        self.socket.peers.session_ended(self)

    def stop_if_unattached(self) -> None:
        """Stop after the socket was closed, unless the end of the pipe will stop the session."""
        if self.pipe is None:
            self.stop()


def add_properties(metadata: dict[str, str], told: dict[bytes, bytes]) -> None:
    """Add the properties ``told`` (dict of bytes) to ``metadata`` (dict of str)."""
    for name, value in told.items():
        metadata.setdefault(text_of(name, "latin-1"), text_of(value, "utf-8"))


def frame_max(socket_type: int, options: Options) -> int:
    """Return the limit of a frame's size, -1 for none. A PUB receives only subscriptions."""
    limit = options.maxmsgsize
    if socket_type != PUB or not options.command_max:
        return limit
    return options.command_max if limit < 0 else min(limit, options.command_max)


class AcceptedSession(Session):
    """The session of a single connection that a listener accepted."""

    def __init__(self, listener: Any, loop: Any, peer_address: str) -> None:
        self.listener = listener
        self.stopped = False
        Session.__init__(
            self,
            listener.socket,
            loop,
            listener.options,
            listener.endpoint,
            listener.link,
            listener.limiter,
        )
        self.peer_address = peer_address

    def start(self, sock: Any) -> None:
        """Serve the peer, in the thread of this session's loop."""
        if self.stopped or self.socket.closed:
            # The socket was closed during the accept, and may have missed this session.
            sock.close()
            self.listener.on_handshake_over(self)
            self.finish()
            return
        try:
            connection = self.open_connection(sock)
        except Exception:
            # A TLS context of the program may raise anything. Only this peer must suffer.
            LOG.exception(
                "%s: peer %s: the connection cannot be set up", self.endpoint, self.peer_address
            )
            self.listener.on_handshake_over(self)
            self.finish()
            return
        connection.start()

    def abort_slow_handshake(self) -> None:
        """End a handshake that takes long, because others wait (HANDSHAKES_MAX)."""
        connection = self.connection
        if connection is None:
            self.stopped = True
        elif not connection.handshake_done:
            connection.fail(
                Disconnected(
                    ECONNABORTED, "as many handshakes as HANDSHAKES_MAX allows were unfinished"
                )
            )

    def connection_ready(self, connection: Connection) -> None:
        self.listener.on_handshake_over(self)
        routing_id, metadata = self.report_ready(connection)
        self.pipe = self.socket.peers.make_pipe(self, routing_id, metadata, False)
        self.activate(connection)

    def connection_ended(self, connection: Connection, failure: Any) -> None:
        if not connection.handshake_done:
            self.listener.on_handshake_over(self)
        self.report_end(connection, failure)
        if self.pipe is not None:
            self.pipe.terminate()
        self.finish()

    def stop(self) -> None:
        """Stop the session, because the socket was closed before the handshake was done."""
        self.stopped = True
        if self.connection is not None:
            self.connection.close()
