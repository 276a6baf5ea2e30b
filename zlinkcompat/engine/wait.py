"""Wakers: how the side that made progress wakes the side that sleeps.

A wake-up carries no message: the sleeper looks again for itself. :class:`HubWaker` is the form for
a greenlet of a hub; another hub's thread is reached by that hub's threadsafe callbacks.
:class:`LockWaker` is the form for a native thread that has no hub and is to get none.
"""

from sys import modules

from greenlet import getcurrent

from zlinkcompat._runtime.gevent_support import get_hub, get_original, is_module_patched
from zlinkcompat.engine import interrupts
from zlinkcompat.engine.callbacks import threadsafe_callbacks
from zlinkcompat.routing.mailbox import Mailbox

# Native threads: where gevent patched it, threading's tells greenlets apart.
get_ident = get_original("_thread", "get_ident")
allocate_lock = get_original("_thread", "allocate_lock")

#: What the longest wait of a lock can be, seconds.
LONGEST = 1e6

#: gevent's function of this name, once gevent is loaded: without it no thread has a hub.
get_hub_if_exists = None


def waits_in_hub():
    """Tell whether whoever calls waits by switching to a hub: its thread has one, or the program
    is monkey-patched. Otherwise it blocks its thread."""
    global get_hub_if_exists
    if get_hub_if_exists is None:
        # Another thread may be importing it.
        get_hub_if_exists = getattr(modules.get("gevent._hub_local"), "get_hub_if_exists", None)
        if get_hub_if_exists is None:
            return False
    if get_hub_if_exists() is not None:
        return True
    return "gevent.monkey" in modules and is_module_patched("threading")


def current_waker(hub):
    """A waker for whoever calls.

    Parameters
    ----------
    hub : bool
        In this thread's hub in any case, made if there is none.
    """
    if hub or waits_in_hub():
        return HubWaker()
    return LockWaker()


class Waker:
    """One sleeper. ``wake`` may be called from any greenlet or thread, any number of times.

    Attributes
    ----------
    since : int
        When the call began that sleeps now, perhaps not for the first time: its place among others
        (:func:`insert_by_age`).
    """

    def __init__(self):
        self.since = 0

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
        Waker.__init__(self)
        self.hub = get_hub()
        self.callbacks = threadsafe_callbacks(self.hub)
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
                self.hub.loop.run_callback(interrupts.resume_guarded, self.hub, self.switch)
        else:
            self.callbacks.call(self.switch)

    def sleep(self, timeout):
        loop = self.hub.loop
        # Without a timer, something must keep the loop alive: a socket with no endpoint yet may
        # wait for ever, where gevent would raise LoopExit.
        watcher = loop.timer(timeout) if timeout >= 0 else loop.async_()
        watcher.start(interrupts.resume_guarded, self.hub, self.expire)
        self.greenlet = getcurrent()
        try:
            while not (self.fired or self.expired):
                self.hub.switch()
                interrupts.check_hub(self.hub)
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


class LockWaker(Waker):
    """The current native thread, asleep on a lock; others run meanwhile.

    In the main thread signal handlers run; what they raise comes out of ``sleep``.
    """

    def __init__(self):
        Waker.__init__(self)
        self.lock = allocate_lock()
        self.lock.acquire()
        self.fired = False

    def wake(self):
        if self.fired:
            return
        self.fired = True
        try:
            self.lock.release()
        except RuntimeError:
            pass  # pure build: two threads at the same time

    def sleep(self, timeout):
        return self.lock.acquire(True, min(timeout, LONGEST) if timeout >= 0 else -1)


def insert_by_age(wakers, waker):
    """Put ``waker`` into the list ``wakers`` behind all that wait longer.

    Who was woken in vain has its old place again, and not the last."""
    position = len(wakers)
    while position > 0:
        before = wakers[position - 1]
        if before.since <= waker.since:
            break
        position -= 1
    wakers.insert(position, waker)


class WaitList:
    """Wakers that wait for one condition, served in order, one for each notification.

    Who wakes and finds more than it needs calls :meth:`notify` for the next; so does who was
    woken but cannot use it, because it was killed or timed out at the same moment.
    """

    def __init__(self):
        self.wakers = []

    def wait(self, waker, timeout, recheck=None):
        """Sleep until notified.

        Parameters
        ----------
        waker : Waker
            Of the caller; used once.
        timeout : float, seconds
            Negative waits for ever.
        recheck : callable, optional
            Called after the waker is in the list and before it sleeps. Tells whether the condition
            came true meanwhile; this call then does not sleep. Needed wherever another thread can
            change the condition, since that thread may have notified before the waker was listed.

        Returns
        -------
        bool
            False if the time ran out first.
        """
        insert_by_age(self.wakers, waker)
        completed = False
        try:
            woken = recheck is not None and recheck() or waker.sleep(timeout)
            completed = True
            return woken
        finally:
            try:
                self.wakers.remove(waker)
            except ValueError:
                # Notified.
                if not completed:
                    self.notify()

    def notify(self):
        """Wake the one who waits longest."""
        if self.wakers:
            try:
                self.wakers.pop(0).wake()
            except IndexError:
                pass  # pure build: another thread notified at the same time

    def notify_all(self):
        """Wake all that wait."""
        # In place: another thread may be adding a waker to this very list.
        while self.wakers:
            self.notify()


class SleeperMailbox(Mailbox):
    """Commands for who sleeps, or makes a call, on a socket.

    One of the sleepers is woken; it processes, and that wakes whom the commands concern.

    Attributes
    ----------
    sleepers : list of Waker
    notifier
        Its ``signal`` is called for each post, if it is set.
    """

    def __init__(self):
        Mailbox.__init__(self)
        self.sleepers = []
        self.notifier = None
        self.closed = False

    def alert(self):
        if self.closed:
            # Nobody will call any more; commands are harmless to a closed socket.
            self.process()
            return
        if self.sleepers:
            try:
                self.sleepers[0].wake()
            except IndexError:
                pass  # pure build: it is awake
        if self.notifier is not None:
            self.notifier.signal()

    def close(self):
        """From now on whoever posts, processes."""
        self.closed = True
        self.process()
