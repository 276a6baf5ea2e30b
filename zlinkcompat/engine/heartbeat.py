"""Heartbeats of one connection: PING, PONG and the timers that find a dead peer.

Source: RFC 37 "Connection Heartbeating"; libzmq ``src/stream_engine_base.cpp`` (timers) and
``doc/zmq_setsockopt.adoc`` (HEARTBEAT_IVL, HEARTBEAT_TTL, HEARTBEAT_TIMEOUT).
"""

from zlinkcompat.wire.zmtp.commands import Ping

#: Turns of the loop in which a peer may still be heard when its time is over, and seconds for each.
GRACE_ITERATIONS = 3
GRACE_INTERVAL = 0.001


class Heartbeat:
    """Timers of a connection that pings, or is pinged with a time to live.

    Parameters
    ----------
    connection : Connection
        Its ``send_heartbeat`` and ``expire`` are used.
    options
        ``heartbeat_ivl``, ``heartbeat_timeout``, ``heartbeat_ttl`` in milliseconds.
    """

    def __init__(self, connection, options):
        self.connection = connection
        self.loop = connection.engine.loop
        interval = options.heartbeat_ivl
        # -1 stands for the interval; 0 never gives up.
        timeout = options.heartbeat_timeout
        self.timeout = interval if timeout < 0 else timeout
        self.ttl_ds = options.heartbeat_ttl // 100
        self.interval_timer = None
        self.timeout_timer = None
        self.ttl_timer = None
        # Of the PING whose answer is awaited: whether bytes before it are on their way, where it
        # ends among all bytes written (-1: it is not written), and how many of those the peer's
        # host had acknowledged when that was last asked.
        self.is_queued = False
        self.ping_end = -1
        self.acknowledged = 0
        if interval > 0:
            self.interval_timer = self.loop.timer(interval / 1000.0, interval / 1000.0)
            self.interval_timer.start(connection.engine.call_guarded, self.ping)

    def ping(self):
        connection = self.connection
        acknowledged = connection.acknowledged()
        # Armed first: the program's thread may read the answer before this one goes on.
        arms = self.timeout_timer is None and self.timeout > 0
        if arms:
            self.acknowledged = acknowledged
            self.is_queued = acknowledged < connection.bytes_out or connection.has_unwritten()
            self.ping_end = -1
            self.timeout_timer = self.arm(self.timeout / 1000.0, self.expire_timeout)
        connection.send_heartbeat(Ping(self.ttl_ds, b""))

    def pinged(self, ttl_ds):
        """The peer wants to be given up when it is silent for ``ttl_ds`` tenths of a second."""
        if self.ttl_timer is None and ttl_ds > 0:
            self.ttl_timer = self.arm(ttl_ds / 10.0, self.connection.expire)

    def is_armed(self):
        """Tell whether :meth:`reset_timers` makes a difference. Called from any thread."""
        return self.timeout_timer is not None or self.ttl_timer is not None

    def reset_timers(self):
        """Bytes came from the peer: it lives."""
        if self.timeout_timer is not None:
            self.timeout_timer = self.disarm(self.timeout_timer)
        if self.ttl_timer is not None:
            self.ttl_timer = self.disarm(self.ttl_timer)

    def stop(self):
        self.reset_timers()
        if self.interval_timer is not None:
            self.interval_timer = self.disarm(self.interval_timer)

    def arm(self, seconds, give_up):
        timer = self.loop.timer(seconds, GRACE_INTERVAL)
        timer.start(
            self.connection.engine.call_guarded, self.expire, give_up, iter(range(GRACE_ITERATIONS))
        )
        return timer

    def disarm(self, timer):
        timer.stop()
        timer.close()
        return None

    def expire(self, give_up, turns):
        # A loop serves its timers before what came in. Where it stood still for so long, because a
        # greenlet computed or the machine was busy, the answer may be there, unread.
        if next(turns, None) is None:
            give_up()

    def expire_timeout(self):
        """HEARTBEAT_TIMEOUT is over. It counts from when the PING reached the peer's host.

        While the PING waits behind messages, the peer lives if its host acknowledges bytes of
        them: one large message on a slow line may take longer than the timeout."""
        connection = self.connection
        acknowledged = connection.acknowledged()
        if self.is_queued:
            if self.ping_end < 0 and not connection.has_unwritten():
                self.ping_end = connection.bytes_out
            self.is_queued = self.ping_end < 0 or acknowledged < self.ping_end
            if not self.is_queued or acknowledged > self.acknowledged:
                self.acknowledged = acknowledged
                self.disarm(self.timeout_timer)
                self.timeout_timer = self.arm(self.timeout / 1000.0, self.expire_timeout)
                return
        connection.expire()
