"""Pending operations of coroutines: the part of ``zlinkcompat.asyncio`` on the message path."""

from asyncio import Event
from collections import deque
from weakref import WeakKeyDictionary, ref

from greenlet import getcurrent
from zmq.error import Again, ZMQError

from zlinkcompat._constants import POLLIN, POLLOUT
from zlinkcompat._runtime.clock import monotonic_ns
from zlinkcompat.engine.contention import contention
from zlinkcompat.engine.loop import CAN_BUSY_POLL, Backoff
from zlinkcompat.engine.wait import Waker

#: A time (ns) after the beginning of any call.
LAST = 2**62


def waiting_in(loop):
    """Return the set of everything that waits in ``loop``, which the loop itself keeps alive.

    A program need not keep a reference to a waiting coroutine or its socket. Only its loop may keep
    them alive, because the I/O thread has only weak references. So they are collected together with
    a loop that has ended.
    """
    try:
        return loop._zlinkcompat_waiting
    except AttributeError:
        pass
    waiting = set()
    try:
        loop._zlinkcompat_waiting = waiting
    except AttributeError:
        return of_closed_classes.setdefault(loop, waiting)
    return waiting


#: The sets of loops whose class does not allow attributes.
of_closed_classes = WeakKeyDictionary()


class LoopWaker(Waker):
    """Calls ``sleeper.advance()`` in a loop's thread, once for any number of earlier wake-ups.

    Among a socket's sleepers it comes after those that block a thread, because the loop of such a
    thread does not run meanwhile. It comes before those of earlier loops, which may be closed. The
    sleeper that is woken first wakes the others as needed.

    Parameters
    ----------
    sleeper
        An object with ``loop`` and ``advance()``. The waker does not keep it alive.
    """

    def __init__(self, sleeper):
        Waker.__init__(self)
        self.since = LAST - monotonic_ns()
        self.sleeper = ref(sleeper)
        self.greenlet = getcurrent()
        self.due = False

    def wake(self):
        """Schedule the call for the next iteration of the loop, in the loop's own thread."""
        if self.due:
            return
        sleeper = self.sleeper()
        if sleeper is None:
            return
        self.due = True
        try:
            if getcurrent() is self.greenlet:
                sleeper.loop.call_soon(self.run)
            else:
                sleeper.loop.call_soon_threadsafe(self.run)
        except RuntimeError:
            pass  # the loop is closed, so nothing waits any more

    def run(self):
        """Run in the loop's iteration."""
        self.due = False
        sleeper = self.sleeper()
        if sleeper is not None:
            sleeper.advance()


class Operation:
    """An operation that must wait.

    Parameters
    ----------
    future : asyncio.Future
    call : callable
        Raises zmq.Again while the operation must wait.

    Attributes
    ----------
    load : callable or None
        Converts the result of the call to the result of the future.
    """

    __slots__ = ("future", "call", "args", "load")

    def __init__(self, future, call, args):
        self.future = future
        self.call = call
        self.args = args
        self.load = None

    def attempt(self):
        """Try the operation; return whether it is over: done, failed or cancelled."""
        return self.future.done() or attempt(self.future, self.call, self.args, self.load)


def attempt(future, call, args, load=None):
    """Try ``call(*args)``, which completes the future; return False if it must wait."""
    try:
        result = call(*args)
    except Again:
        return False
    except Exception as error:
        future.set_exception(error)
    else:
        if load is None:
            future.set_result(result)
        else:
            complete(future, load, result)
    return True


def complete(future, load, result):
    """Complete ``future`` with ``load(result)``, or with its exception."""
    try:
        future.set_result(load(result))
    except Exception as error:
        future.set_exception(error)


class PollWaiter:
    """A poll of several sockets, which waits in ``loop`` until one of them changes."""

    def __init__(self, loop):
        self.loop = loop
        self.changed = Event()
        self.kept = waiting_in(loop)
        self.waker = LoopWaker(self)
        self.watched = []

    def add_to(self, cores):
        """Let changes of the sockets end the wait."""
        self.kept.add(self)
        for core in cores:
            core.add_poller(self.waker)
            self.watched.append(core)

    def advance(self):
        """Handle that a socket has changed."""
        self.changed.set()

    def remove(self):
        """Remove the waker when the poll is over."""
        self.kept.discard(self)
        for core in self.watched:
            core.remove_poller(self.waker)


class PendingOperations:
    """The pending operations of one socket, and the waker that continues them.

    Parameters
    ----------
    core : CoreSocket
    loop : asyncio.AbstractEventLoop
    """

    def __init__(self, core, loop):
        self.core = core
        self.loop = loop
        self.receiving = deque()
        self.sending = deque()
        self.polling = deque()
        self.kept = waiting_in(loop)
        self.waker = LoopWaker(self)
        self.watching = False
        self.is_busy_polling = False
        self.give_up_at = 0
        self.polled_at = 0
        # A coroutine that sends or receives continuously must not starve the others.
        self.burst = core.options.tuning.asyncio_burst
        self.streak = 0
        self.busy_poll_backoff = Backoff(32)

    def begin(self, sends, call, args):
        """Run ``call(*args)`` now, or as soon as it need not wait.

        Returns
        -------
        asyncio.Future
        """
        future = self.loop.create_future()
        queue = self.sending if sends else self.receiving
        self.streak += 1
        rests = self.streak >= self.burst
        if not rests and not queue and attempt(future, call, args):
            return future
        self.streak = 0
        self.add(queue, Operation(future, call, args))
        if rests:
            self.waker.wake()
        options = self.core.options
        timeout = options.sndtimeo if sends else options.rcvtimeo
        if timeout >= 0:
            self.expire_after(timeout, future, Again)
        return future

    def add(self, queue, operation):
        """Add an operation that must wait."""
        queue.append(operation)
        operation.future.add_done_callback(self.on_done)
        if not self.watching:
            self.watching = True
            self.kept.add(self)
            self.core.add_poller(self.waker)
            # Events before the waker was registered did not wake it, so check once.
            self.waker.wake()
            now = monotonic_ns()
            spin_time = contention.poll_time(self.core.options.tuning, now)
            if spin_time > 0 and CAN_BUSY_POLL and self.busy_poll_backoff.allows():
                # Iterate the loop without sleeping. Other tasks can run, and a message that arrives
                # soon does not need two thread switches.
                self.give_up_at = now + spin_time
                self.polled_at = now
                self.is_busy_polling = True

    def expire_after(self, milliseconds, future, error):
        """Complete ``future`` after a timeout: with ``error``, or with 0 if that is None."""

        def expire():
            if not future.done():
                if error is None:
                    future.set_result(0)
                else:
                    future.set_exception(error())
                self.discard_finished()

        timer = self.loop.call_later(milliseconds / 1000, expire)
        future.add_done_callback(lambda future: timer.cancel())

    def on_done(self, future):
        """Handle that a pending future is done or was cancelled."""
        if future.cancelled():
            self.discard_finished()

    def keep_polling(self):
        """Let the loop iterate again without sleeping, while that may bring a message."""
        if not self.is_busy_polling:
            return
        if not self.watching:
            self.is_busy_polling = False
            self.busy_poll_backoff.hit()
            return
        previous = self.polled_at
        self.polled_at = now = monotonic_ns()
        if contention.check_gap(previous, now) and self.core.options.tuning.adaptive_poll:
            self.is_busy_polling = False
        elif now < self.give_up_at:
            self.waker.wake()
        else:
            self.is_busy_polling = False
            self.busy_poll_backoff.missed()

    def advance(self):
        """Retry the pending operations in order."""
        self.retry_in_order(self.receiving, POLLIN)
        self.retry_in_order(self.sending, POLLOUT)
        for operation in self.polling:
            operation.attempt()
        self.discard_finished()
        self.keep_polling()

    def retry_in_order(self, queue, event):
        """Retry the operations in ``queue`` as long as ``event`` is ready."""
        # As in pyzmq, ask the socket first. It also avoids the cost of an exception.
        while queue and self.may(event) and queue[0].attempt():
            queue.popleft()

    def may(self, event):
        """Tell whether to retry an operation that waits for ``event``."""
        try:
            return self.core.events(event) != 0
        except ZMQError:
            return True  # the error ends the pending operations

    def discard_finished(self):
        """Drop finished operations, so that they do not stay until the socket's next event."""
        for queue in (self.receiving, self.sending, self.polling):
            for operation in [each for each in queue if each.future.done()]:
                queue.remove(operation)
        if self.watching and not (self.receiving or self.sending or self.polling):
            self.watching = False
            self.kept.discard(self)
            self.core.remove_poller(self.waker)

    def cancel(self):
        """Cancel all pending operations: the socket is closed, or used in another loop."""
        for operation in (*self.receiving, *self.sending, *self.polling):
            try:
                operation.future.cancel()
            except RuntimeError:
                pass  # the loop is closed, so nothing waits for the future
        self.discard_finished()
