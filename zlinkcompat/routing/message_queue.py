"""One direction of a pipe: a ring of messages with a high-water mark."""

from __future__ import annotations

from typing import Any

#: The room (messages) that a queue without a high-water mark reports. Decoders fill less at a time.
ROOM_MAX = 1 << 20

#: Nanoseconds between two marks of the age of waiting messages.
MARK_INTERVAL = 100_000_000

#: With more marks than this, those of old messages get fewer: then an age may be wrong by up to
#: this part of it.
MARKS_MAX = 32
MARKS_PRECISION = 8


class MessageQueue:
    """One direction of a pipe: a ring of messages with a high-water mark.

    Parameters
    ----------
    hwm : int, messages (not bytes)
        0 means no limit. The reader reports progress every ``(hwm + 1) // 2`` messages, so that a
        waiting writer gets room for many messages at once.

    Source: libzmq ``src/ypipe.hpp``, ``src/pipe.cpp: compute_lwm``.
    """

    def __init__(self, hwm: int) -> None:
        self.ring: list[Any] = []
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
        # The oldest mark says that the messages up to this position wait since this time (ns). The
        # younger marks are a list of such pairs, or None.
        self.marked_upto = 0
        self.marked_at = 0
        self.marks: Any = None
        self.set_hwm(hwm)

    def set_hwm(self, hwm: int) -> None:
        """Change the high-water mark (messages). It takes effect at once."""
        self.hwm = hwm
        self.lwm = (hwm + 1) // 2

    def push(self, message: Any) -> None:
        """Append a message. The caller checks :meth:`has_room`, unless it may exceed the mark."""
        if self.conflates:
            self.forget_old()
        if self.tail - self.head > self.mask:
            self.grow()
        self.ring[self.tail & self.mask] = message
        self.tail += 1

    def offer(self, message: Any) -> bool:
        """Append a message if there is room; otherwise return False."""
        if not (self.hwm == 0 or self.tail - self.acked < self.hwm or self.conflates):
            return False
        if self.conflates or self.tail - self.head > self.mask:
            self.push(message)
        else:
            self.ring[self.tail & self.mask] = message
            self.tail += 1
        return True

    def push_all(self, messages: list[Any]) -> None:
        """Append a list of messages. The caller has checked that :meth:`room` is sufficient."""
        while self.tail - self.head + len(messages) > self.mask + 1:
            self.grow()
        for message in messages:
            if self.conflates:
                self.forget_old()
            self.ring[self.tail & self.mask] = message
            self.tail += 1

    def pop(self) -> Any:
        """Remove and return the oldest message. The queue must not be empty."""
        index = self.head & self.mask
        message = self.ring[index]
        self.ring[index] = None
        self.head += 1
        return message

    def drop(self, count: int) -> None:
        """Remove the ``count`` oldest messages. The queue must have that many."""
        while count > 0:
            count -= 1
            index = self.head & self.mask
            self.head += 1
            # Dropping a message can run a finalizer that uses the queue, so do it last.
            self.ring[index] = None

    def peek(self, offset: int) -> Any:
        """Return the message ``offset`` places after the oldest, without removing it."""
        return self.ring[(self.head + offset) & self.mask]

    def first(self, offset: int, count: int) -> Any:
        """List up to ``count`` messages, starting ``offset`` places after the oldest.

        The queue must have that many. The list has at least one, and ends where the ring ends."""
        start = (self.head + offset) & self.mask
        return self.ring[start : min(start + count, self.mask + 1)]

    def bring_forward(self, offset: int) -> None:
        """Move the message ``offset`` places after the oldest to the head of the queue."""
        message = self.peek(offset)
        while offset > 0:
            self.ring[(self.head + offset) & self.mask] = self.peek(offset - 1)
            offset -= 1
        self.ring[self.head & self.mask] = message

    def has_room(self) -> bool:
        return self.hwm == 0 or self.tail - self.acked < self.hwm or self.conflates

    def room(self) -> int:
        """Return for how many messages there is room, or a smaller number. 0 means no room."""
        if self.hwm == 0 or self.conflates:
            return ROOM_MAX
        return max(0, self.hwm - (self.tail - self.acked))

    def forget_old(self) -> None:
        """Drop all messages for CONFLATE, except those that a connection is writing."""
        if self.tail - self.head > self.held:
            # The message that takes the place of these is younger than their marks.
            self.marks = None
            self.marked_upto = min(self.marked_upto, self.head + self.held)
        while self.tail - self.head > self.held:
            self.tail -= 1
            self.conflated += 1
            self.ring[self.tail & self.mask] = None

    def clear(self) -> None:
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

    def grow(self) -> None:
        size = 8 if self.mask < 0 else (self.mask + 1) * 2
        ring = [None] * size
        # Compute the count after the allocation: the reader's thread may run during the allocation.
        count = self.tail - self.head
        for i in range(count):
            ring[(self.head + i) & (size - 1)] = self.ring[(self.head + i) & self.mask]
        self.ring = ring
        self.mask = size - 1

    # -- what waits ------------------------------------------------------------------------

    def command_count(self) -> int:
        """Return how many of the waiting entries are subscriptions, which are not messages."""
        count = 0
        for offset in range(self.tail - self.head):
            entry = self.waiting(offset)
            if type(entry) is not bytes and type(entry) is not list and hasattr(entry, "topic"):
                count += 1
        return count

    def waiting_bytes(self, most: int) -> int:
        """Return the bytes of the waiting messages, estimated from the ``most`` oldest ones."""
        count = self.tail - self.head
        looked_at = min(count, most)
        size = 0
        for offset in range(looked_at):
            entry = self.waiting(offset)
            if entry is not None:
                size += content_size(entry)
        return size if looked_at == count else size * count // looked_at

    def waiting(self, offset: int) -> Any:
        """Return the entry ``offset`` places after the oldest one; None if it has been removed."""
        ring = self.ring
        index = (self.head + offset) & self.mask
        return ring[index] if 0 <= index < len(ring) else None

    def is_full(self) -> Any:
        """Tell whether the writer has to wait for room, or to drop."""
        return not self.has_room()

    def mark(self, now: int) -> None:
        """Note that everything in the queue waits at ``now`` (ns).

        The writer or the reader calls this when the flow stops or has stopped, and not for each
        message. So the age of a message counts from the first mark after it."""
        if self.tail == self.head:
            return
        if self.marked_upto <= self.head:
            self.forget_marks()
            if self.marked_upto <= self.head:
                self.marked_at = now
                self.marked_upto = self.tail
                return
        marks = [] if self.marks is None else self.marks
        upto, since = marks[-1] if marks else (self.marked_upto, self.marked_at)
        if self.tail > upto and now - since > MARK_INTERVAL:
            marks.append((self.tail, now))
            self.marks = marks if len(marks) <= MARKS_MAX else thinned(marks, now)

    def forget_marks(self) -> None:
        """Drop the marks of messages that have left the queue."""
        # Another thread may replace the list meanwhile, but only appends to it.
        marks = self.marks
        while marks and self.marked_upto <= self.head:
            self.marked_upto, self.marked_at = marks[0]
            marks = marks[1:]
        self.marks = marks

    def oldest_waiting(self, now: int) -> int:
        """Return for how long (ns) the oldest message has waited at least; 0 if it is not known."""
        head = self.head
        if self.tail <= head:
            return 0
        if self.marked_upto > head:
            return now - self.marked_at
        for upto, since in self.marks or ():
            if upto > head:
                return now - since
        return 0


def thinned(marks: Any, now: int) -> Any:
    """Return the marks without those that the precision of old ages does not need."""
    kept = [marks[0]]
    for index in range(1, len(marks) - 1):
        since = marks[index + 1][1]
        if (since - kept[-1][1]) * MARKS_PRECISION > now - since:
            kept.append(marks[index])
    kept.append(marks[-1])
    return kept


def content_size(entry: Any) -> int:
    """Return the number of bytes in the frames of a queued message; 0 for a subscription."""
    if type(entry) is bytes:
        return len(entry)
    if type(entry) is list:
        size = 0
        for frame in entry:
            size += len(frame)
        return size
    return len(entry) if hasattr(entry, "__len__") else 0
