"""Calls on a socket of the hub engine from another native thread than the hub's.

The socket's connections belong to the hub. So the call runs in the hub's thread, in a greenlet of
its own, while the calling thread waits.
"""

from __future__ import annotations

from sys import exc_info
from typing import TYPE_CHECKING, Any

from greenlet import GreenletExit, greenlet

from zlinkcompat._runtime.log_queue import Log
from zlinkcompat.engine.waker import WaitList, current_waker
from zlinkcompat.errors import EMTHREAD, zmq_error

if TYPE_CHECKING:
    from collections.abc import Callable


LOG = Log("zlinkcompat.engine")

#: Seconds after which a call that the hub has not begun is logged, and after which it fails.
WARN_AFTER = 1.0
GIVE_UP_AFTER = 10.0


class DelegatedCall:
    """One call that runs in the thread of ``loop``'s hub."""

    def __init__(self, loop: Any, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.loop = loop
        self.function = function
        self.args = args
        self.greenlet: Any = None
        self.cancelled = False
        self.begun = False
        self.done = False
        self.result = None
        self.error: Any = None
        self.waiting = WaitList()

    def wait(self) -> Any:
        """Make the call. Return its result or raise its exception.

        Raises
        ------
        ZMQError
            EMTHREAD: the hub did not run, and the call was not made.
        """
        self.loop.callbacks.call(self.begin)
        try:
            self.await_begin()
            while not self.done:
                self.waiting.wait(current_waker(False), -1.0, self.is_done)
        except BaseException:
            self.cancelled = True
            self.loop.callbacks.call(self.cancel)
            raise
        if self.error is not None:
            try:
                raise self.error
            finally:
                self.error = None  # otherwise its traceback would refer to itself
        return self.result

    def await_begin(self) -> None:
        """Wait for the hub to begin the call. Log a warning, once, if that takes long."""
        for seconds in (WARN_AFTER, GIVE_UP_AFTER - WARN_AFTER):
            self.waiting.wait(current_waker(False), seconds, self.has_begun)
            if self.begun:
                return
            if seconds == WARN_AFTER:
                LOG.warning(
                    "a call from another thread waits for the gevent hub of thread %d, which "
                    "has not run for %g s",
                    self.loop.thread,
                    seconds,
                )
        raise zmq_error(
            EMTHREAD,
            "this socket belongs to the gevent hub of thread %d, which has "
            "not run for %g s; let that thread wait in gevent, or use "
            "ZLINK_ENGINE=thread" % (self.loop.thread, GIVE_UP_AFTER),
        )

    def has_begun(self) -> bool:
        return self.begun

    def is_done(self) -> bool:
        return self.done

    # -- in the hub's thread -----------------------------------------------------------------

    def begin(self) -> None:
        if not self.cancelled:
            self.begun = True
            self.waiting.notify_all()
            self.greenlet = greenlet(self.run, self.loop.hub)
            self.greenlet.switch()

    def run(self) -> None:
        try:
            self.result = self.function(*self.args)
        except BaseException:
            self.error = exc_info()[1]
        self.done = True
        self.greenlet = None
        self.waiting.notify_all()

    def cancel(self) -> None:
        if self.greenlet is not None:
            self.greenlet.throw(GreenletExit)
