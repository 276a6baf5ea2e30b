"""The I/O loop: the state that the connections of one gevent hub share.

The I/O loop knows which connections hold back a batch, and flushes the batches when the event loop
iterates. It also runs the event loop if a greenlet never waits, and decides whether a receiver may
busy-poll.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from greenlet import getcurrent

from zlinkcompat import tuning
from zlinkcompat._runtime.clock import monotonic_ns
from zlinkcompat._runtime.gevent_support import get_hub, get_original
from zlinkcompat._runtime.thread_ident import thread_ident
from zlinkcompat.engine import interrupts, stall_watch
from zlinkcompat.engine.callbacks import threadsafe_callbacks
from zlinkcompat.engine.loop_poller import LoanWatchdog
from zlinkcompat.engine.thread_exit import at_thread_end
from zlinkcompat.routing.mailbox import Mailbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from zlinkcompat.engine.connecter import Connecter
    from zlinkcompat.engine.listener import Listener
    from zlinkcompat.engine.session import AcceptedSession
    from zlinkcompat.engine.threads import IoThreads, LoopMailbox
    from zlinkcompat.engine.write_policy import WritePolicy
    from zlinkcompat.routing.pipe import Pipe


real_sleep = get_original("time", "sleep")

#: When a thread ends, flushing its established connections may take this many seconds.
END_FLUSH = 1.0


class IOLoop:
    """The I/O loop of one hub. :func:`current_loop` returns it. It is used in the hub's thread.

    Attributes
    ----------
    burst_id : int
        Increased when a receiver has found no message and is about to wait. Then the next message
        that is sent begins a new burst, and is written at once.
    mailbox : Mailbox or None
        The mailbox of an I/O thread; None if the sockets are used in this hub itself.
    owned : set
        The sessions and listeners that run on this loop.
    flow_watch : FlowWatch or None
        It decides on warnings about slow peers of this loop.
    thread_ended : bool
        True once the thread has exited or its hub has been destroyed.
    """

    def __init__(self, hub: Any) -> None:
        self.hub = hub
        self.thread = thread_ident()
        self.gevent_loop = hub.loop
        self.callbacks = threadsafe_callbacks(hub)
        self.batching: list[Any] = []
        self.is_flush_scheduled = False
        self.burst_id = 1
        self.iteration = -1
        self.iterated_at = 0
        self.iteration_interval = tuning.get("hub_turn_interval") * 1000
        self.busy_poll_backoff = Backoff(256)
        self.iteration_timer = None
        self.mailbox: Mailbox = None
        self.pool: Any = None
        self.owned: set[Any] = set()
        self.thread_ended = False
        self.loans: Any = None
        self.flow_watch = None
        stall_watch.add(self)

    # -- owned objects and calls -----------------------------------------------------------

    def attach_to_pool(self, mailbox: LoopMailbox, pool: IoThreads) -> None:
        """Make this the loop of an I/O thread of ``pool`` (IoThreads)."""
        self.mailbox = mailbox
        self.pool = pool

    def call(self, function: Callable[..., Any], args: tuple[Any, ...] = ()) -> None:
        """Call ``function(*args)`` in the hub's thread.

        If that is the current thread, or if the loop has no I/O thread, call it now."""
        if self.mailbox is None or self.is_current():
            function(*args)
        else:
            self.mailbox.post(function, args)

    def call_after_poll(self, function: Callable[..., Any], argument: Pipe) -> None:
        """Call ``function(argument)`` after the loop has polled for I/O.

        A callback of gevent's loop may run before that, but a timer without delay does not."""
        timer = self.gevent_loop.timer(0)
        timer.start(self.call_guarded, self.end_timer, timer, function, argument)

    def end_timer(self, timer: Any, function: Callable[..., Any], argument: Pipe) -> None:
        timer.stop()
        timer.close()
        function(argument)

    def call_guarded(self, function: Callable[..., Any], *args: Any) -> None:
        """Call ``function(*args)`` for a watcher of this loop: see :mod:`.interrupts`."""
        interrupts.call_guarded(self.hub, function, args)

    def choose_loop(self, affinity: int) -> IOLoop:
        """Return the loop for one more session: this one, or another one of the same pool.

        While the pool stops, this returns this loop, because a thread that is started at that time
        would never be stopped."""
        return self if self.pool is None else self.pool.least_loaded_loop(affinity) or self

    @property
    def watchdog(self) -> Any:
        """The watchdog of the connections that are lent to event loops."""
        if self.loans is None:
            self.loans = LoanWatchdog(self)
        return self.loans

    def register(self, owned_object: AcceptedSession | Connecter | Listener) -> None:
        self.owned.add(owned_object)

    def unregister(self, owned_object: AcceptedSession | Connecter | Listener) -> None:
        self.owned.discard(owned_object)
        if not self.owned and self.pool is not None:
            self.pool.on_loop_idle(self)

    def close(self) -> None:
        """Abort everything that this loop owns, because the thread ends."""
        stall_watch.remove(self)
        if self.flow_watch is not None:
            self.flow_watch.stop()
        if self.loans is not None:
            self.loans.stop()
        for owned_object in list(self.owned):
            with suppress(ValueError):
                owned_object.abort()
            owned_object.unregister()
        self.owned.clear()

    def on_thread_exit(self) -> None:
        """Close the sockets, because this hub's native thread ends or has a new hub.

        First write accepted messages to connected peers, for a short time. Then close the sockets,
        even if the program still refers to them. This does not run the hub, because the thread no
        longer has it.
        """
        if thread_ident() != self.thread:
            return  # this is a forked child
        self.thread_ended = True
        deadline = monotonic_ns() + int(END_FLUSH * 1e9)
        while self.flush_all() and monotonic_ns() < deadline:
            real_sleep(0.001)
        for socket in {owned_object.socket for owned_object in self.owned}:
            with suppress(ValueError):  # the loop was destroyed before its sockets
                socket.close(0, False)
        self.close()

    def flush_all(self) -> bool:
        """Write what the kernel accepts. Return whether data for connected peers is left."""
        left = False
        for owned_object in self.owned:
            left = owned_object.flush() or left
        return left

    def is_current(self) -> bool:
        """Tell whether the current thread is the hub's thread."""
        return thread_ident() == self.thread

    # -- write policy ----------------------------------------------------------------------

    def loop_iterated(self) -> bool:
        """Tell whether the event loop has polled for I/O since the last call."""
        iteration = self.gevent_loop.iteration
        if iteration == self.iteration:
            return False
        self.iteration = iteration
        return True

    def flush_later(self, connection: WritePolicy) -> None:
        """Flush ``connection``, which holds back a batch, in the next iteration of the loop."""
        self.batching.append(connection)
        if not self.is_flush_scheduled:
            self.is_flush_scheduled = True
            self.gevent_loop.run_callback(self.call_guarded, self.flush_postponed)

    def flush_postponed(self) -> None:
        self.is_flush_scheduled = False
        self.flush()

    def flush(self) -> None:
        """Write the batches of all connections."""
        if self.batching:
            # While batches are written, a connection may fail or begin another batch.
            connections = self.batching
            self.batching = []
            count = 0
            try:
                for connection in connections:
                    connection.flush_aged_batch()
                    count += 1
            finally:
                if count < len(connections):
                    # An interrupt ended the loop. Keep this connection in the list as well, because
                    # flushing it again is harmless.
                    self.batching = connections[count:] + self.batching

    def after_fork_child(self) -> None:
        """Drop the batches in a forked child, because the parent writes them."""
        self.batching = []

    def flush_before_wait(self) -> None:
        """Flush, because a receiver is about to wait, and begin a new burst."""
        if self.batching:
            self.flush()
        self.burst_id += 1

    def begin_burst(self) -> None:
        """Begin a new burst on behalf of another thread. Its next message is written at once."""
        self.burst_id += 1

    # -- iterations of the event loop ------------------------------------------------------

    def run_loop_once(self) -> None:
        """Let the event loop make one pass that polls for I/O.

        ``gevent.sleep(0)`` does not suffice, because gevent polls only once per 50 callbacks. A
        timer without delay fires right after the next poll, and is faster than ``gevent.idle``.
        """
        current = getcurrent()
        self.iterated_at = monotonic_ns()
        if current is self.hub:
            return
        timer = self.iteration_timer
        if timer is None:
            timer = self.gevent_loop.timer(0)
        else:
            # If another greenlet also runs the loop now, it creates its own timer.
            self.iteration_timer = None
        iteration = LoopIteration(current)
        timer.start(self.call_guarded, iteration.finish)
        try:
            while not iteration.done:
                self.hub.switch()
                interrupts.check_hub(self.hub)
        finally:
            iteration.greenlet = None
            timer.stop()
            self.iteration_timer = timer
            self.iterated_at = monotonic_ns()

    def maybe_yield(self) -> bool:
        """Run the loop once if it has not run for some time. Return whether it ran.

        Senders and receivers that may never wait call this regularly."""
        if monotonic_ns() - self.iterated_at < self.iteration_interval:
            return False
        if self.loop_iterated():
            # The event loop has iterated since the last call, so it need not run now.
            self.iterated_at = monotonic_ns()
            return False
        self.flush()
        self.run_loop_once()
        return True

    # -- busy polling ----------------------------------------------------------------------

    def may_busy_poll(self, spin_time: int) -> bool:
        """Tell whether a receiver may poll its connections for ``spin_time`` ns without sleeping.

        It may not while another greenlet is ready. While polling finds no messages, it may poll
        less and less often."""
        return (
            spin_time > 0
            and CAN_BUSY_POLL
            and self.busy_poll_backoff.allows()
            and not self.gevent_loop._callbacks
            and getcurrent() is not self.hub
        )


class Backoff:
    """Decides whether to make an attempt. After each miss in a row it allows half as many.

    Parameters
    ----------
    most : int
        At most this many attempts are skipped after a miss.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.penalty = 0
        self.skip = 0

    def allows(self) -> bool:
        """Tell whether to make the attempt. Call this before each attempt."""
        if self.skip > 0:
            self.skip -= 1
            return False
        return True

    def hit(self) -> None:
        self.penalty = 0
        self.skip = 0

    def miss(self) -> None:
        self.penalty = min(max(1, self.penalty * 2), self.most)
        self.skip = self.penalty


class LoopIteration:
    """One pass of the event loop, for which a greenlet waits."""

    def __init__(self, greenlet: Any) -> None:
        self.greenlet = greenlet
        self.done = False

    def finish(self) -> None:
        self.done = True
        if self.greenlet is not None:
            self.greenlet.switch()


def cpus(cgroups: str = "/sys/fs/cgroup", own: str = "/proc/self/cgroup") -> int:
    """Return how many CPUs this process can use at the same time.

    These are the machine's CPUs, limited by the quotas of the process's cgroup (v2) and of the
    enclosing cgroups."""
    count = os.cpu_count() or 1
    path = "/"
    with suppress(OSError), open(own) as file:
        for line in file:
            if line.startswith("0::/"):
                path = line[len("0::") :].rstrip("\n")
    while True:
        with suppress(OSError, ValueError), open(cgroups + path.rstrip("/") + "/cpu.max") as file:
            quota, period = file.read().split()
            if quota != "max":
                count = min(count, max(1, int(quota) // int(period)))
        if path == "/":
            return count
        path = os.path.dirname(path)


#: Whether busy polling makes sense: with one CPU, no peer could make progress during it.
CAN_BUSY_POLL = cpus() > 1


def current_loop() -> Any:
    """Return the I/O loop of the current thread's hub, and create it on first use."""
    hub = get_hub()
    loop = hub.__dict__.get("_zlinkcompat_loop")
    if loop is None:
        loop = hub._zlinkcompat_loop = IOLoop(hub)
        at_thread_end(loop.on_thread_exit)
    return loop


__all__ = ["Backoff", "IOLoop", "Mailbox", "current_loop"]
