"""Pending operations of coroutines: the part of ``zlinkcompat.asyncio`` on the message path."""

from __future__ import annotations

from asyncio import BaseEventLoop, Event, Future
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

from greenlet import getcurrent
from zmq.error import Again, ZMQError

from zlinkcompat._constants import NOBLOCK, POLLIN, POLLOUT
from zlinkcompat._runtime.clock import monotonic_ns
from zlinkcompat._runtime.thread_ident import thread_ident
from zlinkcompat.engine.contention import contention
from zlinkcompat.engine.loop import CAN_BUSY_POLL, Backoff
from zlinkcompat.engine.loop_poller import poller_of
from zlinkcompat.engine.waker import Waker

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable

    from zlinkcompat.core.socket import CoreSocket
    from zlinkcompat.engine.loop_poller import LoopPoller


#: A time (ns) after the beginning of any call.
LAST = 2**62


def waiting_in(loop: Any) -> set[PendingOperations | PollWaiter]:
    """Return the set of everything that waits in ``loop``, which the loop itself keeps alive.

    A program need not keep a reference to a waiting coroutine or its socket. Only its loop may keep
    them alive, because the I/O thread has only weak references. So they are collected together with
    a loop that has ended.
    """
    try:
        return loop._zlinkcompat_waiting
    except AttributeError:
        pass
    waiting: set[Any] = set()
    try:
        loop._zlinkcompat_waiting = waiting
    except AttributeError:
        return of_closed_classes.setdefault(loop, waiting)
    return waiting


#: The sets of loops whose class does not allow attributes.
of_closed_classes: WeakKeyDictionary[AbstractEventLoop, set[Any]] = WeakKeyDictionary()


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

    def __init__(self, sleeper: PendingOperations | PollWaiter) -> None:
        Waker.__init__(self)
        self.since = LAST - monotonic_ns()
        self.sleeper = ref(sleeper)
        self.greenlet = getcurrent()
        self.poller: LoopPoller = None
        self.due = False

    def wake(self) -> None:
        """Schedule the call for the next iteration of the loop, in the loop's own thread."""
        if self.due:
            return
        sleeper = self.sleeper()
        if sleeper is None:
            return
        self.due = True
        here = getcurrent() is self.greenlet
        poller = self.poller
        if here and poller is not None and poller.serving:
            # The loop is reading the connections, and runs this waker afterwards.
            poller.due.append(self)
            return
        try:
            if here:
                sleeper.loop.call_soon(self.run)
            else:
                sleeper.loop.call_soon_threadsafe(self.run)
        except RuntimeError:
            pass  # the loop is closed, so nothing waits any more

    def run(self) -> None:
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

    __slots__ = ("future", "call", "args", "load", "core", "whole", "frame", "waits")

    def __init__(
        self, future: Future[Any], call: Callable[..., Any], args: tuple[Any, ...]
    ) -> None:
        self.future = future
        self.call = call
        self.args = args
        self.load = None
        self.core: CoreSocket = None
        self.whole = False
        self.frame: Any = None
        self.waits = False

    def attempt(self) -> bool:
        """Try the operation; return whether it is over: done, failed or cancelled."""
        if self.future.done():
            return True
        if self.frame is not None:
            return try_send(self.future, self.core, self.frame)
        if self.core is not None:
            return try_recv(self.future, self.core, self.whole, self.load)
        return attempt(self.future, self.call, self.args, self.load)


def attempt(
    future: Future[Any],
    call: Callable[..., Any],
    args: tuple[Any, ...],
    load: Callable[..., Any] | None = None,
) -> bool:
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


def try_send(future: Future[Any], core: CoreSocket, frame: bytes) -> bool:
    """Send bytes, which completes the future; return False if there is no room now."""
    try:
        core.sender.send_frame(frame, NOBLOCK)
    except Again:
        return False
    except Exception as error:
        future.set_exception(error)
    else:
        future.set_result(None)
    return True


def try_recv(future: Future[Any], core: Any, whole: bool, load: Any = None) -> Any:
    """Receive bytes, which completes the future; return False if there is no message now.

    Parameters
    ----------
    core : CoreSocket
        A socket whose connections are in I/O threads.
    whole : bool
        Receive a list of all frames of a message, instead of one frame.
    """
    try:
        if whole:
            frames = core.receiver.try_recv_message()
            if frames is None:
                return False
            for index in range(len(frames)):
                frame = frames[index]
                if type(frame) is not bytes:
                    frames[index] = frame.bytes
            result = frames
        else:
            result = core.receiver.try_recv_frame()
            if result is None:
                return False
            if type(result) is not bytes:
                result = result.bytes
    except Exception as error:
        future.set_exception(error)
        return True
    if load is None:
        future.set_result(result)
    else:
        complete(future, load, result)
    return True


def future_maker(loop: Any) -> Callable[..., Any]:
    """Return a function that creates futures of ``loop``, if possible faster than its own."""
    if getattr(type(loop), "create_future", None) is BaseEventLoop.create_future:
        return partial(Future, loop=loop)
    return loop.create_future


def complete(future: Future[Any], load: Callable[..., Any], result: Any) -> None:
    """Complete ``future`` with ``load(result)``, or with its exception."""
    try:
        future.set_result(load(result))
    except Exception as error:
        future.set_exception(error)


class PollWaiter:
    """A poll of several sockets, which waits in ``loop`` until one of them changes."""

    def __init__(self, loop: Any) -> None:
        self.loop = loop
        self.changed = Event()
        self.kept = waiting_in(loop)
        self.waker = LoopWaker(self)
        self.watched: list[Any] = []

    def add_to(self, cores: list[CoreSocket]) -> None:
        """Add the waker to the sockets, so that a change of one of them ends the wait."""
        self.kept.add(self)
        poller = None
        for core in cores:
            if core.io_threads is not None and core.context.lends:
                poller = poller or poller_of(self.loop)
                if poller is not None and core.loop_poller is not poller:
                    core.serve_in(poller)
            core.add_poller(self.waker)
            self.watched.append(core)

    def advance(self) -> None:
        """Called when a socket has changed."""
        self.changed.set()

    def remove(self) -> None:
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

    def __init__(self, core: CoreSocket, loop: Any) -> None:
        self.core = core
        self.loop = loop
        self.make_future = future_maker(loop)
        # The thread that last ran the loop.
        self.thread = thread_ident()
        self.receiving: deque[Operation] = deque()
        self.sending: deque[Operation] = deque()
        self.polling: deque[Operation] = deque()
        self.kept = waiting_in(loop)
        self.waker = LoopWaker(self)
        self.watching = False
        self.is_busy_polling = False
        self.give_up_at = 0
        # A coroutine that sends or receives continuously must not starve the others.
        self.burst = core.options.tuning.asyncio_burst
        self.streak = 0
        self.busy_poll_backoff = Backoff(32)
        self.poller: LoopPoller = None
        self.lends = core.io_threads is not None and core.context.lends

    def lend(self) -> None:
        """Let the loop serve the socket's connections, if it can."""
        core = self.core
        if self.poller is None or self.poller.closed:
            if not self.loop.is_running():
                return
            self.poller = self.waker.poller = poller_of(self.loop)
            if self.poller is None:
                self.lends = False
                return
        core.serve_in(self.poller)

    def begin(self, sends: bool, call: Callable[..., Any], args: tuple[Any, ...]) -> Future[Any]:
        """Run ``call(*args)`` now, or as soon as it need not wait.

        Returns
        -------
        asyncio.Future
        """
        if self.lends and (self.poller is None or self.core.loop_poller is not self.poller):
            self.lend()
        self.thread = thread_ident()
        future = self.make_future()
        queue = self.sending if sends else self.receiving
        self.streak += 1
        rests = self.streak >= self.burst
        if not rests and not queue and attempt(future, call, args):
            return future
        self.wait(sends, Operation(future, call, args), rests)
        return future

    def send_frame(self, frame: Any) -> Any:
        """Send ``frame`` (bytes), or wait until it can be sent.

        Returns
        -------
        asyncio.Future or None
            None if :meth:`begin` must do it: in another loop, or without I/O threads.
        """
        if not (self.lends and self.thread == thread_ident() and self.loop.is_running()):
            return None
        if self.poller is None or self.core.loop_poller is not self.poller:
            self.lend()
        future = self.make_future()
        self.streak += 1
        rests = self.streak >= self.burst
        if not rests and not self.sending and try_send(future, self.core, frame):
            return future
        operation = Operation(future, None, ())
        operation.core = self.core
        operation.frame = frame
        self.wait(True, operation, rests)
        return future

    def recv_bytes(self, whole: bool) -> Future[Any] | None:
        """Receive a frame as bytes, or the list of all frames of a message, or wait for it.

        Returns
        -------
        asyncio.Future or None
            None if :meth:`begin` must do it: in another loop, or without I/O threads.
        """
        if not (self.lends and self.thread == thread_ident() and self.loop.is_running()):
            return None
        if self.poller is None or self.core.loop_poller is not self.poller:
            self.lend()
        future = self.make_future()
        self.streak += 1
        rests = self.streak >= self.burst
        if not rests and not self.receiving and try_recv(future, self.core, whole):
            return future
        operation = Operation(future, None, ())
        operation.core = self.core
        operation.whole = whole
        self.wait(False, operation, rests)
        return future

    def wait(self, sends: bool, operation: Operation, rests: bool) -> None:
        """Leave ``operation`` to the next loop iteration if it ``rests``, or else to an event."""
        self.streak = 0
        queue = self.sending if sends else self.receiving
        if rests and not queue:
            queue.append(operation)
            self.loop.call_soon(self.end_rest, sends)
            return
        self.add(queue, operation)
        if rests:
            self.waker.wake()
        self.limit(sends, operation)

    def end_rest(self, sends: bool) -> None:
        """Retry an operation in the next loop iteration, although it might not have had to wait."""
        queue = self.sending if sends else self.receiving
        if not queue:
            return  # it was cancelled
        operation = queue[0]
        if operation.attempt():
            queue.popleft()
            # The operations behind it have not been tried yet.
            self.retry_in_order(queue, POLLOUT if sends else POLLIN)
        elif not operation.waits:
            self.watch(operation)
            self.limit(sends, operation)

    def limit(self, sends: bool, operation: Operation) -> None:
        """Let the operation fail after RCVTIMEO or SNDTIMEO."""
        options = self.core.options
        timeout = options.sndtimeo if sends else options.rcvtimeo
        if timeout >= 0:
            self.expire_after(timeout, operation.future, Again)

    def add(self, queue: Any, operation: Operation) -> None:
        """Add an operation that must wait."""
        queue.append(operation)
        self.watch(operation)

    def watch(self, operation: Operation) -> None:
        """Let the loop continue ``operation``, which is in a queue, when the socket changes."""
        operation.waits = True
        operation.future.add_done_callback(self.on_done)
        if not self.watching:
            self.watching = True
            self.kept.add(self)
            self.core.add_poller(self.waker)
            if self.core.io_threads is None or self.core.mailbox.pending or self.core.dead:
                # Events before the waker was registered did not wake it, so check once.
                self.waker.wake()
            now = monotonic_ns()
            spin_time = contention.poll_time(self.core.options.tuning, now)
            if spin_time > 0 and CAN_BUSY_POLL and self.busy_poll_backoff.allows():
                # Iterate the loop without sleeping. Other tasks can run, and a message that arrives
                # soon does not need two thread switches.
                self.give_up_at = now + spin_time
                self.is_busy_polling = True
                self.waker.wake()

    def expire_after(self, milliseconds: int, future: Future[Any], error: type[Any] | None) -> None:
        """Complete ``future`` after a timeout: with ``error``, or with 0 if that is None."""

        def expire() -> None:
            if not future.done():
                if error is None:
                    future.set_result(0)
                else:
                    future.set_exception(error())
                self.discard_finished()

        timer = self.loop.call_later(milliseconds / 1000, expire)
        future.add_done_callback(lambda future: timer.cancel())

    def on_done(self, future: Future[Any]) -> None:
        """Called when a pending future is done or was cancelled."""
        if future.cancelled():
            self.discard_finished()

    def keep_polling(self) -> None:
        """Let the loop iterate again without sleeping, while that may bring a message."""
        if not self.is_busy_polling:
            return
        if not self.watching:
            self.is_busy_polling = False
            self.busy_poll_backoff.hit()
            return
        if monotonic_ns() < self.give_up_at:
            self.waker.wake()
        else:
            self.is_busy_polling = False
            self.busy_poll_backoff.miss()

    def advance(self) -> None:
        """Retry the pending operations in order."""
        poller = self.poller
        if self.is_busy_polling and poller is not None and not self.core.mailbox.pending:
            # Look at the connections first. They call this again if one of them brings a message.
            poller.on_ready()
            self.keep_polling()
            if self.is_busy_polling:
                return
        self.retry_in_order(self.receiving, POLLIN)
        self.retry_in_order(self.sending, POLLOUT)
        for operation in self.polling:
            operation.attempt()
        self.discard_finished()
        self.keep_polling()

    def retry_in_order(self, queue: deque[Any], event: int) -> None:
        """Retry the operations in ``queue`` as long as ``event`` is ready."""
        # As in pyzmq, ask the socket first. It also avoids the cost of an exception.
        while queue and self.may(event) and queue[0].attempt():
            queue.popleft()

    def may(self, event: int) -> bool:
        """Tell whether to retry an operation that waits for ``event``."""
        try:
            return self.core.events(event) != 0
        except ZMQError:
            return True  # the error ends the pending operations

    def discard_finished(self) -> None:
        """Drop finished operations, so that they do not stay until the socket's next event."""
        for queue in (self.receiving, self.sending, self.polling):
            for operation in [each for each in queue if each.future.done()]:
                queue.remove(operation)
        if self.watching and not (self.receiving or self.sending or self.polling):
            self.watching = False
            self.kept.discard(self)
            self.core.remove_poller(self.waker)

    def cancel(self) -> None:
        """Cancel all pending operations: the socket is closed, or used in another loop."""
        for operation in (*self.receiving, *self.sending, *self.polling):
            try:
                operation.future.cancel()
            except RuntimeError:
                pass  # the loop is closed, so nothing waits for the future
        self.discard_finished()
