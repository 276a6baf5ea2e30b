"""Buffers that are sent without a copy, and the events that report their release."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from zlinkcompat.engine.waker import WaitList, current_waker

if TYPE_CHECKING:
    from zmq.utils.garbage import GarbageCollector


class SentEvent(threading.Event):
    """An event that is set when the engine has released a buffer. Waiting lets the hub run."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = WaitList()

    def set(self) -> None:
        """Set the event and wake all waiters."""
        super().set()
        self.waiting.notify_all()

    def wait(self, timeout: Any = None) -> bool:
        """Wait until the event is set, for at most ``timeout`` seconds.

        Return whether it is set."""
        if not self.is_set():
            waker = current_waker(False)
            self.waiting.wait(waker, -1.0 if timeout is None else float(timeout), self.is_set)
        return self.is_set()


class Pinned:
    """A buffer that is sent without a copy. It lives until its last byte is written.

    This is the only interface for pinned buffers. A send creates it, pipes hold it, and the encoder
    reads its ``buffer``. When the last reference is dropped, the tracker's event is set.

    Parameters
    ----------
    data
        Any C-contiguous buffer.
    event : SentEvent or None
    """

    def __init__(self, data: bytearray | bytes | memoryview, event: SentEvent | None) -> None:
        view = memoryview(data)
        # Send the bytes in the order in which they lie in memory, even for a Fortran-ordered array.
        self.buffer = view.cast("B") if view.c_contiguous else memoryview(view.tobytes("A"))
        self.event = event

    def __len__(self) -> int:
        return self.buffer.nbytes

    @property
    def bytes(self) -> Any:
        """A copy of the data."""
        return self.buffer.tobytes()

    def __del__(self) -> None:
        # Release the buffer first: a thread that waits for the tracker may resize it.
        self.buffer = None
        if self.event is not None:
            self.event.set()
        if _collector is not None:  # avoids an import at interpreter exit
            _collector.refs.pop(id(self), None)


def held_buffers() -> dict[int, Any]:
    """Return pyzmq's table of buffers in use: ``zmq.utils.garbage.gc.refs``.

    Do not keep the result: pyzmq creates a new table when it starts the collector's thread."""
    global _collector
    if _collector is None:
        from zmq.utils.garbage import gc

        _collector = gc
    return _collector.refs


_collector: GarbageCollector | None = None


def book_entry(buffer: memoryview, event: SentEvent | None) -> Any:
    """Return what pyzmq's table of buffers in use (:func:`held_buffers`) stores for ``buffer``."""
    from zmq.utils.garbage import gcref

    return gcref(buffer, event)


def finished_tracker() -> Any:
    """Return pyzmq's tracker for data that was copied."""
    from zmq.sugar.tracker import _FINISHED_TRACKER

    return _FINISHED_TRACKER


def new_tracker(event: SentEvent) -> Any:
    """Return a tracker that is done when ``event`` is set."""
    from zmq.sugar.tracker import MessageTracker

    return MessageTracker(event)
