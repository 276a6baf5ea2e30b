"""Pipes: bounded queues of whole messages between a socket and one peer.

A message is one object: ``bytes`` or a ``Frame`` for a single frame, a ``list`` of those for a
multipart message. It is queued, counted and dropped as a whole, so no partial message exists.

A pipe has two ends, created together by :func:`pipe_pair`. Each end belongs to a *sink*: the
pattern of a socket, or a connection. Writing never blocks and never switches greenlets. A sink is
told when the other side makes progress, and decides what to wake.

The ends may belong to different threads. Each end then has the *mailbox* of its owner, which tells
its sink. The queues need no lock, because each has one reader and one writer, and each operation
runs without releasing the GIL (in the pure build, see ``locked_queue.py``). To avoid lost
wake-ups, a reader that finds the queue empty sets ``reader_waits`` and then re-checks the queue; a
writer publishes the message first and then tests ``reader_waits``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat._runtime.clock import monotonic_ns
from zlinkcompat._runtime.compiled import COMPILED
from zlinkcompat.routing import traffic
from zlinkcompat.routing.counts import CountedEnd
from zlinkcompat.routing.mailbox import Mailbox
from zlinkcompat.routing.message_queue import MessageQueue

if TYPE_CHECKING:
    from collections.abc import Callable

    from zlinkcompat.wire.zmtp.commands import Subscribe


class PipeSink:
    """The holder of a pipe end, which is told about events at the other end.

    Each method gets the holder's own end. It is called in the greenlet of the other end's holder
    or, between threads, by the owner of the mailbox. It must not block, and must not raise.
    """

    def read_activated(self, pipe: Any) -> None:
        """Called when there is a message to read, after a read found none."""

    def write_activated(self, pipe: Any) -> None:
        """Called when there is room to write, after a write found none."""

    def try_flush_inline(self, pipe: Pipe) -> bool:
        """Do the same as :meth:`read_activated`, but in the thread of the other end's holder.

        Returns
        -------
        bool
            False if the owner of this end must be told instead."""
        return False

    def room_made(self, pipe: Pipe) -> bool:
        """Do the same as :meth:`write_activated`, but in the thread of the other end's holder.

        Returns
        -------
        bool
            False if the owner of this end must be told instead."""
        return False

    def pipe_terminated(self, pipe: Any) -> None:
        """Handle the termination of the other end: later writes will not be read.

        Messages that arrived before can still be read."""

    def hiccuped(self, pipe: Any) -> None:
        """Called when the other end has a new connection, which knows no earlier messages."""

    def flow_stopped(self, pipe: Any) -> None:
        """Called when messages wait in this end, or are dropped, for the first time or again.

        Any thread may call this."""

    def on_protocol_violation(self, pipe: Any, text: str) -> None:
        """Called when a message written here violates the rules of the other end's pattern."""

    def try_read(self, pipe: Pipe) -> int:
        """Produce a message for the waiting other end, if that is possible without waiting.

        Returns
        -------
        int
            1: something was written to the pipe. 0: nothing is available now.
            -1: this sink cannot produce by itself (the other side of an inproc pipe)."""
        return -1


class PipeEnd(CountedEnd):
    """The life of one end of a pipe, and the messages that are lost with it.

    Attributes
    ----------
    sink : PipeSink
        The holder of this end. None once this end is terminated.
    peer : Pipe
        The other end.
    mailbox : Mailbox or None
        The mailbox of this end's owner; None for a pipe within one thread.
    """

    def __init__(self, inq: Any, outq: Any) -> None:
        CountedEnd.__init__(self)
        self.inq = inq
        self.outq = outq
        self.peer: Pipe = None
        self.sink: PipeSink = None
        self.closed = False
        self.peer_closed = False
        self.peer_notified = False
        self.mailbox: Mailbox = None

    # -- called by the other end or, between threads, by the owner of this end -------------

    def post_to_owner(self, function: Callable[..., Any], args: tuple[Any, ...] = ()) -> None:
        """Call ``function`` (a method of this end) in the thread of this end's owner."""
        if self.mailbox is None:
            function(*args)
        else:
            self.mailbox.post(function, args)

    def post_readable(self) -> None:
        """Tell this end's owner, in its own thread, that there are messages."""
        self.mailbox.post(self.activate_read)

    def post_writable(self) -> None:
        """Tell this end's owner, in its own thread, that there is room."""
        self.mailbox.post(self.activate_write)

    def activate_read(self) -> None:
        if not self.closed:
            self.sink.read_activated(self)

    def activate_write(self) -> None:
        if not self.closed:
            self.sink.write_activated(self)

    def peer_terminated(self) -> None:
        if not self.closed:
            self.peer_closed = True
            self.discard_output()
            # Counting drops takes a lock, and another thread may have closed the socket meanwhile.
            sink = self.sink
            if sink is not None:
                sink.pipe_terminated(self)

    def replace_output(self, queue: Any) -> None:
        if not self.closed:
            if queue is not self.outq:
                self.discard_output()
                self.count_conflated(self.outq)
            self.outq = queue
            sink = self.sink
            if sink is not None:
                sink.hiccuped(self)

    def peer_reported_violation(self, text: str) -> None:
        if not self.closed:
            self.sink.on_protocol_violation(self, text)

    # -- the end ---------------------------------------------------------------------------

    def terminate(self) -> None:
        """Terminate this end: drop unread input, and keep written output readable for the peer."""
        if self.closed:
            return
        self.closed = True
        self.discard_input()
        self.sink = None
        self.notify_peer()
        self.retire()

    def close_output(self) -> None:
        """End this side for the peer, but keep received messages readable here.

        Later messages of the peer are dropped. For the holder of this end, it is as if the peer had
        left: the holder terminates this end after reading the last message."""
        if self.closed or self.peer_notified:
            return
        # Keep the messages in a new queue: the peer clears the old one when it hears of the end.
        received = self.inq
        kept = make_queue(0, False)
        self.taken_before += received.head - received.cleared
        while received.tail != received.head:
            kept.push(received.pop())
        self.arrived_before += received.tail - kept.tail
        self.inq = kept
        self.peer_closed = True
        self.notify_peer()

    def notify_peer(self) -> None:
        """Tell the peer, once, that this side has ended."""
        peer = self.peer
        if not self.peer_notified:
            self.peer_notified = True
            if not peer.closed:
                peer.post_to_owner(peer.peer_terminated)

    def hiccup(self) -> None:
        """Tell the socket's end that the connection behind this end was replaced.

        Messages that were written before are dropped."""
        queue = self.inq
        self.discard_input()
        if self.peer.mailbox is not None:
            # Messages that are written before the other end hears of it stay in the old queue.
            self.taken_before += queue.head - queue.cleared
            queue = make_queue(queue.hwm, True, queue.limit)
            queue.conflates = self.inq.conflates
            self.inq = queue
        peer = self.peer
        peer.post_to_owner(peer.replace_output, (queue,))

    def report_violation(self, text: str) -> None:
        """Report that a message read here breaks the pattern's rules: do not trust the peer."""
        peer = self.peer
        peer.post_to_owner(peer.peer_reported_violation, (text,))

    # -- lost messages ---------------------------------------------------------------------

    def discard_input(self) -> None:
        """Drop the messages that were not read here."""
        queue = self.inq
        commands = queue.command_count()
        before = queue.cleared
        queue.clear()
        self.commands_in += commands
        self.commands_cleared += commands
        lost = queue.cleared - before - commands
        if lost > 0:
            self.count_dropped(self.why_unread(), lost)

    def why_unread(self) -> Any:
        """Return the reason for which messages that were not read here are dropped."""
        if not self.is_session_end:
            return "unread"
        return "linger" if self.peer_closed else "disconnect"

    def discard_output(self) -> None:
        """Drop the messages that the other end will not read, and count them.

        Between two sockets, also count the messages that the other end has dropped."""
        queue = self.outq
        lost = 0
        if not (self.is_session_end or self.peer.is_session_end):
            # Between two sockets, each one counts for itself.
            lost = queue.cleared - self.peer.commands_cleared
        commands = queue.command_count()
        lost -= queue.cleared + commands
        queue.clear()
        lost += queue.cleared
        self.commands_lost += commands
        if lost > 0:
            self.count_dropped("unread" if self.is_session_end else "disconnect", lost)

    def count_refused(self) -> None:
        """Count a message that the caller drops, because :meth:`send` did not accept it."""
        if self.closed or self.peer_closed:
            self.count_dropped("disconnect")
            return
        self.count_dropped("hwm")
        self.watch_flow()

    def count_conflated(self, queue: Any) -> None:
        """Count the messages that newer ones replaced in a queue that is no longer used."""
        if queue.conflated:
            self.count_dropped("conflate", queue.conflated)

    def retire(self) -> None:
        """Add the counts of this pipe to those of its socket, when both sides have ended."""
        near = self.peer if self.is_session_end else self
        far = near.peer
        if (
            near.closed
            and (far.closed or not far.is_session_end)
            and near.totals is not None
            and near.totals.begin_retiring(near)
        ):
            traffic.retire(near)

    # -- warnings of a flow that stopped ---------------------------------------------------

    def watch_full(self) -> None:
        """Have warnings about this end considered, because :meth:`send` refused a message."""
        if not (self.closed or self.peer_closed or self.peer.is_session_end):
            self.watch_flow()

    def note_stopped(self) -> None:
        """Note that the messages in this end have to wait. A session calls this on its own end."""
        queue = self.inq
        if queue.tail != queue.head:
            queue.mark(monotonic_ns())
            self.peer.watch_flow()

    def watch_flow(self) -> None:
        """Have warnings about this end considered, because its flow stopped. In any thread."""
        sink = self.sink
        if not self.is_watched and sink is not None:
            self.is_watched = True
            sink.flow_stopped(self)


class Pipe(PipeEnd):
    """One end of a bidirectional pipe: messages are written to it and read from it.

    Full is not an error: :meth:`write` returns False, and the socket type decides (RFC 28 to 31).
    After the other end is terminated, ``write`` returns False as well and ``peer_closed`` is set.

    Attributes
    ----------
    routing_id : bytes
        The peer's own id (RFC 37 ``Identity``), or the id that ROUTER assigned; b"" if unknown.
    metadata : dict or None
        Properties of the peer ("Socket-Type", "Peer-Address", "User-Id", ...), str to str.
    named : bool
        Whether the peer has sent its ``routing_id``, which may be empty.
    locally_initiated : bool
        True for a pipe of a connect, False for one of a bind.
    """

    def __init__(self, inq: MessageQueue, outq: MessageQueue) -> None:
        PipeEnd.__init__(self, inq, outq)
        self.locally_initiated = False
        self.routing_id = b""
        self.named = False
        self.metadata: Any = None
        self.endpoint: Any = None

    # -- in --------------------------------------------------------------------------------

    def check_read(self) -> bool:
        """Tell whether there is a message; if not, the sink will be told when one arrives."""
        queue = self.inq
        if queue.tail != queue.head:
            return True
        queue.reader_waits = True
        return queue.tail != queue.head

    def read(self) -> Any:
        """Remove and return the next message; None if there is none, and tell the sink later."""
        queue = self.inq
        if queue.tail == queue.head:
            queue.reader_waits = True
            if queue.tail == queue.head:
                return None
        message = queue.pop()
        if queue.head - queue.acked >= queue.lwm:
            self.acknowledge()
        return message

    def discard(self, count: int) -> None:
        """Remove ``count`` messages that were read with ``inq.peek`` before."""
        queue = self.inq
        queue.held = max(0, queue.held - count)
        queue.drop(count)
        if queue.head - queue.acked >= queue.lwm:
            self.acknowledge()

    def give_up_first(self, reason: str) -> None:
        """Drop the oldest message, which cannot be delivered."""
        self.inq.cleared += 1
        self.discard(1)
        self.count_dropped(reason)

    def acknowledge(self) -> None:
        """Report to the writer how many messages were read."""
        queue = self.inq
        queue.acked = queue.head
        if queue.writer_waits:
            queue.writer_waits = False
            self.wake_writer(self.peer)

    def wake_writer(self, end: Pipe) -> None:
        if end.mailbox is None:
            end.activate_write()
            return
        sink = end.sink
        if sink is None or not sink.room_made(end):
            end.post_writable()

    def try_read(self) -> int:
        """Ask the other end's holder to produce a message now; see :meth:`PipeSink.try_read`."""
        peer = self.peer
        sink = peer.sink
        if self.peer_closed or sink is None:
            return -1
        return sink.try_read(peer)

    # -- out -------------------------------------------------------------------------------

    def check_write(self) -> bool:
        """Tell whether there is room for a message; if not, the sink will be told later."""
        if self.closed or self.peer_closed:
            return False
        if self.outq.has_room():
            return True
        self.outq.writer_waits = True
        return self.outq.has_room()

    def write(self, message: Any) -> Any:
        """Queue a message; return False, without queueing it, if there is no room."""
        if self.closed or self.peer_closed:
            return False
        queue = self.outq
        if queue.offer(message):
            return True
        # The reader may have made room before it could see that this end is waiting.
        queue.writer_waits = True
        return queue.offer(message)

    def send(self, message: Any) -> bool:
        """Call :meth:`write` and, if it succeeds, :meth:`flush`.

        A refusal runs no Python code, during which another thread could close the socket. So a
        caller whose state is consistent again calls :meth:`watch_full` or :meth:`count_refused`."""
        if self.closed or self.peer_closed:
            return False
        queue = self.outq
        if not queue.offer(message):
            queue.writer_waits = True
            if not queue.offer(message):
                if not self.peer.is_session_end:
                    queue.mark(monotonic_ns())
                return False
        if queue.reader_waits:
            self.flush()
        elif not self.is_watched and not self.peer.is_session_end:
            # Both sockets are in this process, so there is no connection that notices waiting
            # messages.
            self.watch_flow()
        return True

    def write_unbounded(self, message: Any) -> None:
        """Queue a message regardless of the high-water mark (subscriptions, probes of a socket).

        If an end is terminated, the message is dropped."""
        if self.closed or self.peer_closed:
            self.count_dropped("disconnect")
        else:
            self.outq.push(message)

    def write_command(self, command: Subscribe) -> None:
        """Queue a subscription or cancellation, regardless of the high-water mark."""
        if not (self.closed or self.peer_closed):
            self.commands_out += 1
            self.outq.push(command)

    def flush(self) -> None:
        """Tell the reader, if it is waiting, that there are messages."""
        queue = self.outq
        if queue.reader_waits and queue.tail != queue.head and not self.peer_closed:
            # Between threads, only the reader itself clears the flag. A connection that batches
            # leaves it set, and is called for each message.
            peer = self.peer
            if peer.mailbox is None:
                queue.reader_waits = False
                peer.sink.read_activated(peer)
                return
            sink = peer.sink
            if sink is None or not sink.try_flush_inline(peer):
                queue.reader_waits = False
                peer.post_readable()

    # -- options ---------------------------------------------------------------------------

    def set_conflate(self, received: bool, sent: bool) -> None:
        """Keep only the last message (CONFLATE) of the received ones, of the sent ones, or both."""
        if received:
            self.inq.conflates = True
        if sent:
            self.outq.conflates = True

    def set_high_water_marks(self, out: int, back: int) -> None:
        """Change both marks (messages): of messages written here, and of messages read here."""
        self.outq.set_hwm(out)
        self.inq.set_hwm(back)
        for end in (self, self.peer):
            queue = end.outq
            if queue.writer_waits and queue.has_room():
                queue.writer_waits = False
                self.wake_writer(end)


def make_queue(hwm: int, crosses: bool, limit: int = 0) -> MessageQueue:
    if crosses and not COMPILED:
        from zlinkcompat.routing.locked_queue import LockedQueue, LockedSizedQueue

        return LockedSizedQueue(hwm, limit) if limit else LockedQueue(hwm)
    if limit:
        from zlinkcompat.routing.sized_queue import SizedQueue

        return SizedQueue(hwm, limit)
    return MessageQueue(hwm)


def pipe_pair(
    hwm_a_to_b: int,
    hwm_b_to_a: int,
    crosses: bool = False,
    bytes_a_to_b: int = 0,
    bytes_b_to_a: int = 0,
) -> tuple[Pipe, Pipe]:
    """Create the two ends ``(a, b)`` of a pipe.

    Parameters
    ----------
    hwm_a_to_b, hwm_b_to_a : int, messages
        The high-water mark of each direction; 0 means none.
    crosses : bool
        Whether the ends may get owners in different threads.
    bytes_a_to_b, bytes_b_to_a : int, bytes
        The byte limit of each direction; 0 means none.
    """
    forth = make_queue(hwm_a_to_b, crosses, bytes_a_to_b)
    back = make_queue(hwm_b_to_a, crosses, bytes_b_to_a)
    a = Pipe(back, forth)
    b = Pipe(forth, back)
    a.peer = b
    b.peer = a
    return a, b
