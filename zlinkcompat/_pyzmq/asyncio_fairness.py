"""Fairness for ``zmq.asyncio`` on the backend: coroutines that never wait still yield to others.

pyzmq's asynchronous sockets first try an operation at once. If it succeeds they return a finished
future, and awaiting that does not let the event loop run. With libzmq the first try often fails,
because messages come from another thread. Here nearly every try succeeds. So every
``ASYNCIO_BURST``-th operation of a socket skips the first try and waits for the next loop
iteration. It does so before it takes a message, so that cancelling it loses no message.

Source: pyzmq ``zmq/_future.py``.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from zlinkcompat._constants import NOBLOCK
from zlinkcompat._runtime.gevent_support import hub_runs_under, running_loop
from zlinkcompat.engine.loop_poller import serve_in_running_loop

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable


HUB_AT_REST = (
    "this socket's connections are in a gevent hub, which does not run while this event loop "
    "waits: create the socket in a coroutine of the loop, or set ZLINK_ENGINE=thread"
)


def limit_bursts(cls: Any) -> None:
    """Make pyzmq's ``_AsyncSocket`` (or the class in its place) yield after a burst."""
    cls._streak = 0
    cls._add_recv_event = yield_every_burst(cls._add_recv_event, receive_later)
    cls._add_send_event = yield_every_burst(cls._add_send_event, send_later)


def yield_every_burst(begin: Callable[..., Any], later: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap ``begin``, a method that begins an operation and returns its future.

    Every ``ASYNCIO_BURST``-th call uses ``later``, which begins the operation without a try."""

    @wraps(begin)
    def method(self: Any, kind: str, *args: Any, **kwargs: Any) -> Future[Any]:
        serve_in_running_loop(self.core)
        flags = (kwargs.get("kwargs") or {}).get("flags", 0)
        if kind == "poll" or flags & NOBLOCK:
            return begin(self, kind, *args, **kwargs)
        streak = self._streak + 1
        if streak >= self.core.options.tuning.asyncio_burst and not self.closed:
            self.__dict__["_streak"] = 0
            return later(self, begin, kind, *args, **kwargs)
        future = begin(self, kind, *args, **kwargs)
        if self.core.loop is not None and not future.done():
            insist_on_running_hub(future)
        self.__dict__["_streak"] = streak if future.done() else 0
        return future

    return method


def insist_on_running_hub(future: Future[Any]) -> None:
    """If ``future`` can never complete, cancel it and raise RuntimeError."""
    loop = running_loop()
    if loop is not None and not hub_runs_under(loop):
        future.cancel()
        raise RuntimeError(HUB_AT_REST)


def receive_later(self: Any, begin: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
    """Begin to receive. pyzmq notices that there is a message in the next loop iteration."""
    self.__dict__["_handle_recv"] = nothing
    try:
        return begin(self, *args, **kwargs)
    finally:
        del self.__dict__["_handle_recv"]


def send_later(self: Any, begin: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
    """Begin to send. pyzmq does not try while other sends wait, and tries in the next iteration."""
    futures = self._send_futures
    futures.appendleft(None)
    try:
        return begin(self, *args, **kwargs)
    finally:
        futures.popleft()


def nothing() -> None:
    """Do nothing, in place of the first try."""
