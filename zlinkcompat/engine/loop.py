"""The I/O loop: what the connections of one gevent hub share.

It knows which connections hold a batch back and flushes them when the event loop iterates. It runs
the event loop for a greenlet that never waits, and decides whether a receiver may busy-poll.
"""

import os
from contextlib import suppress

from greenlet import getcurrent

from zlinkcompat import tuning
from zlinkcompat._runtime.clock import monotonic_ns
from zlinkcompat._runtime.gevent_support import get_hub, get_original
from zlinkcompat._runtime.thread_ident import thread_ident
from zlinkcompat.engine import interrupts
from zlinkcompat.engine.callbacks import threadsafe_callbacks
from zlinkcompat.engine.thread_exit import at_thread_end
from zlinkcompat.routing.mailbox import Mailbox

real_sleep = get_original("time", "sleep")

#: Seconds that the end of a thread gives to flush its established connections.
END_FLUSH = 1.0


class IOLoop:
    """The I/O loop of one hub. :func:`current_loop` returns it. Its users run in the hub's thread.

    Attributes
    ----------
    burst_id : int
        Grows when a receiver found nothing and is about to wait. The next message that is sent is
        then the first of a new burst, and is written at once.
    mailbox : Mailbox or None
        Of an I/O thread; None where those who use the sockets are in this hub themselves.
    owned : set
        The sessions and listeners that run on this loop.
    thread_ended : bool
        True once the thread has exited or its hub has been destroyed.
    """

    def __init__(self, hub):
        self.hub = hub
        self.thread = thread_ident()
        self.loop = hub.loop
        self.callbacks = threadsafe_callbacks(hub)
        self.batching = []
        self.is_flush_scheduled = False
        self.burst_id = 1
        self.iteration = -1
        self.iterated_at = 0
        self.iteration_interval = tuning.get("hub_turn_interval") * 1000
        self.busy_poll_backoff = Backoff(256)
        self.iteration_timer = None
        self.mailbox = None
        self.pool = None
        self.owned = set()
        self.thread_ended = False

    # -- whom it serves --------------------------------------------------------------------

    def attach_to_pool(self, mailbox, pool):
        """Become the engine of an I/O thread of ``pool`` (IoThreads)."""
        self.mailbox = mailbox
        self.pool = pool

    def call(self, function, args=()):
        """Call ``function(*args)`` in the hub's thread: now, if that is the current one or there
        is no other."""
        if self.mailbox is None or self.is_current():
            function(*args)
        else:
            self.mailbox.post(function, args)

    def call_after_poll(self, function, argument):
        """Call ``function(argument)`` when the loop has polled for I/O.

        A callback of gevent's loop may run before that, as a timer of no delay does not."""
        timer = self.loop.timer(0)
        timer.start(self.call_guarded, self.end_timer, timer, function, argument)

    def end_timer(self, timer, function, argument):
        timer.stop()
        timer.close()
        function(argument)

    def call_guarded(self, function, *args):
        """Call ``function(*args)`` for a watcher of this loop: see :mod:`.interrupts`."""
        interrupts.call_guarded(self.hub, function, args)

    def choose_loop(self, affinity):
        """The engine for one more session: this one, or another of the same pool.

        This one, too, while the pool stops: nobody would stop a thread that was started then."""
        return self if self.pool is None else self.pool.least_loaded_loop(affinity) or self

    def register(self, owned_object):
        self.owned.add(owned_object)

    def unregister(self, owned_object):
        self.owned.discard(owned_object)
        if not self.owned and self.pool is not None:
            self.pool.on_loop_idle(self)

    def close(self):
        """The thread ends: so does what lives here."""
        for owned_object in list(self.owned):
            with suppress(ValueError):
                owned_object.abort()
            owned_object.unregister()
        self.owned.clear()

    def on_thread_exit(self):
        """The native thread of this hub ends, or has another hub now: nobody will turn this one
        any more.

        What was accepted for peers that are there is written, briefly; then the sockets are closed,
        whoever holds them. Not by a turn of the hub, which the thread has lost already.
        """
        if thread_ident() != self.thread:
            return  # a forked child
        self.thread_ended = True
        deadline = monotonic_ns() + int(END_FLUSH * 1e9)
        while self.flush_all() and monotonic_ns() < deadline:
            real_sleep(0.001)
        for socket in {owned_object.socket for owned_object in self.owned}:
            with suppress(ValueError):  # of a loop that was destroyed under its sockets
                socket.close(0, False)
        self.close()

    def flush_all(self):
        """Write what the kernel takes; tell whether something is left for peers that are there."""
        left = False
        for owned_object in self.owned:
            left = owned_object.flush() or left
        return left

    def is_current(self):
        """Tell whether the current thread is the hub's."""
        return thread_ident() == self.thread

    # -- write policy ----------------------------------------------------------------------

    def loop_iterated(self):
        """Tell whether the event loop has polled for I/O since the last call."""
        iteration = self.loop.iteration
        if iteration == self.iteration:
            return False
        self.iteration = iteration
        return True

    def flush_later(self, connection):
        """Flush ``connection``, which holds a batch back, at the next iteration of the loop."""
        self.batching.append(connection)
        if not self.is_flush_scheduled:
            self.is_flush_scheduled = True
            self.loop.run_callback(self.call_guarded, self.on_loop_iteration)

    def on_loop_iteration(self):
        self.is_flush_scheduled = False
        self.flush()

    def flush(self):
        """Write the batches of all connections."""
        if self.batching:
            # A connection may fail meanwhile, or even begin another batch.
            connections = self.batching
            self.batching = []
            count = 0
            try:
                for connection in connections:
                    connection.flush_aged_batch()
                    count += 1
            finally:
                if count < len(connections):
                    # Interrupted. Flushing this one again is harmless.
                    self.batching = connections[count:] + self.batching

    def after_fork_child(self):
        """In a forked child: drop the batches, which the parent writes."""
        self.batching = []

    def flush_before_wait(self):
        """A receiver is about to wait: flush, and let the next message of each go at once."""
        self.flush()
        self.burst_id += 1

    def begin_burst(self):
        """The same, said by another thread: what it sends next is the first of a burst."""
        self.burst_id += 1

    # -- iterations of the event loop ------------------------------------------------------

    def run_loop_once(self):
        """Let the event loop make one pass that polls for I/O.

        ``gevent.sleep(0)`` is none: it polls once per 50 callbacks, 121 ms I/O latency measured.
        A timer of no delay fires right after the next poll (1.5 us; ``gevent.idle`` takes 2.4).
        """
        current = getcurrent()
        self.iterated_at = monotonic_ns()
        if current is self.hub:
            return
        timer = self.iteration_timer
        if timer is None:
            timer = self.loop.timer(0)
        else:
            # Another greenlet that does this at the same time makes its own timer.
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

    def maybe_yield(self):
        """Called now and then by senders and receivers that may never wait: turn if it is time, and
        tell whether it was."""
        if monotonic_ns() - self.iterated_at < self.iteration_interval:
            return False
        if self.loop_iterated():
            # The event loop runs by itself.
            self.iterated_at = monotonic_ns()
            return False
        self.flush()
        self.run_loop_once()
        return True

    # -- busy polling ----------------------------------------------------------------------

    def may_busy_poll(self, spin_time):
        """Tell whether a receiver may poll its connections for ``spin_time`` ns, not sleeping.

        Not while another greenlet is ready, and ever more rarely while it brings nothing."""
        return (
            spin_time > 0
            and CAN_BUSY_POLL
            and self.busy_poll_backoff.allows()
            and not self.loop._callbacks
            and getcurrent() is not self.hub
        )


class Backoff:
    """Whether to try again what brings nothing: after each miss in a row half as often.

    Parameters
    ----------
    most : int
        Chances left out after a miss, at most.
    """

    def __init__(self, most):
        self.most = most
        self.penalty = 0
        self.skip = 0

    def allows(self):
        """Asked at each chance."""
        if self.skip > 0:
            self.skip -= 1
            return False
        return True

    def hit(self):
        self.penalty = 0
        self.skip = 0

    def missed(self):
        self.penalty = min(max(1, self.penalty * 2), self.most)
        self.skip = self.penalty


class LoopIteration:
    """One pass of the event loop, for which one greenlet waits."""

    def __init__(self, greenlet):
        self.greenlet = greenlet
        self.done = False

    def finish(self):
        self.done = True
        if self.greenlet is not None:
            self.greenlet.switch()


def cpus(cgroups="/sys/fs/cgroup", own="/proc/self/cgroup"):
    """Number of CPUs that this process can use at the same time, by the machine and the quotas of
    its cgroup (v2) and of those around it."""
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


#: Nobody else could make progress meanwhile on one CPU.
CAN_BUSY_POLL = cpus() > 1


def current_loop():
    """Return the I/O loop of the current thread's hub, made at first use."""
    hub = get_hub()
    engine = hub.__dict__.get("_zlinkcompat_engine")
    if engine is None:
        engine = hub._zlinkcompat_engine = IOLoop(hub)
        at_thread_end(engine.on_thread_exit)
    return engine


__all__ = ["Backoff", "IOLoop", "Mailbox", "current_loop"]
