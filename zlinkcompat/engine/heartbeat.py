"""Heartbeats of one connection: PING, PONG and the timers that find a dead peer.

Source: RFC 37 "Connection Heartbeating"; libzmq ``src/stream_engine_base.cpp`` (timers) and
``doc/zmq_setsockopt.adoc`` (HEARTBEAT_IVL, HEARTBEAT_TTL, HEARTBEAT_TIMEOUT).
"""

from __future__ import annotations

from errno import ETIMEDOUT
from typing import TYPE_CHECKING, Any

from zlinkcompat.engine.errors import Disconnected
from zlinkcompat.wire.zmtp.commands import Ping

if TYPE_CHECKING:
    from collections.abc import Callable

    from zlinkcompat.engine.connection import Connection
    from zlinkcompat.engine.writer import Writer


#: After a peer's timeout, this many loop iterations may still read bytes from it; and the seconds
#: that each of them takes.
GRACE_ITERATIONS = 3
GRACE_INTERVAL = 0.001


class Heartbeat:
    """Timers of a connection that pings, or is pinged with a time to live.

    Parameters
    ----------
    connection : Lifecycle
        It is failed when the peer is silent for too long.
    writer : Writer
        It sends the PINGs.
    """

    def __init__(self, connection: Connection, writer: Writer) -> None:
        self.connection = connection
        self.writer = writer
        options = connection.session.options  # the times are in milliseconds
        self.gevent_loop = connection.loop.gevent_loop
        interval = options.heartbeat_ivl
        # -1 means the same as the interval; 0 means no timeout.
        timeout = options.heartbeat_timeout
        self.timeout = interval if timeout < 0 else timeout
        self.ttl_ds = options.heartbeat_ttl // 100
        self.interval_timer: Any = None
        self.timeout_timer = None
        self.ttl_timer = None
        # The state of the PING whose PONG has not come yet. ``is_queued``: whether the peer's host
        # has not acknowledged all bytes up to the end of the PING. ``ping_end``: the offset of the
        # PING's end in all bytes written; -1 until the PING is written. ``acknowledged``: how many
        # bytes the peer's host had acknowledged at the last check.
        self.is_queued = False
        self.ping_end = -1
        self.acknowledged = 0
        if interval > 0:
            self.interval_timer = self.gevent_loop.timer(interval / 1000.0, interval / 1000.0)
            self.interval_timer.start(connection.loop.call_guarded, self.ping)

    def ping(self) -> None:
        connection = self.connection
        acknowledged = self.writer.acknowledged()
        # Arm the timer first: the application thread may read the PONG before this method returns.
        arms = self.timeout_timer is None and self.timeout > 0
        if arms:
            self.acknowledged = acknowledged
            self.is_queued = acknowledged < connection.bytes_out or self.writer.has_unwritten()
            self.ping_end = -1
            self.timeout_timer = self.arm(self.timeout / 1000.0, self.expire_timeout)
        self.writer.send_heartbeat(Ping(self.ttl_ds, b""))

    def pinged(self, ttl_ds: int) -> None:
        """Handle a PING: end the connection if the peer is then silent for ``ttl_ds`` * 0.1 s."""
        if self.ttl_timer is None and ttl_ds > 0:
            self.ttl_timer = self.arm(ttl_ds / 10.0, self.fail)

    def is_armed(self) -> bool:
        """Tell whether :meth:`reset_timers` has an effect. Called from any thread."""
        return self.timeout_timer is not None or self.ttl_timer is not None

    def reset_timers(self) -> None:
        """Bytes arrived, so the peer is alive: stop the timers."""
        if self.timeout_timer is not None:
            self.timeout_timer = self.disarm(self.timeout_timer)
        if self.ttl_timer is not None:
            self.ttl_timer = self.disarm(self.ttl_timer)

    def stop(self) -> None:
        self.reset_timers()
        if self.interval_timer is not None:
            self.interval_timer = self.disarm(self.interval_timer)

    def arm(self, seconds: float, give_up: Callable[..., Any]) -> Any:
        timer = self.gevent_loop.timer(seconds, GRACE_INTERVAL)
        timer.start(
            self.connection.loop.call_guarded, self.expire, give_up, iter(range(GRACE_ITERATIONS))
        )
        return timer

    def disarm(self, timer: Any) -> Any:
        timer.stop()
        timer.close()
        return

    def expire(self, give_up: Callable[..., Any], turns: Any) -> None:
        # A loop runs its timers before it reads sockets. If the loop was late, because a greenlet
        # computed or the machine was busy, the PONG may have arrived without being read.
        if next(turns, None) is None:
            give_up()

    def expire_timeout(self) -> None:
        """Handle the end of HEARTBEAT_TIMEOUT, which starts when the peer's host has the PING.

        One large message on a slow link can take longer than the timeout. So while messages queue
        in front of the PING, the peer counts as alive as long as its host acknowledges their bytes.
        """
        connection = self.connection
        acknowledged = self.writer.acknowledged()
        if self.is_queued:
            if self.ping_end < 0 and not self.writer.has_unwritten():
                self.ping_end = connection.bytes_out
            self.is_queued = self.ping_end < 0 or acknowledged < self.ping_end
            if not self.is_queued or acknowledged > self.acknowledged:
                self.acknowledged = acknowledged
                self.disarm(self.timeout_timer)
                self.timeout_timer = self.arm(self.timeout / 1000.0, self.expire_timeout)
                return
        self.fail()

    def fail(self) -> None:
        self.connection.fail(
            Disconnected(ETIMEDOUT, "the peer was silent for longer than heartbeats allow")
        )
