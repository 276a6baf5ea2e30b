"""Warnings about slow consumers, and about drops that go on.

A pipe is watched from the moment when its flow stops: the transport accepts no more, there is no
connection, the other socket of this process has not read yet, or a message is dropped. While pipes
are watched, a timer of the loop looks at them now and then, and marks the time for the ages of
messages. A pipe that flows again is not watched any longer. So nothing here costs anything while
messages flow.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from zlinkcompat import tuning
from zlinkcompat._runtime.clock import monotonic_ns
from zlinkcompat._runtime.log_limiter import LogLimiter
from zlinkcompat._runtime.log_queue import Log
from zlinkcompat.engine import peer_names
from zlinkcompat.engine.loop import current_loop
from zlinkcompat.sockopt import EVENT_DROPS, EVENT_SLOW_CONSUMER

if TYPE_CHECKING:
    from zlinkcompat.core.socket import CoreSocket
    from zlinkcompat.routing.pipe import Pipe


LOG = Log("zlinkcompat.engine")

#: A watched pipe is checked this many times within the shorter of the two limits, and at least once
#: a second.
CHECKS = 4
INTERVAL_MAX = 1.0
INTERVAL_MIN = 0.005

#: The limiter allows at most this many warnings of one kind about one endpoint per interval.
AT_ONCE = 10


def watch(socket: CoreSocket, pipe: Pipe) -> None:
    """Watch a socket's end of a pipe whose flow has stopped. Any thread may call this."""
    session = peer_names.session_of(pipe)
    loop = None if session is None else session.loop
    if loop is None:
        loop = socket.loop
    if loop is None and socket.io_threads is not None:
        loop = socket.io_threads.least_loaded_loop(0)
    elif loop is None:
        loop = current_loop()
    if loop is not None:
        loop.call(watch_in_loop, (loop, socket, pipe))


def watch_in_loop(loop: Any, socket: CoreSocket, pipe: Pipe) -> None:
    if loop.flow_watch is None:
        loop.flow_watch = FlowWatch(loop)
    loop.flow_watch.add(socket, pipe)


class FlowWatch:
    """The watched pipes of one loop, in whose thread everything here runs.

    Parameters
    ----------
    loop : IOLoop
    """

    def __init__(self, loop: Any) -> None:
        self.loop = loop
        self.slow_ns = tuning.get("slow_consumer") * 1_000_000
        self.drops_ns = tuning.get("drops_warning") * 1_000_000
        self.episodes: dict[Any, Any] = {}  # pipe -> Episode
        self.limiter = LogLimiter()
        self.timer: Any = None

    def add(self, socket: CoreSocket, pipe: Pipe) -> None:
        """Begin to watch a pipe."""
        if pipe in self.episodes:
            return
        pipe.peer.inq.mark(monotonic_ns())
        self.episodes[pipe] = Episode(self, socket, pipe)
        if self.timer is None:
            # Without limits nothing is logged, but records still tell the age of messages.
            limits = [limit / 1e9 for limit in (self.slow_ns, self.drops_ns) if limit]
            interval = min([each / CHECKS for each in limits], default=INTERVAL_MAX)
            interval = min(max(interval, INTERVAL_MIN), INTERVAL_MAX)
            # Use ref=False: a program that waits for nothing else must still get LoopExit.
            self.timer = self.loop.gevent_loop.timer(interval, interval, ref=False)
            self.timer.start(self.loop.call_guarded, self.check)

    def check(self) -> None:
        now = monotonic_ns()
        for pipe, episode in list(self.episodes.items()):
            if episode.check(now):
                continue
            # Another thread may stop the flow at this moment, before it sees that the watch has
            # ended. So check the pipe once more.
            pipe.is_watched = False
            if episode.check(now):
                pipe.is_watched = True
            else:
                del self.episodes[pipe]
        if not self.episodes:
            self.stop()

    def stop(self) -> None:
        """Stop the timer, because nothing is watched or the loop ends."""
        self.episodes.clear()
        timer, self.timer = self.timer, None
        if timer is not None:
            with suppress(ValueError):  # the loop is destroyed already
                timer.stop()
                timer.close()

    def warn(self, episode: Episode, what: str, text: str, *args: Any) -> None:
        """Log a warning about a peer, unless there were many such warnings about its endpoint."""
        pipe, session = episode.pipe, peer_names.session_of(episode.pipe)
        slot = 0 if session is None else session.counts.number % AT_ONCE
        self.limiter.warn(
            LOG,
            (what, pipe.endpoint, slot),
            f"%s: %s: {text}",
            episode.socket.display_name(),
            peer_names.describe(pipe, session),
            *args,
        )


class Episode:
    """The state of the watch of one pipe."""

    def __init__(self, watch: FlowWatch, socket: CoreSocket, pipe: Pipe) -> None:
        self.watch = watch
        self.socket = socket
        self.pipe = pipe
        self.is_slow = False
        self.full_since = -1  # ns; -1 while there is room
        # The drops of the present phase: their count before it, at the last check, and when the
        # phase began (ns); -1 while nothing is dropped.
        self.dropped_before = self.dropped = pipe.drops_seen
        self.drops_began = -1
        self.drops_ended = -1
        self.told_drops = False

    def check(self, now: int) -> bool:
        """Check the pipe, and warn if it is time. Return whether to go on watching it."""
        pipe = self.pipe
        if self.socket.closed or pipe.closed:
            self.end_drops(now)
            return False
        flows = self.check_queue(now)
        return not (self.check_drops(now) and flows)

    def check_queue(self, now: int) -> Any:
        """Warn if the oldest message waits, or the queue is full, for too long.

        Returns
        -------
        bool
            Whether nothing has waited since the last check."""
        queue = self.pipe.peer.inq
        age = queue.oldest_waiting(now)
        queue.mark(now)
        if not queue.is_full():
            self.full_since = -1
        elif self.full_since < 0:
            self.full_since = now
        full = now - self.full_since if self.full_since >= 0 else 0
        limit = self.watch.slow_ns
        if not (limit and (age or self.full_since >= 0)):
            self.is_slow = False
        elif not self.is_slow and max(age, full) >= limit:
            self.is_slow = True
            self.warn_of_slow_consumer(queue.tail - queue.head, age, full)
        return not age and self.full_since < 0

    def warn_of_slow_consumer(self, count: int, age: Any, full: Any) -> None:
        text = "slow consumer: %d messages wait, the oldest for %.1f s"
        numbers = [count, age / 1e9]
        if full > age:
            text += "; the queue has been full for %.1f s"
            numbers.append(full / 1e9)
        self.watch.warn(self, "slow", text, *numbers)
        self.socket.peer_event(EVENT_SLOW_CONSUMER, max(age, full) // 1_000_000, self.pipe)

    def check_drops(self, now: int) -> bool:
        """Warn if drops go on or have ended. Return whether nothing is dropped."""
        limit = self.watch.drops_ns
        pipe = self.pipe
        drops = pipe.drops
        count = 0 if drops is None else drops.hwm
        if not limit:
            return True
        if count > self.dropped:
            if self.drops_began < 0:
                self.dropped_before = self.dropped
                self.drops_began = now
            self.dropped = pipe.drops_seen = count
            self.drops_ended = now
            if now - self.drops_began >= limit and not self.told_drops:
                self.told_drops = True
                self.watch.warn(
                    self,
                    "drops",
                    "drops began: %d messages in %.1f s; its queue is full",
                    count - self.dropped_before,
                    (now - self.drops_began) / 1e9,
                )
                self.socket.peer_event(EVENT_DROPS, count - self.dropped_before, self.pipe)
            return False
        if self.drops_began >= 0 and now - self.drops_ended < limit:
            return False
        self.end_drops(now)
        return True

    def end_drops(self, now: int) -> None:
        """If drops were warned of, warn that they have ended, with their number.

        Reset the state."""
        if self.told_drops:
            count = self.dropped - self.dropped_before
            self.watch.warn(
                self,
                "drops ended",
                "drops ended: %d messages in %.1f s",
                count,
                (self.drops_ended - self.drops_began) / 1e9,
            )
            self.socket.peer_event(EVENT_DROPS, 0, self.pipe)
        self.told_drops = False
        self.drops_began = -1
