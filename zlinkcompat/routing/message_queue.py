"""One direction of a pipe: a ring of messages with a high-water mark."""

#: The room (messages) that a queue without a high-water mark reports. Decoders fill less at a time.
ROOM_MAX = 1 << 20

#: The least time in nanoseconds between two marks, which tell the age of waiting messages; and the
#: greatest number of marks that a queue keeps.
MARK_INTERVAL = 100_000_000
MARKS_MAX = 16


class MessageQueue:
    """One direction of a pipe: a ring of messages with a high-water mark.

    Parameters
    ----------
    hwm : int, messages (not bytes)
        0 means no limit. The reader reports progress every ``(hwm + 1) // 2`` messages, so that a
        waiting writer gets room for many messages at once.

    Source: libzmq ``src/ypipe.hpp``, ``src/pipe.cpp: compute_lwm``.
    """

    def __init__(self, hwm):
        self.ring = []
        self.mask = -1
        self.head = 0
        self.tail = 0
        self.acked = 0
        # Whether the reader waits for messages, and the writer for room.
        self.reader_waits = True
        self.writer_waits = False
        self.conflates = False
        # Messages at the head that a connection is writing.
        self.held = 0
        # The limit in bytes; 0 means no limit (sized_queue.py).
        self.limit = 0
        # How many messages left the queue unread: newer ones replaced them, or clear() removed
        # them.
        self.conflated = 0
        self.cleared = 0
        self.marks = None
        self.set_hwm(hwm)

    def set_hwm(self, hwm):
        """Change the high-water mark (messages). It takes effect at once."""
        self.hwm = hwm
        self.lwm = (hwm + 1) // 2

    def push(self, message):
        """Append a message. The caller checks :meth:`has_room`, unless it may exceed the mark."""
        if self.conflates:
            self.forget_old()
        if self.tail - self.head > self.mask:
            self.grow()
        self.ring[self.tail & self.mask] = message
        self.tail += 1

    def offer(self, message):
        """Append a message if there is room; otherwise return False."""
        if not (self.hwm == 0 or self.tail - self.acked < self.hwm or self.conflates):
            return False
        if self.conflates or self.tail - self.head > self.mask:
            self.push(message)
        else:
            self.ring[self.tail & self.mask] = message
            self.tail += 1
        return True

    def push_all(self, messages):
        """Append a list of messages. The caller has checked that :meth:`room` is sufficient."""
        while self.tail - self.head + len(messages) > self.mask + 1:
            self.grow()
        for message in messages:
            if self.conflates:
                self.forget_old()
            self.ring[self.tail & self.mask] = message
            self.tail += 1

    def pop(self):
        """Remove and return the oldest message. The queue must not be empty."""
        index = self.head & self.mask
        message = self.ring[index]
        self.ring[index] = None
        self.head += 1
        return message

    def drop(self, count):
        """Remove the ``count`` oldest messages. The queue must have that many."""
        while count > 0:
            count -= 1
            index = self.head & self.mask
            self.head += 1
            # Dropping a message can run a finalizer that uses the queue, so do it last.
            self.ring[index] = None

    def peek(self, offset):
        """Return the message ``offset`` places after the oldest, without removing it."""
        return self.ring[(self.head + offset) & self.mask]

    def first(self, offset, count):
        """List up to ``count`` messages, starting ``offset`` places after the oldest.

        The queue must have that many. The list has at least one, and ends where the ring ends."""
        start = (self.head + offset) & self.mask
        return self.ring[start : min(start + count, self.mask + 1)]

    def bring_forward(self, offset):
        """Move the message ``offset`` places after the oldest to the head of the queue."""
        message = self.peek(offset)
        while offset > 0:
            self.ring[(self.head + offset) & self.mask] = self.peek(offset - 1)
            offset -= 1
        self.ring[self.head & self.mask] = message

    def has_room(self):
        return self.hwm == 0 or self.tail - self.acked < self.hwm or self.conflates

    def room(self):
        """Return for how many messages there is room, or a smaller number. 0 means no room."""
        if self.hwm == 0 or self.conflates:
            return ROOM_MAX
        return max(0, self.hwm - (self.tail - self.acked))

    def forget_old(self):
        """Drop all messages for CONFLATE, except those that a connection is writing."""
        while self.tail - self.head > self.held:
            self.tail -= 1
            self.conflated += 1
            self.ring[self.tail & self.mask] = None

    def clear(self):
        """Drop all messages."""
        # Dropping a message can run finalizers, so do it last, when the queue is consistent again.
        dropped = self.ring
        self.ring = []
        self.mask = -1
        self.cleared += self.tail - self.head
        self.head = self.tail
        self.acked = self.head
        self.held = 0
        del dropped

    def grow(self):
        size = 8 if self.mask < 0 else (self.mask + 1) * 2
        ring = [None] * size
        # Compute the count after the allocation: the reader's thread may run during the allocation.
        count = self.tail - self.head
        for i in range(count):
            ring[(self.head + i) & (size - 1)] = self.ring[(self.head + i) & self.mask]
        self.ring = ring
        self.mask = size - 1

    # -- what waits ------------------------------------------------------------------------

    def commands(self):
        """Return how many of the waiting entries are subscriptions, which are not messages."""
        count = 0
        for offset in range(self.tail - self.head):
            entry = self.waiting(offset)
            if type(entry) is not bytes and type(entry) is not list and hasattr(entry, "topic"):
                count += 1
        return count

    def waiting_bytes(self, most):
        """Return the bytes of the waiting messages, estimated from the ``most`` oldest ones."""
        count = self.tail - self.head
        looked_at = min(count, most)
        size = 0
        for offset in range(looked_at):
            entry = self.waiting(offset)
            if entry is not None:
                size += content_size(entry)
        return size if looked_at == count else size * count // looked_at

    def waiting(self, offset):
        """Return the entry ``offset`` places after the oldest one; None if it has been removed."""
        ring = self.ring
        index = (self.head + offset) & self.mask
        return ring[index] if 0 <= index < len(ring) else None

    def mark(self, now):
        """Record that all messages in the queue have to wait at ``now`` (ns).

        The writer or the reader calls this when the flow stops, not for each message."""
        marks = [] if self.marks is None else self.marks
        while marks and marks[0][0] <= self.head:
            del marks[0]
        if self.tail == self.head:
            return
        if not marks or (self.tail > marks[-1][0] and now - marks[-1][1] > MARK_INTERVAL):
            marks.append((self.tail, now))
            if len(marks) > MARKS_MAX:
                # The age of old messages need not be exact, so drop every second mark.
                del marks[1:-1:2]
        self.marks = marks

    def oldest_waiting(self, now):
        """Return for how many ns, at least, the oldest message has waited; 0 if that is unknown."""
        for tail, since in list(self.marks or ()):
            if tail > self.head:
                return now - since if self.tail > self.head else 0
        return 0


def content_size(entry):
    """Return the number of bytes in the frames of a queued message; 0 for a subscription."""
    if type(entry) is bytes:
        return len(entry)
    if type(entry) is list:
        size = 0
        for frame in entry:
            size += len(frame)
        return size
    return len(entry) if hasattr(entry, "__len__") else 0
