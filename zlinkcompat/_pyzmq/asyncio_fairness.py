"""``zmq.asyncio`` through the backend: a coroutine that never has to wait gives way all the same.

pyzmq's asynchronous sockets try at once, and return a future that is done when that succeeds;
awaiting it does not let the loop turn. libzmq, whose messages come from another thread, fails often
enough. Here nearly all succeed, so every ``ASYNCIO_BURST``-th operation of a socket is left to the
loop's next turn, as one that has to wait: before a message is taken, so that a cancel loses none.

Source: pyzmq ``zmq/_future.py``.
"""

from functools import wraps

from zlinkcompat._constants import NOBLOCK
from zlinkcompat._runtime.gevent_support import hub_runs_under, running_loop

HUB_AT_REST = (
    "this socket's connections are in a gevent hub, which does not run while this event loop "
    "waits: make the socket in a coroutine of the loop, or set ZLINK_ENGINE=thread"
)


def limit_bursts(cls):
    """Have pyzmq's ``_AsyncSocket`` (or what stands in its place) give way."""
    cls._streak = 0
    cls._add_recv_event = yield_every_burst(cls._add_recv_event, receive_later)
    cls._add_send_event = yield_every_burst(cls._add_send_event, send_later)


def yield_every_burst(begin, later):
    """``begin``, a method that begins an operation and returns its future; every so often by
    ``later``, which begins it without a try."""

    @wraps(begin)
    def method(self, kind, *args, **kwargs):
        flags = (kwargs.get("kwargs") or {}).get("flags", 0)
        if kind == "poll" or flags & NOBLOCK:
            return begin(self, kind, *args, **kwargs)
        streak = self._streak + 1
        if streak >= self.core.options.tuning.asyncio_burst and not self.closed:
            self.__dict__["_streak"] = 0
            return later(self, begin, kind, *args, **kwargs)
        future = begin(self, kind, *args, **kwargs)
        if self.core.engine is not None and not future.done():
            insist_on_running_hub(future)
        self.__dict__["_streak"] = streak if future.done() else 0
        return future

    return method


def insist_on_running_hub(future):
    """Raise RuntimeError, and cancel ``future``, if nothing will ever complete it."""
    loop = running_loop()
    if loop is not None and not hub_runs_under(loop):
        future.cancel()
        raise RuntimeError(HUB_AT_REST)


def receive_later(self, begin, *args, **kwargs):
    """Begin to receive; pyzmq sees that there is a message and comes back with the loop's turn."""
    self.__dict__["_handle_recv"] = nothing
    try:
        return begin(self, *args, **kwargs)
    finally:
        del self.__dict__["_handle_recv"]


def send_later(self, begin, *args, **kwargs):
    """Begin to send; pyzmq does not try while others wait, and comes back with the loop's turn."""
    futures = self._send_futures
    futures.appendleft(None)
    try:
        return begin(self, *args, **kwargs)
    finally:
        futures.popleft()


def nothing():
    """In the place of a try."""
