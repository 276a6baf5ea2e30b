"""Buffers that are sent without a copy, and what tells when they are no longer used."""

import threading

from zlinkcompat.engine.wait import WaitList, current_waker


class SentEvent(threading.Event):
    """Set when the engine is done with a buffer; waiting for it lets the hub work."""

    def __init__(self):
        super().__init__()
        self.waiting = WaitList()

    def set(self):
        """Tell all who wait."""
        super().set()
        self.waiting.notify_all()

    def wait(self, timeout=None):
        """Wait until it is set, ``timeout`` seconds at most; returns whether it is."""
        if not self.is_set():
            waker = current_waker(False)
            self.waiting.wait(waker, -1.0 if timeout is None else float(timeout), self.is_set)
        return self.is_set()


class Pinned:
    """A buffer that is sent without a copy, alive until its last byte is written.

    The one interface for pinned buffers: made by a send, held by pipes, asked for its ``buffer``
    by the encoder, and gone when nobody holds it any more; then the tracker's event is set.

    Parameters
    ----------
    data
        Any C-contiguous buffer.
    event : SentEvent or None
    """

    def __init__(self, data, event):
        view = memoryview(data)
        # The order of its memory is sent, whatever the order of its indices is.
        self.buffer = view.cast("B") if view.c_contiguous else memoryview(view.tobytes("A"))
        self.event = event

    def __len__(self):
        return self.buffer.nbytes

    @property
    def bytes(self):
        """A copy of the data."""
        return self.buffer.tobytes()

    def __del__(self):
        # First: who waits for the tracker may resize what is pinned.
        self.buffer = None
        if self.event is not None:
            self.event.set()
        if _collector is not None:  # else nothing was entered; no import at interpreter exit
            _collector.refs.pop(id(self), None)


def held_buffers():
    """pyzmq's book of buffers that are in use: ``zmq.utils.garbage.gc.refs``.

    Ask for it each time: pyzmq makes a new one when it starts the collector's thread."""
    global _collector
    if _collector is None:
        from zmq.utils.garbage import gc

        _collector = gc
    return _collector.refs


_collector = None


def book_entry(buffer, event):
    """What pyzmq's book says of a buffer."""
    from zmq.utils.garbage import gcref

    return gcref(buffer, event)


def finished_tracker():
    """pyzmq's tracker of what was copied."""
    from zmq.sugar.tracker import _FINISHED_TRACKER

    return _FINISHED_TRACKER


def new_tracker(event):
    """A tracker that is done when ``event`` is set."""
    from zmq.sugar.tracker import MessageTracker

    return MessageTracker(event)
