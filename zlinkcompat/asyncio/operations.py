"""What coroutines wait for: the part of ``zlinkcompat.asyncio`` that each message goes through."""

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

#: Later than any call can begin, ns.
LAST = 2**62


def waiting_in(loop):
    """The set of all that waits in ``loop``, which the loop itself holds.

    A program need not hold a coroutine that waits, nor its socket. Only its loop may keep them: the
    I/O thread knows them by weak references, so they are collected together with a loop that ended.
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


#: For loops of classes whose objects take no attributes.
of_closed_classes = WeakKeyDictionary()


class LoopWaker(Waker):
    """Calls ``sleeper.advance()`` in a loop's thread, once for any number of wake-ups before that.

    Of a socket's sleepers it is behind all that block a thread, since the loop of that thread does
    not turn meanwhile; and before those of earlier loops, which may be closed. Who is woken first
    wakes the others, if it concerns them.

    Parameters
    ----------
    sleeper
        Has ``loop`` and ``advance()``. The waker does not keep it alive.
    """

    def __init__(self, sleeper):
        Waker.__init__(self)
        self.since = LAST - monotonic_ns()
        self.sleeper = ref(sleeper)
        self.greenlet = getcurrent()
        self.due = False

    def wake(self):
        """Have it called, by the loop's own thread at its next turn."""
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
            pass  # the loop is closed: nobody waits any more

    def run(self):
        """The loop's turn."""
        self.due = False
        sleeper = self.sleeper()
        if sleeper is not None:
            sleeper.advance()


class Operation:
    """Something that could not be done at once.

    Parameters
    ----------
    future : asyncio.Future
    call : callable
        Raises zmq.Again while it cannot be done.

    Attributes
    ----------
    load : callable or None
        Makes the future's result of the call's.
    """

    __slots__ = ("future", "call", "args", "load")

    def __init__(self, future, call, args):
        self.future = future
        self.call = call
        self.args = args
        self.load = None

    def attempt(self):
        """Tell whether it is over: done, failed or cancelled."""
        return self.future.done() or attempt(self.future, self.call, self.args, self.load)


def attempt(future, call, args, load=None):
    """Try ``call(*args)``, which completes the future; False if it cannot be done now."""
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
    """Complete ``future`` with ``load(result)``, or what that raises."""
    try:
        future.set_result(load(result))
    except Exception as error:
        future.set_exception(error)


class PollWaiter:
    """A poll of many sockets that waits in ``loop`` until one of them has changed."""

    def __init__(self, loop):
        self.loop = loop
        self.changed = Event()
        self.kept = waiting_in(loop)
        self.waker = LoopWaker(self)
        self.watched = []

    def add_to(self, cores):
        """Have changes of sockets end the wait."""
        self.kept.add(self)
        for core in cores:
            core.add_poller(self.waker)
            self.watched.append(core)

    def advance(self):
        """A socket has changed."""
        self.changed.set()

    def remove(self):
        """The poll is over."""
        self.kept.discard(self)
        for core in self.watched:
            core.remove_poller(self.waker)


class PendingOperations:
    """The operations of one socket that wait, and the waker that goes on with them.

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
        # A coroutine that sends or receives without end must not starve the others.
        self.burst = core.options.tuning.asyncio_burst
        self.streak = 0
        self.busy_poll_backoff = Backoff(32)

    def begin(self, sends, call, args):
        """Do ``call(*args)`` now, or when it can be done.

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
        """Wait with one more operation."""
        queue.append(operation)
        operation.future.add_done_callback(self.on_done)
        if not self.watching:
            self.watching = True
            self.kept.add(self)
            self.core.add_poller(self.waker)
            # What came before it watched told nobody.
            self.waker.wake()
            now = monotonic_ns()
            spin_time = contention.poll_time(self.core.options.tuning, now)
            if spin_time > 0 and CAN_BUSY_POLL and self.busy_poll_backoff.allows():
                # Turns of the loop that do not sleep: others get theirs, and a message that is
                # near is spared two switches of threads.
                self.give_up_at = now + spin_time
                self.polled_at = now
                self.is_busy_polling = True

    def expire_after(self, milliseconds, future, error):
        """Complete ``future`` in time: with ``error``, or with 0 if that is None."""

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
        """A future that waited is done, or was cancelled."""
        if future.cancelled():
            self.discard_finished()

    def keep_polling(self):
        """Let the loop turn again without sleep, while that may bring something."""
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
        """Try again what waits, in its order."""
        self.retry_in_order(self.receiving, POLLIN)
        self.retry_in_order(self.sending, POLLOUT)
        for operation in self.polling:
            operation.attempt()
        self.discard_finished()
        self.keep_polling()

    def retry_in_order(self, queue, event):
        """Try again what waits in ``queue``, for as long as ``event`` is there."""
        # As in pyzmq, which asks the socket first; an exception is dear, too.
        while queue and self.may(event) and queue[0].attempt():
            queue.popleft()

    def may(self, event):
        """Tell whether an operation that waits for ``event`` is worth a try."""
        try:
            return self.core.events(event) != 0
        except ZMQError:
            return True  # that is the end of what waits

    def discard_finished(self):
        """Drop what is over, not to be kept until something happens to the socket."""
        for queue in (self.receiving, self.sending, self.polling):
            for operation in [each for each in queue if each.future.done()]:
                queue.remove(operation)
        if self.watching and not (self.receiving or self.sending or self.polling):
            self.watching = False
            self.kept.discard(self)
            self.core.remove_poller(self.waker)

    def cancel(self):
        """The socket is closed, or another loop's now: cancel all that wait."""
        for operation in (*self.receiving, *self.sending, *self.polling):
            try:
                operation.future.cancel()
            except RuntimeError:
                pass  # the loop is closed, and nobody is told
        self.discard_finished()
