"""The counters that are always on: dropped messages by reason, and sums of peers that have left.

A dropped message is counted twice: for the end of the pipe where it was dropped, and for the
socket. Messages that were sent and received are not counted one by one. Their numbers follow from
the positions in a pipe's queues (``traffic.py``). When a peer leaves, they are added to the
socket's sums.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat._runtime.compiled import COMPILED
from zlinkcompat._runtime.gevent_support import get_original

if TYPE_CHECKING:
    from zlinkcompat.routing.pipe import Pipe


# Reentrant, because a signal handler may send in the middle of a count.
RLock = get_original("_thread", "RLock")

#: The fields of :class:`Drops`; ``zlinkcompat.debug.records`` explains each of them.
REASONS = (
    "hwm",
    "unroutable",
    "linger",
    "conflate",
    "filter",
    "protocol",
    "too_large",
    "disconnect",
    "unread",
)


#: The fields of :class:`Totals` that are plain sums.
SUMS = (
    "messages_in",
    "messages_out",
    "bytes_in",
    "bytes_out",
    "reconnects",
    "heartbeats_lost",
)


class Drops:
    """Dropped messages by reason: one int for each of :data:`REASONS`."""

    def __init__(self) -> None:
        self.hwm = 0
        self.unroutable = 0
        self.linger = 0
        self.conflate = 0
        self.filter = 0
        self.protocol = 0
        self.too_large = 0
        self.disconnect = 0
        self.unread = 0

    def add(self, reason: str, count: int) -> None:
        """Add ``count`` messages to the drops because of ``reason``."""
        if reason == "hwm":
            self.hwm += count
        elif reason == "filter":
            self.filter += count
        elif reason == "unroutable":
            self.unroutable += count
        elif reason == "conflate":
            self.conflate += count
        elif reason == "protocol":
            self.protocol += count
        elif reason == "linger":
            self.linger += count
        elif reason == "disconnect":
            self.disconnect += count
        elif reason == "too_large":
            self.too_large += count
        else:
            self.unread += count


class Totals:
    """The counters of one socket, without the messages and bytes of its present peers.

    Attributes
    ----------
    drops : Drops
        The drops of present peers are included.
    messages_in, messages_out, bytes_in, bytes_out : int
        The sums over peers that have left.
    reconnects, heartbeats_lost : int
    handshakes_failed : dict of str to int
        By reason.
    has_sessions : bool
        Whether the socket has, or had, a peer over a transport that moves bytes.
    begun, finished : int
        How often a change of the sums was begun and finished, because a peer left. While the two
        numbers differ, a reader may see that peer neither among the present peers nor in the sums.
    """

    def __init__(self) -> None:
        self.drops = Drops()
        self.messages_in = 0
        self.messages_out = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.reconnects = 0
        self.heartbeats_lost = 0
        self.handshakes_failed: dict[Any, Any] = {}
        self.has_sessions = False
        self.begun = 0
        self.finished = 0
        self.lock = None if COMPILED else RLock()

    def count_dropped(self, reason: str, count: int = 1) -> None:
        """Count dropped messages that concern this socket."""
        if self.lock is None:
            self.drops.add(reason, count)
        else:
            with self.lock:
                self.drops.add(reason, count)

    def count_failed_handshake(self, reason: str) -> None:
        """Count a handshake that failed because of ``reason`` (str)."""
        if self.lock is None:
            self.handshakes_failed[reason] = self.handshakes_failed.get(reason, 0) + 1
            return
        with self.lock:
            self.handshakes_failed[reason] = self.handshakes_failed.get(reason, 0) + 1

    def count_reconnect(self) -> None:
        """Count a connection of a connected endpoint after its first one."""
        if self.lock is None:
            self.reconnects += 1
            return
        with self.lock:
            self.reconnects += 1

    def count_lost_heartbeat(self) -> None:
        """Count a connection that ended because the peer was silent for too long."""
        if self.lock is None:
            self.heartbeats_lost += 1
            return
        with self.lock:
            self.heartbeats_lost += 1

    def begin_retiring(self, end: Any) -> bool:
        """Tell whether to add the counts of ``end``'s pipe to the sums. True only once per pipe."""
        if self.lock is None:
            return self.mark_retired(end)
        with self.lock:
            return self.mark_retired(end)

    def mark_retired(self, end: Pipe) -> bool:
        if end.retired:
            return False
        self.begun += 1
        end.retired = True
        return True

    def begin_change(self) -> None:
        """Mark the sums as being changed, until :meth:`end_change`."""
        if self.lock is None:
            self.begun += 1
            return
        with self.lock:
            self.begun += 1

    def end_change(self, sums: dict[str, int]) -> None:
        """Add ``sums`` (dict of attribute name to int), and mark the change as finished."""
        if self.lock is None:
            self.add(sums)
            return
        with self.lock:
            self.add(sums)

    def add_totals(self, other: Totals) -> None:
        """Add the counters of a socket that has ended."""
        self.begin_change()
        self.has_sessions = self.has_sessions or other.has_sessions
        for reason in REASONS:
            count = getattr(other.drops, reason)
            if count:
                self.count_dropped(reason, count)
        for reason, count in other.handshakes_failed.items():
            self.handshakes_failed[reason] = self.handshakes_failed.get(reason, 0) + count
        self.end_change({name: getattr(other, name) for name in SUMS})

    def add(self, sums: dict[str, int]) -> None:
        for name in sums:
            setattr(self, name, getattr(self, name) + sums[name])
        self.finished += 1


class CountedEnd:
    """The counters of one end of a pipe, the base of :class:`~.pipe.Pipe`.

    Attributes
    ----------
    drops : Drops or None
        The messages that this end's owner dropped; None if it has not dropped any.
    totals : Totals or None
        The counters of the socket to which the pipe belongs.
    is_session_end : bool
        Whether the end belongs to a session, and not to a socket.
    retired : bool
        Whether the counts of this pipe are in the sums of its socket.
    arrived_before, taken_before : int, messages
        How many messages went into, and out of, earlier queues that ``inq`` has replaced.
    commands_in, commands_out : int
        Subscriptions that were read from, and written to, this end's queues. They are not messages.
    is_watched : bool
        Whether the flow watch checks this end for warnings.
    drops_seen : int, messages
        The drops because of the high-water mark that the flow watch has already seen.
    commands_cleared, commands_lost : int
        Subscriptions that nobody read: removed from ``inq`` by this end, and left in ``outq`` when
        the other end had gone.
    """

    def __init__(self) -> None:
        self.drops: Drops = None
        self.totals: Totals = None
        self.is_session_end = False
        self.retired = False
        self.is_watched = False
        self.drops_seen = 0
        self.arrived_before = 0
        self.taken_before = 0
        self.commands_in = 0
        self.commands_out = 0
        self.commands_cleared = 0
        self.commands_lost = 0

    def count_dropped(self, reason: str, count: int = 1) -> None:
        """Count messages that this end's owner drops.

        Parameters
        ----------
        reason : str
            One of :data:`REASONS`.
        count : int, messages
        """
        if self.drops is None:
            self.drops = Drops()
        self.drops.add(reason, count)
        if self.totals is not None:
            self.totals.count_dropped(reason, count)
