"""Wakers: how a thread or greenlet that made progress wakes one that sleeps.

A wake-up carries no message: the sleeper checks its condition again. :class:`HubWaker` puts a
greenlet to sleep in its hub; other threads wake it through the hub's threadsafe callbacks.
:class:`LockWaker` puts a native thread to sleep that has no hub and must not get one.
"""

from __future__ import annotations

from sys import modules
from typing import TYPE_CHECKING, Any

from greenlet import getcurrent

from zlinkcompat._runtime.gevent_support import (
    get_hub,
    get_original,
    is_module_patched,
    loaded_module,
)
from zlinkcompat.engine import interrupts
from zlinkcompat.engine.callbacks import threadsafe_callbacks
from zlinkcompat.routing.mailbox import Mailbox

if TYPE_CHECKING:
    from collections.abc import Callable


# Use the native functions. In a monkey-patched program, gevent's replacements are about greenlets
# instead of threads.
get_ident = get_original("_thread", "get_ident")
allocate_lock = get_original("_thread", "allocate_lock")

#: The longest timeout of a lock, in seconds.
LONGEST = 1e6

#: gevent's function of this name once gevent is loaded. Before that, no thread has a hub.
get_hub_if_exists = None


def waits_in_hub() -> bool:
    """Tell whether the caller waits by switching to a hub instead of blocking its thread.

    It does if its thread has a hub or if the program is monkey-patched."""
    global get_hub_if_exists
    if get_hub_if_exists is None:
        module = loaded_module("gevent._hub_local")
        if module is None:
            return False
        get_hub_if_exists = module.get_hub_if_exists
    if get_hub_if_exists() is not None:
        return True
    return "gevent.monkey" in modules and is_module_patched("threading")


def current_waker(hub: bool) -> Waker:
    """Return a waker for the calling greenlet or thread.

    Parameters
    ----------
    hub : bool
        If true, wait in this thread's hub in any case, and create it if needed.
    """
    if hub or waits_in_hub():
        return HubWaker()
    return LockWaker()


class Waker:
    """One sleeper. ``wake`` can be called from any greenlet or thread, any number of times.

    Attributes
    ----------
    since : int
        When the sleeping call began, which may have slept before. The position in a list of waiters
        depends on it (:func:`insert_by_age`).
    """

    def __init__(self) -> None:
        self.since = 0

    def wake(self) -> None:
        """End the sleep, now or when it begins."""

    def sleep(self, timeout: float) -> bool:
        """Wait for :meth:`wake`.

        Parameters
        ----------
        timeout : float, seconds
            Negative means no limit.

        Returns
        -------
        bool
            False if the timeout expired first.
        """
        return False


class HubWaker(Waker):
    """The current greenlet, which sleeps in its hub.

    ``sleep`` raises gevent's ``BlockingSwitchOutError`` in the hub's own greenlet. It passes on
    exceptions that are thrown into the greenlet (``gevent.Timeout``, ``GreenletExit``).
    """

    def __init__(self) -> None:
        Waker.__init__(self)
        self.hub = get_hub()
        self.callbacks = threadsafe_callbacks(self.hub)
        self.thread = get_ident()
        self.greenlet: Any = None  # the sleeping greenlet, while it sleeps
        self.fired = False
        self.expired = False

    def wake(self) -> None:
        if self.fired:
            return
        self.fired = True
        if get_ident() == self.thread:
            # If the greenlet does not sleep yet, it checks ``fired`` before it sleeps. If its call
            # has ended, there is nothing to do.
            if self.greenlet is not None:
                self.hub.loop.run_callback(interrupts.resume_guarded, self.hub, self.switch)
        else:
            self.callbacks.call(self.switch)

    def sleep(self, timeout: float) -> bool:
        loop = self.hub.loop
        # If there is no timer, use an async watcher, which keeps the loop alive. A socket without
        # an endpoint may wait without a limit, and with no watcher gevent would raise LoopExit.
        watcher = loop.timer(timeout) if timeout >= 0 else loop.async_()
        watcher.start(interrupts.resume_guarded, self.hub, self.expire)
        self.greenlet = getcurrent()
        try:
            while not (self.fired or self.expired):
                self.hub.switch()
                interrupts.check_hub(self.hub)
        finally:
            # A wake-up may still be on its way. It must not switch to this greenlet later.
            self.greenlet = None
            watcher.stop()
            watcher.close()
        return self.fired

    def expire(self) -> None:
        self.expired = True
        self.switch()

    def switch(self) -> None:
        if self.greenlet is not None:
            self.greenlet.switch()


class LockWaker(Waker):
    """The current native thread, which sleeps on a lock while other threads run.

    In the main thread, signal handlers run during ``sleep``, and ``sleep`` raises their exceptions.
    """

    def __init__(self) -> None:
        Waker.__init__(self)
        self.lock = allocate_lock()
        self.lock.acquire()
        self.fired = False

    def wake(self) -> None:
        if self.fired:
            return
        self.fired = True
        try:
            self.lock.release()
        except RuntimeError:
            pass  # pure build: two threads wake it at the same time

    def sleep(self, timeout: float) -> bool:
        return self.lock.acquire(True, min(timeout, LONGEST) if timeout >= 0 else -1)


def insert_by_age(wakers: list[HubWaker], waker: Any) -> None:
    """Insert ``waker`` into the list ``wakers``, behind all wakers that have waited longer.

    So a sleeper that was woken in vain gets its old position back, not the last one."""
    position = len(wakers)
    while position > 0:
        before = wakers[position - 1]
        if before.since <= waker.since:
            break
        position -= 1
    wakers.insert(position, waker)


class WaitList:
    """Wakers that wait for one condition. Each notification wakes the first in the list.

    A woken waiter calls :meth:`notify` for the next waiter if the next one can proceed as well. It
    does the same if it cannot use the wake-up, because it was killed or timed out at that moment.
    """

    def __init__(self) -> None:
        self.wakers: list[Any] = []

    def wait(self, waker: Waker, timeout: float, recheck: Callable[..., Any] | None = None) -> bool:
        """Sleep until notified.

        Parameters
        ----------
        waker : Waker
            A waker of the caller; it can be used once.
        timeout : float, seconds
            Negative means no limit.
        recheck : callable, optional
            Called after the waker is in the list and before it sleeps. If it returns true, the
            condition holds by now and the call does not sleep. It is needed wherever another
            thread can change the condition, because that thread may have notified before the
            waker was in the list.

        Returns
        -------
        bool
            False if the timeout expired first.
        """
        insert_by_age(self.wakers, waker)
        completed = False
        try:
            woken = (recheck is not None and recheck()) or waker.sleep(timeout)
            completed = True
            return woken
        finally:
            try:
                self.wakers.remove(waker)
            except ValueError:
                # This waiter was notified. If it cannot use the wake-up, pass it on.
                if not completed:
                    self.notify()

    def notify(self) -> None:
        """Wake the waiter that has waited longest."""
        if self.wakers:
            try:
                self.wakers.pop(0).wake()
            except IndexError:
                pass  # pure build: another thread notified at the same time

    def notify_all(self) -> None:
        """Wake all waiters."""
        # Change the list in place: another thread may be adding a waker to it.
        while self.wakers:
            self.notify()


class SleeperMailbox(Mailbox):
    """Commands for a socket. Threads or greenlets that use the socket process them.

    A post wakes one of the sleepers. That sleeper processes the commands, which may wake others.

    Attributes
    ----------
    sleepers : list of Waker
    notifier
        If it is set, its ``signal`` is called for each post.
    """

    def __init__(self) -> None:
        Mailbox.__init__(self)
        self.sleepers: list[Any] = []
        self.notifier: Any = None
        self.closed = False

    def alert(self) -> None:
        if self.closed:
            # No call will process the commands any more, so process them here. On a closed socket
            # they have no effect.
            self.process()
            return
        if self.sleepers:
            try:
                self.sleepers[0].wake()
            except IndexError:
                pass  # pure build: the sleeper has just woken up
        if self.notifier is not None:
            self.notifier.signal()

    def close(self) -> None:
        """Make each later post process its command at once, in the posting thread."""
        self.closed = True
        self.process()
