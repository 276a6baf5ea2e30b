"""The counters of a session's connections: their number, times, bytes and failures."""

from __future__ import annotations

from errno import ETIMEDOUT
from itertools import count
from time import monotonic, time
from typing import TYPE_CHECKING, Any

from zlinkcompat.engine.errors import Disconnected
from zlinkcompat.wire.errors import AuthenticationFailed, ProtocolError

if TYPE_CHECKING:
    from zlinkcompat.engine.connection import Connection
    from zlinkcompat.wire.zmtp.handshake import Handshake


_next_number = count(1).__next__


class SessionCounts:
    """The counters of one session, which its thread writes and any thread reads.

    Parameters
    ----------
    totals : zlinkcompat.routing.counts.Totals or None
        The counters of the socket.

    Attributes
    ----------
    number : int
        The number of the current or last connection, unique in this process; 0: there was none.
    mechanism : str
        The mechanism of the current connection; "" for a raw one, or while there is none.
    connected_since : float
        When its handshake was done, in seconds as ``time.time()``; 0.0 while there is none.
    handshake_seconds : float
        How long the handshake took: that of the current connection, or else of the last one.
    bytes_in, bytes_out : int
        The bytes of earlier connections.
    routing_id : bytes
        The routing id that the peer has sent.
    metadata : dict or None
        The properties of the current or last peer, before the socket's own thread knows them.
    addresses : tuple of str or None
        The local and the remote address of the current connection, once a record has needed them.
    """

    __slots__ = (
        "totals",
        "number",
        "mechanism",
        "opened_at",
        "connected_since",
        "handshake_seconds",
        "was_connected",
        "bytes_in",
        "bytes_out",
        "addresses",
        "metadata",
        "routing_id",
    )

    def __init__(self, totals: Any) -> None:
        self.totals = totals
        if totals is not None:
            totals.has_sessions = True
        self.number = 0
        self.mechanism = ""
        self.opened_at = 0.0
        self.connected_since = 0.0
        self.handshake_seconds = 0.0
        self.was_connected = False
        self.bytes_in = 0
        self.bytes_out = 0
        self.addresses: Any = None
        self.metadata: Any = None
        self.routing_id = b""

    def on_opened(self) -> None:
        """Called when a connection begins its handshake."""
        self.number = _next_number()
        self.opened_at = monotonic()
        self.addresses = None

    def on_identified(self, routing_id: bytes, metadata: dict[str, str]) -> None:
        """Called when the peer has sent its properties."""
        self.routing_id = routing_id
        self.metadata = metadata

    def on_ready(self, handshake: Handshake | None) -> None:
        """Called when the handshake is done; ``handshake`` is None for a raw connection."""
        self.handshake_seconds = monotonic() - self.opened_at
        self.connected_since = time()
        if handshake is not None:
            self.mechanism = handshake.mechanism.name.decode()
        if self.was_connected:
            self.totals.count_reconnect()
        self.was_connected = True

    def on_ended(self, connection: Connection, failure: Any) -> None:
        """Called when ``connection`` has ended.

        ``failure`` is the exception that ended it, or None if this side ended it."""
        self.mechanism = ""
        self.connected_since = 0.0
        self.bytes_in += connection.decoder.position
        self.bytes_out += connection.bytes_out
        if not connection.handshake_done:
            if failure is not None:
                self.totals.count_failed_handshake(reason_of(failure))
        elif isinstance(failure, Disconnected) and failure.errno == ETIMEDOUT:
            self.totals.count_lost_heartbeat()

    def retire(self) -> None:
        """Add the bytes to those of the socket, because the session ends."""
        totals = self.totals
        totals.begin_change()
        sums = {"bytes_in": self.bytes_in, "bytes_out": self.bytes_out}
        self.bytes_in = self.bytes_out = 0
        totals.end_change(sums)


def reason_of(failure: Any) -> str:
    """Return why a handshake failed: "authentication", "protocol", "timeout" or "closed"."""
    if isinstance(failure, AuthenticationFailed):
        return "authentication"
    if isinstance(failure, ProtocolError):
        return "protocol"
    return "timeout" if getattr(failure, "errno", 0) == ETIMEDOUT else "closed"


#: The counts that a record shows for a peer without a session (an inproc peer).
NO_SESSION = SessionCounts(None)
