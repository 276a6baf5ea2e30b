"""A queue with a limit of bytes in addition to its high-water mark (SNDBYTES_MAX, RCVBYTES_MAX).

It is a separate class, so that queues without the limit do not measure messages.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from zlinkcompat.routing.message_queue import MessageQueue


class SizedQueue(MessageQueue):
    """A MessageQueue that has room while it contains fewer than ``limit`` bytes.

    So an empty queue accepts a message of any size, and a queue exceeds its limit by less than the
    size of its last message.

    Parameters
    ----------
    hwm : int, messages
    limit : int, bytes
        The limit for the sum of all frame bodies. Messages of ``write_unbounded`` count as well,
        but are always accepted.
    """

    def __init__(self, hwm: int, limit: int) -> None:
        MessageQueue.__init__(self, hwm)
        self.limit = limit
        self.sizes: deque[int] = deque()
        # The bytes that went in and out so far. Only the writer changes ``bytes_in``, and only the
        # reader changes ``bytes_out``.
        self.bytes_in = 0
        self.bytes_out = 0
        # The value of ``bytes_out`` that was last reported to the writer.
        self.bytes_acked = 0

    def push(self, message: Any) -> None:
        size = message_size(message)
        self.sizes.append(size)
        self.bytes_in += size
        MessageQueue.push(self, message)

    def offer(self, message: Any) -> bool:
        if not self.has_room():
            return False
        self.push(message)
        return True

    def push_all(self, messages: list[Any]) -> None:
        for message in messages:
            self.push(message)

    def drop(self, count: int) -> None:
        while count > 0:
            self.pop()
            count -= 1

    def room(self) -> int:
        # The size of the next message is not known in advance.
        return int(self.has_room())

    def pop(self) -> Any:
        if self.acked == self.head:
            self.bytes_acked = self.bytes_out
        self.bytes_out += self.sizes.popleft()
        # Report progress at half of either limit.
        halved = (self.bytes_out - self.bytes_acked) * 2 >= self.limit
        self.lwm = 0 if halved else (self.hwm + 1) // 2
        return MessageQueue.pop(self)

    def bring_forward(self, offset: int) -> None:
        size = self.sizes[offset]
        del self.sizes[offset]
        self.sizes.appendleft(size)
        MessageQueue.bring_forward(self, offset)

    def has_room(self) -> bool:
        return self.bytes_in - self.bytes_out < self.limit and MessageQueue.has_room(self)

    def clear(self) -> None:
        self.sizes.clear()
        self.bytes_out = self.bytes_acked = self.bytes_in
        MessageQueue.clear(self)


def message_size(message: Any) -> int:
    """Return the number of bytes in the frames of a message."""
    if type(message) is bytes:
        return len(message)
    if type(message) is list:
        size = 0
        for frame in message:
            size += len(frame) if type(frame) is bytes else frame_size(frame)
        return size
    return frame_size(message)


def frame_size(frame: Any) -> int:
    """Return the size of a queued object that is not ``bytes``: a Frame, or a subscription."""
    return frame.buffer.nbytes
