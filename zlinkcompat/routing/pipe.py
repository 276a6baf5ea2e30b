"""Pipes: bounded queues of whole messages between a socket and one peer.

A message is one object: ``bytes`` or a ``Frame`` for a single frame, a ``list`` of those for a
multipart message. It is queued, counted and dropped as a whole, so no partial message exists.

A pipe has two ends, made together by :func:`pipe_pair`. Each end belongs to a *sink*: a socket's
pattern, or a connection. Writing never blocks and never switches greenlets; the sinks are told
when the other side made progress, and they decide what to wake.

The ends may belong to different threads. Each then has the *mailbox* of its owner, by which
its sink is told; the queues need no lock, since they have one reader and one writer, and each
operation on them runs without releasing the GIL (uncompiled: ``locked_queue.py``). To avoid lost
wake-ups, a reader that finds the queue empty sets ``reader_waits`` and then re-checks the queue; a
writer publishes the message first and then tests ``reader_waits``.
"""

from zlinkcompat.routing.mailbox import Mailbox  # noqa: F401

#: What a queue without a high-water mark has room for; messages are decoded in smaller bursts.
ROOM_MAX = 1 << 20


class PipeSink:
    """Who holds a pipe end, and is told what happens at the other end.

    Methods get the holder's own end. They are called in the greenlet of the other end's holder, or
    between threads by the owner of the mailbox; must not block, and must not raise.
    """

    def read_activated(self, pipe):
        """There is a message to read, after a read had found none."""

    def write_activated(self, pipe):
        """There is room to write, after a write had found none."""

    def try_flush_inline(self, pipe):
        """As :meth:`read_activated`, in the thread of the other end's holder.

        Returns
        -------
        bool
            False if the owner of this end is to be told."""
        return False

    def pipe_terminated(self, pipe):
        """The other end was terminated: nothing written from now on will be read.

        Messages that arrived before can still be read."""

    def hiccuped(self, pipe):
        """The other end lost its connection and has a new one; it forgot what it was told."""

    def on_protocol_violation(self, pipe, text):
        """What was written here breaks the rules of the pattern at the other end."""

    def try_read(self, pipe):
        """The other end waits for a message: produce one now if that is possible without waiting.

        Returns
        -------
        int
            1: something was written to the pipe. 0: nothing to be had right now.
            -1: this sink cannot produce by itself (the other side of an inproc pipe)."""
        return -1


class MessageQueue:
    """One direction of a pipe: a ring of messages with a high-water mark.

    Parameters
    ----------
    hwm : int, messages (not bytes)
        0 is unbounded. The reader reports progress every ``(hwm + 1) // 2`` messages, so that a
        full writer is woken to a worthwhile amount of room.

    Source: libzmq ``src/ypipe.hpp``, ``src/pipe.cpp: compute_lwm``.
    """

    def __init__(self, hwm):
        self.ring = []
        self.mask = -1
        self.head = 0
        self.tail = 0
        self.acked = 0
        # The reader found nothing / the writer found no room, and wants to be told.
        self.reader_waits = True
        self.writer_waits = False
        self.conflates = False
        # Messages at the head that a connection is just writing.
        self.held = 0
        # Bytes; 0 is none (sizedqueue.py).
        self.limit = 0
        self.set_hwm(hwm)

    def set_hwm(self, hwm):
        """Change the high-water mark (messages); takes effect at once."""
        self.hwm = hwm
        self.lwm = (hwm + 1) // 2

    def push(self, message):
        """Append a message; the caller has asked :meth:`has_room`, or means to exceed the mark."""
        if self.conflates:
            self.forget_old()
        if self.tail - self.head > self.mask:
            self.grow()
        self.ring[self.tail & self.mask] = message
        self.tail += 1

    def offer(self, message):
        """Append a message; False, and nothing is appended, if there is no room."""
        if not (self.hwm == 0 or self.tail - self.acked < self.hwm or self.conflates):
            return False
        if self.conflates or self.tail - self.head > self.mask:
            self.push(message)
        else:
            self.ring[self.tail & self.mask] = message
            self.tail += 1
        return True

    def push_all(self, messages):
        """Append a list of messages that :meth:`room` has room for."""
        while self.tail - self.head + len(messages) > self.mask + 1:
            self.grow()
        for message in messages:
            if self.conflates:
                self.forget_old()
            self.ring[self.tail & self.mask] = message
            self.tail += 1

    def pop(self):
        """Remove and return the oldest message; the caller knows that there is one."""
        index = self.head & self.mask
        message = self.ring[index]
        self.ring[index] = None
        self.head += 1
        return message

    def drop(self, count):
        """Remove the ``count`` oldest messages; the caller knows that there are so many."""
        while count > 0:
            count -= 1
            index = self.head & self.mask
            self.head += 1
            # Dropping a message can run a finalizer that uses the queue, so do it last.
            self.ring[index] = None

    def peek(self, offset):
        """Return the message ``offset`` places behind the oldest, without removing it."""
        return self.ring[(self.head + offset) & self.mask]

    def first(self, offset, count):
        """List the messages from ``offset`` places behind the oldest on; the caller knows that
        there are ``count``.

        The list has one at least, and ends where the ring does."""
        start = (self.head + offset) & self.mask
        return self.ring[start : min(start + count, self.mask + 1)]

    def bring_forward(self, offset):
        """Make the message ``offset`` places behind the oldest the oldest."""
        message = self.peek(offset)
        while offset > 0:
            self.ring[(self.head + offset) & self.mask] = self.peek(offset - 1)
            offset -= 1
        self.ring[self.head & self.mask] = message

    def has_room(self):
        return self.hwm == 0 or self.tail - self.acked < self.hwm or self.conflates

    def room(self):
        """How many messages there is room for, or fewer; 0 only if there is room for none."""
        if self.hwm == 0 or self.conflates:
            return ROOM_MAX
        return max(0, self.hwm - (self.tail - self.acked))

    def forget_old(self):
        """CONFLATE: only the newest message is of interest, but for those on their way out."""
        while self.tail - self.head > self.held:
            self.tail -= 1
            self.ring[self.tail & self.mask] = None

    def clear(self):
        """Drop all messages."""
        # Dropping a message can run finalizers, so do it last, when the queue is consistent again.
        dropped = self.ring
        self.ring = []
        self.mask = -1
        self.head = self.tail
        self.acked = self.head
        self.held = 0
        del dropped

    def grow(self):
        size = 8 if self.mask < 0 else (self.mask + 1) * 2
        ring = [None] * size
        # Counted after that, which may have let the reader's thread run.
        count = self.tail - self.head
        for i in range(count):
            ring[(self.head + i) & (size - 1)] = self.ring[(self.head + i) & self.mask]
        self.ring = ring
        self.mask = size - 1


class Pipe:
    """One end of a bidirectional pipe.

    Full is not an error: :meth:`write` returns False, and the socket type decides (RFC 28 to 31).
    After the other end is terminated, ``write`` returns False as well and ``peer_closed`` is set.

    Attributes
    ----------
    sink : PipeSink
        The holder of this end. None once this end is terminated.
    peer : Pipe
        The other end.
    routing_id : bytes
        What the peer calls itself (RFC 37 ``Identity``), or what ROUTER gave it; b"" if unknown.
    metadata : dict or None
        Properties of the peer ("Socket-Type", "Peer-Address", "User-Id", ...), str to str.
    named : bool
        ``routing_id`` is what the peer said, perhaps nothing; False before it said anything.
    locally_initiated : bool
        True for a pipe made by connect, False by bind.
    mailbox : Mailbox or None
        Of the owner of this end; None for a pipe within one thread.
    """

    def __init__(self, inq, outq):
        self.inq = inq
        self.outq = outq
        self.peer = None
        self.sink = None
        self.closed = False
        self.peer_closed = False
        self.peer_notified = False
        self.locally_initiated = False
        self.routing_id = b""
        self.named = False
        self.metadata = None
        self.endpoint = None
        self.mailbox = None

    # -- what the other end tells; between threads, called by the owner of this one --------------

    def post_to_owner(self, function, args=()):
        """Call ``function`` (a method of this end) where this end's owner is."""
        if self.mailbox is None:
            function(*args)
        else:
            self.mailbox.post(function, args)

    def post_readable(self):
        """Tell this end's owner, in its own thread, that there are messages."""
        self.mailbox.post(self.activate_read)

    def post_writable(self):
        """Tell this end's owner, in its own thread, that there is room."""
        self.mailbox.post(self.activate_write)

    def activate_read(self):
        if not self.closed:
            self.sink.read_activated(self)

    def activate_write(self):
        if not self.closed:
            self.sink.write_activated(self)

    def peer_terminated(self):
        if not self.closed:
            self.peer_closed = True
            self.sink.pipe_terminated(self)

    def replace_output(self, queue):
        if not self.closed:
            self.outq = queue
            self.sink.hiccuped(self)

    def peer_reported_violation(self, text):
        if not self.closed:
            self.sink.on_protocol_violation(self, text)

    # -- in --------------------------------------------------------------------------------

    def check_read(self):
        """Tell whether there is a message; if not, the sink will be told when one comes."""
        queue = self.inq
        if queue.tail != queue.head:
            return True
        queue.reader_waits = True
        return queue.tail != queue.head

    def read(self):
        """Remove and return the next message; or None, and the sink is told of the next."""
        queue = self.inq
        if queue.tail == queue.head:
            queue.reader_waits = True
            if queue.tail == queue.head:
                return None
        message = queue.pop()
        if queue.head - queue.acked >= queue.lwm:
            self.acknowledge()
        return message

    def discard(self, count):
        """Remove ``count`` messages that were read by ``inq.peek`` before."""
        queue = self.inq
        queue.held = max(0, queue.held - count)
        queue.drop(count)
        if queue.head - queue.acked >= queue.lwm:
            self.acknowledge()

    def acknowledge(self):
        """Report what was read to the writer."""
        queue = self.inq
        queue.acked = queue.head
        if queue.writer_waits:
            queue.writer_waits = False
            self.wake_writer(self.peer)

    def wake_writer(self, end):
        if end.mailbox is None:
            end.activate_write()
        else:
            end.mailbox.post(end.activate_write)

    # -- out -------------------------------------------------------------------------------

    def check_write(self):
        """Tell whether a message may be written; if not, the sink will be told when it may."""
        if self.closed or self.peer_closed:
            return False
        if self.outq.has_room():
            return True
        self.outq.writer_waits = True
        return self.outq.has_room()

    def write(self, message):
        """Queue a message. Returns False, and queues nothing, if there is no room."""
        if self.closed or self.peer_closed:
            return False
        queue = self.outq
        if queue.offer(message):
            return True
        # The reader may have made room before it could see that this end waits.
        queue.writer_waits = True
        return queue.offer(message)

    def send(self, message):
        """:meth:`write` and, if that was possible, :meth:`flush`."""
        if self.closed or self.peer_closed:
            return False
        queue = self.outq
        if not queue.offer(message):
            queue.writer_waits = True
            if not queue.offer(message):
                return False
        if queue.reader_waits:
            self.flush()
        return True

    def write_unbounded(self, message):
        """Queue a message whatever the high-water mark says (subscriptions, greetings of a socket).

        Dropped if an end is terminated."""
        if not (self.closed or self.peer_closed):
            self.outq.push(message)

    def flush(self):
        """Tell the reader that there are messages, if it waits for them."""
        queue = self.outq
        if queue.reader_waits and queue.tail != queue.head and not self.peer_closed:
            # Cleared by the reader's own say only: a connection that gathers leaves it set and
            # is called for each message.
            peer = self.peer
            if peer.mailbox is None:
                queue.reader_waits = False
                peer.sink.read_activated(peer)
                return
            sink = peer.sink
            if sink is None or not sink.try_flush_inline(peer):
                queue.reader_waits = False
                peer.mailbox.post(peer.activate_read)

    def try_read(self):
        """Ask the other end's holder to produce a message now. See :meth:`PipeSink.try_read`."""
        peer = self.peer
        sink = peer.sink
        if self.peer_closed or sink is None:
            return -1
        return sink.try_read(peer)

    # -- both ------------------------------------------------------------------------------

    def terminate(self):
        """End this side: unread input is dropped, written output stays readable for the peer."""
        if self.closed:
            return
        self.closed = True
        self.inq.clear()
        self.sink = None
        self.notify_peer()

    def close_output(self):
        """End this side for the peer, but keep what was received so far to be read here.

        What the peer writes from now on is dropped. To the holder of this end it is as if the
        peer had left: it terminates this end when the last message was read."""
        if self.closed or self.peer_notified:
            return
        # The peer clears the queue between the two as soon as it hears of the end.
        received = self.inq
        kept = make_queue(0, False)
        while received.tail != received.head:
            kept.push(received.pop())
        self.inq = kept
        self.peer_closed = True
        self.notify_peer()

    def notify_peer(self):
        """Tell the peer, once, that this side ended."""
        peer = self.peer
        if not self.peer_notified:
            self.peer_notified = True
            if not peer.closed:
                peer.post_to_owner(peer.peer_terminated)

    def report_violation(self, text):
        """What was read here breaks the pattern's rules: the peer is not to be trusted."""
        self.peer.post_to_owner(self.peer.peer_reported_violation, (text,))

    def set_conflate(self, received, sent):
        """Keep only the last message (CONFLATE) of those received here, of those sent, or both."""
        if received:
            self.inq.conflates = True
        if sent:
            self.outq.conflates = True

    def set_high_water_marks(self, out, back):
        """Change both marks (messages): of what is written here, and of what is read here."""
        self.outq.set_hwm(out)
        self.inq.set_hwm(back)
        for end in (self, self.peer):
            queue = end.outq
            if queue.writer_waits and queue.has_room():
                queue.writer_waits = False
                self.wake_writer(end)

    def hiccup(self):
        """Tell the socket's end that the connection behind this end was replaced.

        Nothing that was written before is read any more."""
        queue = self.inq
        queue.clear()
        if self.peer.mailbox is not None:
            # What is written until the other end hears of it stays behind in the old one.
            queue = make_queue(queue.hwm, True, queue.limit)
            queue.conflates = self.inq.conflates
            self.inq = queue
        self.peer.post_to_owner(self.peer.replace_output, (queue,))


def make_queue(hwm, crosses, limit=0):
    if crosses and not COMPILED:
        from zlinkcompat.routing.locked_queue import LockedQueue, LockedSizedQueue

        return LockedSizedQueue(hwm, limit) if limit else LockedQueue(hwm)
    if limit:
        from zlinkcompat.routing.sized_queue import SizedQueue

        return SizedQueue(hwm, limit)
    return MessageQueue(hwm)


def pipe_pair(hwm_a_to_b, hwm_b_to_a, crosses=False, bytes_a_to_b=0, bytes_b_to_a=0):
    """Make the two ends ``(a, b)`` of a pipe.

    Parameters
    ----------
    hwm_a_to_b, hwm_b_to_a : int, messages
        High-water mark of each direction, 0 for none.
    crosses : bool
        The ends may get owners in different threads.
    bytes_a_to_b, bytes_b_to_a : int, bytes
        Limit of each direction beside its mark, 0 for none.
    """
    forth = make_queue(hwm_a_to_b, crosses, bytes_a_to_b)
    back = make_queue(hwm_b_to_a, crosses, bytes_b_to_a)
    a = Pipe(back, forth)
    b = Pipe(forth, back)
    a.peer = b
    b.peer = a
    return a, b


#: Whether this module runs compiled; its functions then have no bytecode.
COMPILED = not hasattr(pipe_pair, "__code__")
