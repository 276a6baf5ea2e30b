"""The thread engine: native threads, each with a hub of its own, that do a context's I/O.

They run the very same listeners, connecters and connections as the hub engine does in the
program's own hub. The program's threads reach them through mailboxes only.

Source: libzmq ``src/io_thread.hpp``, ``src/ctx.cpp: choose_io_thread``.
"""

import signal
from weakref import WeakSet

from greenlet import GreenletExit

from zlinkcompat._runtime import log_queue
from zlinkcompat._runtime.clock import monotonic_ns
from zlinkcompat._runtime.gevent_support import get_hub, get_original, load_gevent
from zlinkcompat.engine import interrupts
from zlinkcompat.engine.loop import current_loop
from zlinkcompat.engine.wait import LockWaker, WaitList, current_waker
from zlinkcompat.errors import EAGAIN, EMTHREAD, zmq_error
from zlinkcompat.routing.mailbox import Mailbox

allocate_lock = get_original("_thread", "allocate_lock")
start_new_thread = get_original("_thread", "start_new_thread")

SWITCH_INTERVAL = 5_000_000  # ns, as long as Python lets a thread compute

DESTRUCTOR_TIMEOUT = 1_000_000_000  # ns, which a destructor waits at most


class LoopMailbox(Mailbox):
    """Commands for what lives in another thread's hub."""

    def __init__(self, hub, ended):
        Mailbox.__init__(self)
        self.hub = hub
        self.signalled = False
        self.stopped = False
        self.watcher = hub.loop.async_()
        self.watcher.start(interrupts.call_guarded, hub, self.on_signal)
        self.ended = ended

    def alert(self):
        # Many posts are one wake-up.
        if not (self.signalled or self.stopped):
            self.signalled = True
            self.watcher.send()

    def on_signal(self):
        self.signalled = False
        while self.pending:
            # A defect of one command must not cost the others.
            interrupts.call_guarded(self.hub, self.process)

    def stop(self):
        self.stopped = True
        self.watcher.stop()
        self.watcher.close()


class IoThread:
    """One native thread with a hub, until :meth:`stop`.

    Attributes
    ----------
    engine : IOLoop
        Of its hub, once started.
    """

    def __init__(self, pool):
        self.pool = pool
        self.engine = None
        self.stopping = False
        self.alive = True
        self.failure = None
        self.ending = WaitList()
        load_gevent()  # here, where an exception is the caller's
        started = allocate_lock()
        started.acquire()
        start_new_thread(self.run, (started.release,))
        started.acquire()
        if self.failure is not None:
            raise self.failure

    def run(self, started):
        from gevent.exceptions import LoopExit

        try:
            # Signals are the program's; a call that they interrupt must be one of its own.
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            log_queue.use_thread()
            hub = get_hub()
            engine = current_loop()
            engine.attach_to_pool(LoopMailbox(hub, self.ending), self.pool)
            self.engine = engine
        except BaseException as error:
            self.failure = error
            return
        finally:
            started()
        try:
            while not self.stopping:
                try:
                    hub.switch()
                except LoopExit:
                    pass  # as asked by end()
        finally:
            engine.mailbox.stop()
            engine.close()
            engine.callbacks.close()
            # By itself it would never end, and stay with all that it refers to.
            hub.throw(GreenletExit)
            hub.destroy(destroy_loop=True)
            self.alive = False
            self.ending.notify_all()

    def stop(self):
        """Have it end, whatever it does. Called from any thread."""
        self.engine.mailbox.post(self.end)

    def end(self):
        # In its hub.
        self.stopping = True
        hub = self.engine.hub
        pool, hub._threadpool = hub._threadpool, None
        if pool is not None:
            # It looked up names. Here, in the hub's own greenlet, nobody waits for a slow one.
            pool.kill()
        self.engine.loop.break_()

    def join(self, timeout):
        """Wait for its end, ``timeout`` seconds at most."""
        self.ending.wait(current_waker(False), timeout, self.has_ended)

    def has_ended(self):
        return not self.alive


#: All that were started and not stopped, in this process.
pools = WeakSet()


class IoThreads:
    """The I/O threads of one context, started at the first need.

    Parameters
    ----------
    options : ContextOptions
        ``io_threads`` is read when they start.
    """

    def __init__(self, options):
        self.options = options
        self.threads = []
        self.stopping_when_idle = False
        self.lock = allocate_lock()
        self.yielded_at = 0

    def choose_loop(self, affinity):
        """The engine with the least to do among those that ``affinity`` names.

        Parameters
        ----------
        affinity : int
            Bit n stands for thread n; 0 allows all.

        Raises
        ------
        ZMQError
            EMTHREAD: there is none. EAGAIN: the system has no more threads.
        """
        if not self.threads:
            with self.lock:
                if not self.threads:
                    self.start()
        engine = self.least_loaded_loop(affinity)
        if engine is None:
            raise zmq_error(EMTHREAD, "no I/O thread is available: see IO_THREADS and AFFINITY")
        return engine

    def least_loaded_loop(self, affinity):
        """As :meth:`choose_loop`, and None if there is none, or none any more."""
        allowed = [
            thread.engine
            for number, thread in enumerate(self.threads)
            if not affinity or affinity >> number & 1
        ]
        return min(allowed, key=lambda engine: len(engine.owned), default=None)

    def start(self):
        """All of them, or none."""
        threads = []
        try:
            for _ in range(self.options.io_threads):
                threads.append(IoThread(self))
        except BaseException as error:
            for thread in threads:
                thread.stop()
            if isinstance(error, RuntimeError):
                raise zmq_error(EAGAIN) from error
            raise
        self.threads = threads
        pools.add(self)

    def begin_burst(self):
        """A receiver is about to wait: whatever is sent next is written at once."""
        for thread in self.threads:
            thread.engine.begin_burst()

    def wait_until_processed(self, turns=0):
        """Wait until the threads did all that was posted so far, and ``turns`` of their loops."""
        for thread in self.threads:
            LoopBarrier(thread, turns).wait()

    def wait_in_destructor(self):
        """Wait until the threads did what was posted so far, :data:`DESTRUCTOR_TIMEOUT` at most.

        Blocks the native thread and never switches greenlets: a destructor runs in any greenlet, in
        the middle of anything. What it interrupted may hold a lock that an I/O thread waits for,
        hence the limit."""
        if any(thread.engine.is_current() for thread in self.threads):
            return
        deadline = monotonic_ns() + DESTRUCTOR_TIMEOUT
        for thread in self.threads:
            LoopBarrier(thread).wait_natively((deadline - monotonic_ns()) / 1e9)

    def yield_to_io_threads(self):
        """Let the threads do what was posted, and read what that brought to peers in this process.

        A thread that computes keeps the GIL for 5 ms, in which a subscription would not go
        out; as often as that is enough.
        """
        now = monotonic_ns()
        if now - self.yielded_at >= SWITCH_INTERVAL:
            self.wait_until_processed()
            # What has arrived by now is seen in the first turn, before or after this, and read by
            # the second.
            self.wait_until_processed(2)
            self.yielded_at = monotonic_ns()

    def stop(self, timeout=1.0):
        """End the threads, and wait until they are gone."""
        threads, self.threads = self.threads, []
        for thread in threads:
            thread.stop()
        for thread in threads:
            thread.join(timeout)
        pools.discard(self)

    def stop_when_idle(self):
        """Let each thread end by itself when it has nothing left to do. Never waits."""
        self.stopping_when_idle = True
        for thread in self.threads:
            thread.engine.mailbox.post(self.stop_if_idle, (thread,))

    def stop_if_idle(self, thread):
        if not thread.engine.owned:
            thread.end()

    def on_loop_idle(self, engine):
        """An engine has nothing to do any more; called in its thread."""
        if self.stopping_when_idle:
            for thread in self.threads:
                if thread.engine is engine:
                    thread.stop()

    def after_fork_child(self):
        """In a forked child, where the threads do not run. Returns what they left."""
        engines = [thread.engine for thread in self.threads]
        for engine in engines:
            engine.mailbox.stopped = True
        # Not to be collected: greenlets of threads that are no more.
        leaked_after_fork.append(self.threads)
        self.threads = []
        return engines


leaked_after_fork = []


class LoopBarrier:
    """Goes to an I/O thread, stays for so many turns of its loop, and comes back."""

    def __init__(self, thread, turns=0):
        self.thread = thread
        self.turns = turns
        self.timer = None
        self.done = False
        self.waiting = WaitList()

    def run(self):
        if self.timer is not None:
            self.timer.close()
        if self.turns:
            self.turns -= 1
            # One of no delay fires after the next poll.
            self.timer = self.thread.engine.loop.timer(0)
            self.timer.start(self.run)
            return
        self.done = True
        self.waiting.notify_all()

    def is_reached(self):
        return self.done or not self.thread.alive

    def wait(self):
        mailbox = self.thread.engine.mailbox
        mailbox.post(self.run)
        while not (self.done or mailbox.stopped):
            # Should the thread end just now, nobody would come back.
            self.waiting.wait(current_waker(False), 0.1, self.is_reached)

    def wait_natively(self, seconds):
        """Wait without a switch of greenlets, for so long at most."""
        mailbox = self.thread.engine.mailbox
        if seconds > 0 and not mailbox.stopped:
            mailbox.post(self.run)
            self.waiting.wait(LockWaker(), seconds, self.is_reached)


def stop_all():
    """Interpreter exit."""
    for pool in list(pools):
        pool.stop()
