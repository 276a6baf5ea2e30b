"""Wakers: how the side that made progress wakes the side that sleeps.

A wake-up carries no message: the sleeper looks again for itself. :class:`HubWaker` is the form for
a greenlet of a hub; another hub's thread is reached through that hub's thread-safe callback. The
thread engine adds a form for application threads without a hub; nothing above needs to know.
"""

from gevent import get_hub
from gevent.monkey import get_original
from greenlet import getcurrent

# Native threads: where gevent patched it, threading's tells greenlets apart.
get_ident = get_original("_thread", "get_ident")


class Waker:
    """One sleeper. ``wake`` may be called from any greenlet or thread, any number of times."""

    def wake(self):
        """End the sleep, now or when it begins."""

    def sleep(self, timeout):
        """Wait for :meth:`wake`.

        Parameters
        ----------
        timeout : float, seconds
            Negative waits for ever.

        Returns
        -------
        bool
            False if the time ran out first.
        """
        return False


class HubWaker(Waker):
    """The current greenlet, asleep in its hub.

    Raises gevent's ``BlockingSwitchOutError`` from ``sleep`` in the hub's own greenlet, and lets
    through what others throw into the greenlet (``gevent.Timeout``, ``GreenletExit``).
    """

    def __init__(self):
        self.hub = get_hub()
        self.thread = get_ident()
        self.greenlet = None  # who sleeps, while it does
        self.fired = False
        self.expired = False

    def wake(self):
        if self.fired:
            return
        self.fired = True
        if get_ident() == self.thread:
            # Who does not sleep yet will look at ``fired``, or has found what it wanted already.
            if self.greenlet is not None:
                self.hub.loop.run_callback(self.switch)
        else:
            self.hub.loop.run_callback_threadsafe(self.switch)

    def sleep(self, timeout):
        loop = self.hub.loop
        # Without a timer, something must keep the loop alive: a socket with no endpoint yet may
        # wait for ever, where gevent would raise LoopExit.
        watcher = loop.timer(timeout) if timeout >= 0 else loop.async_()
        watcher.start(self.expire)
        self.greenlet = getcurrent()
        try:
            while not (self.fired or self.expired):
                self.hub.switch()
        finally:
            # A wake-up that is still on its way must not switch into whatever this greenlet
            # does next.
            self.greenlet = None
            watcher.stop()
            watcher.close()
        return self.fired

    def expire(self):
        self.expired = True
        self.switch()

    def switch(self):
        if self.greenlet is not None:
            self.greenlet.switch()


class WaitList:
    """Wakers that wait for one condition, served in order, one for each notification.

    Who wakes and finds more than it needs calls :meth:`notify` for the next; so does who was
    woken but cannot use it, because it was killed or timed out at the same moment.
    """

    def __init__(self):
        self.wakers = []

    def wait(self, waker, timeout):
        """Sleep until notified.

        Parameters
        ----------
        waker : Waker
            Of the caller; used once.
        timeout : float, seconds
            Negative waits for ever.

        Returns
        -------
        bool
            False if the time ran out first.
        """
        self.wakers.append(waker)
        completed = False
        try:
            woken = waker.sleep(timeout)
            completed = True
            return woken
        finally:
            if waker in self.wakers:
                self.wakers.remove(waker)
            elif not completed:
                self.notify()

    def notify(self):
        """Wake the one who waits longest."""
        if self.wakers:
            self.wakers.pop(0).wake()

    def notify_all(self):
        wakers = self.wakers
        self.wakers = []
        for waker in wakers:
            waker.wake()
