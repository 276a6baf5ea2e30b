"""A queue with a limit of bytes beside its high-water mark (SNDBYTES_MAX, RCVBYTES_MAX).

A class of its own, so that queues without the limit measure nothing.
"""

from collections import deque

from zlinkcompat.routing.pipe import MessageQueue


class SizedQueue(MessageQueue):
    """A MessageQueue that has room while fewer than ``limit`` bytes wait in it.

    So one message of any size fits an empty queue, and what waits exceeds the limit by less
    than the message that was accepted last.

    Parameters
    ----------
    hwm : int, messages
    limit : int, bytes
        Of frames' bodies; what is queued by ``write_unbounded`` counts, and is not refused.
    """

    def __init__(self, hwm, limit):
        MessageQueue.__init__(self, hwm)
        self.limit = limit
        self.sizes = deque()
        # Bytes so far. Each is written by one side only.
        self.bytes_in = 0
        self.bytes_out = 0
        # Of ``bytes_out``, what the writer was told of.
        self.bytes_acked = 0

    def push(self, message):
        size = message_size(message)
        self.sizes.append(size)
        self.bytes_in += size
        MessageQueue.push(self, message)

    def offer(self, message):
        if not self.has_room():
            return False
        self.push(message)
        return True

    def push_all(self, messages):
        for message in messages:
            self.push(message)

    def drop(self, count):
        while count > 0:
            self.pop()
            count -= 1

    def room(self):
        # What the next message does to the bytes is not known before it is there.
        return int(self.has_room())

    def pop(self):
        if self.acked == self.head:
            self.bytes_acked = self.bytes_out
        self.bytes_out += self.sizes.popleft()
        # Progress is reported at half of either limit.
        halved = (self.bytes_out - self.bytes_acked) * 2 >= self.limit
        self.lwm = 0 if halved else (self.hwm + 1) // 2
        return MessageQueue.pop(self)

    def bring_forward(self, offset):
        size = self.sizes[offset]
        del self.sizes[offset]
        self.sizes.appendleft(size)
        MessageQueue.bring_forward(self, offset)

    def has_room(self):
        return self.bytes_in - self.bytes_out < self.limit and MessageQueue.has_room(self)

    def clear(self):
        self.sizes.clear()
        self.bytes_out = self.bytes_acked = self.bytes_in
        MessageQueue.clear(self)


def message_size(message):
    """Bytes in the frames of a message."""
    if type(message) is bytes:
        return len(message)
    if type(message) is list:
        size = 0
        for frame in message:
            size += len(frame) if type(frame) is bytes else frame_size(frame)
        return size
    return frame_size(message)


def frame_size(frame):
    """Bytes in what is queued and not ``bytes``: a Frame, or a subscription."""
    return frame.buffer.nbytes
