"""The thread engine: native threads, each with its own hub, that do the I/O of a context.

They run the same listeners, connecters and connections that the hub engine runs in the program's
own hub. Application threads reach them only through mailboxes.

Source: libzmq ``src/io_thread.hpp``, ``src/ctx.cpp: choose_io_thread``.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from greenlet import GreenletExit

from zlinkcompat._runtime import log_queue
from zlinkcompat._runtime.clock import monotonic_ns
from zlinkcompat._runtime.gevent_support import get_hub, get_original, load_gevent
from zlinkcompat.engine import interrupts
from zlinkcompat.engine.loop import current_loop
from zlinkcompat.engine.waker import LockWaker, WaitList, current_waker
from zlinkcompat.errors import EAGAIN, EMTHREAD, zmq_error
from zlinkcompat.routing.mailbox import Mailbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from zlinkcompat.core.context_options import ContextOptions
    from zlinkcompat.engine.loop import IOLoop


allocate_lock = get_original("_thread", "allocate_lock")
start_new_thread = get_original("_thread", "start_new_thread")

SWITCH_INTERVAL = 5_000_000  # ns, the interpreter's default switch interval

POSTED_TIMEOUT = 0.001  # seconds, the longest wait in a call that must not wait

DESTRUCTOR_TIMEOUT = 1_000_000_000  # ns, the longest wait in a destructor


class LoopMailbox(Mailbox):
    """Commands for objects that live in another thread's hub."""

    def __init__(self, hub: Any, ended: WaitList) -> None:
        Mailbox.__init__(self)
        self.hub = hub
        self.signalled = False
        self.stopped = False
        self.watcher = hub.loop.async_()
        self.watcher.start(interrupts.call_guarded, hub, self.on_signal)
        self.ended = ended

    def alert(self) -> None:
        # One wake-up serves many posts.
        if not (self.signalled or self.stopped):
            self.signalled = True
            self.watcher.send()

    def on_signal(self) -> None:
        self.signalled = False
        while self.pending:
            # One failing command must not stop the others.
            interrupts.call_guarded(self.hub, self.process)

    def stop(self) -> None:
        self.stopped = True
        self.watcher.stop()
        self.watcher.close()


class IoThread:
    """One native thread with a hub, until :meth:`stop`.

    Attributes
    ----------
    loop : IOLoop
        The loop of its hub, once the thread has started.
    """

    def __init__(self, pool: IoThreads) -> None:
        self.pool = pool
        self.loop: Any = None  # an IOLoop, once the thread has started
        self.stopping = False
        self.alive = True
        self.failure: Any = None
        self.ending = WaitList()
        load_gevent()  # load it here, so that the caller gets an exception
        started = allocate_lock()
        started.acquire()
        start_new_thread(self.run, (started.release,))
        started.acquire()
        if self.failure is not None:
            raise self.failure

    def run(self, started: Callable[..., Any]) -> None:
        from gevent.exceptions import LoopExit

        try:
            # Block signals: they belong to the program, and must interrupt its own calls.
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            log_queue.use_thread()
            hub = get_hub()
            loop = current_loop()
            loop.attach_to_pool(LoopMailbox(hub, self.ending), self.pool)
            self.loop = loop
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
                    pass  # end() asked for it
        finally:
            loop.mailbox.stop()
            loop.close()
            loop.callbacks.close()
            # The hub's greenlet would never end by itself, and would keep all that it refers to:
            # https://github.com/gevent/gevent/issues/1601
            hub.throw(GreenletExit)
            hub.destroy(destroy_loop=True)
            self.alive = False
            self.ending.notify_all()

    def stop(self) -> None:
        """Make the thread end, even if it is busy. Any thread may call this."""
        self.loop.mailbox.post(self.end)

    def end(self) -> None:
        # This runs in the thread's hub.
        self.stopping = True
        hub = self.loop.hub
        pool, hub._threadpool = hub._threadpool, None
        if pool is not None:
            # The thread pool looked up names. In the hub's own greenlet, kill() does not wait for a
            # slow lookup.
            pool.kill()
        self.loop.gevent_loop.break_()

    def join(self, timeout: float) -> None:
        """Wait for the thread to end, for at most ``timeout`` seconds."""
        self.ending.wait(current_waker(False), timeout, self.has_ended)

    def has_ended(self) -> bool:
        return not self.alive


#: The pools of this process that are started and not stopped.
pools: WeakSet[IoThreads] = WeakSet()


class IoThreads:
    """The I/O threads of one context, started on first use.

    Parameters
    ----------
    options : ContextOptions
        ``io_threads`` is read when the threads start.
    """

    def __init__(self, options: ContextOptions) -> None:
        self.options = options
        self.threads: list[Any] = []
        self.stopping_when_idle = False
        self.lock = allocate_lock()
        self.yielded_at = 0

    def choose_loop(self, affinity: int) -> IOLoop:
        """Return the loop with the fewest owned objects among those that ``affinity`` names.

        Parameters
        ----------
        affinity : int
            Bit n stands for thread n; 0 allows all.

        Raises
        ------
        ZMQError
            EMTHREAD: no such thread exists. EAGAIN: the system cannot start a thread.
        """
        if not self.threads:
            with self.lock:
                if not self.threads:
                    self.start()
        loop = self.least_loaded_loop(affinity)
        if loop is None:
            raise zmq_error(EMTHREAD, "no I/O thread is available: check IO_THREADS and AFFINITY")
        return loop

    def least_loaded_loop(self, affinity: int) -> IOLoop | None:
        """Do the same as :meth:`choose_loop`, but return None if no thread is available."""
        allowed = [
            thread.loop
            for number, thread in enumerate(self.threads)
            if not affinity or affinity >> number & 1
        ]
        return min(allowed, key=lambda loop: len(loop.owned), default=None)

    def start(self) -> None:
        """Start all threads. If one fails to start, stop those that run."""
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

    def begin_burst(self) -> None:
        """Begin a new burst, because a receiver is about to wait: the next send writes at once."""
        for thread in self.threads:
            thread.loop.begin_burst()

    def wait_until_processed(self, turns: int = 0) -> None:
        """Wait until the threads have done all that was posted, plus ``turns`` loop iterations."""
        for thread in self.threads:
            LoopBarrier(thread, turns).wait()

    def wait_in_destructor(self) -> None:
        """Wait up to :data:`DESTRUCTOR_TIMEOUT` until the threads have done all that was posted.

        This blocks the native thread and never switches greenlets, because a destructor can run in
        any greenlet at any point. The interrupted code may hold a lock that an I/O thread needs,
        hence the limit."""
        if any(thread.loop.is_current() for thread in self.threads):
            return
        deadline = monotonic_ns() + DESTRUCTOR_TIMEOUT
        for thread in self.threads:
            LoopBarrier(thread).wait_natively((deadline - monotonic_ns()) / 1e9)

    def run_posted(self) -> bool:
        """Let the threads do what was posted, for a call that found nothing and must not wait.

        A program that repeats such calls keeps the GIL for a whole switch interval. Without this
        method, the I/O threads could not write its messages during that time.

        Returns
        -------
        bool
            Whether anything was posted. Then it is done, or :data:`POSTED_TIMEOUT` has passed.
        """
        posted = False
        for thread in self.threads:
            if thread.loop.mailbox.pending:
                posted = True
                LoopBarrier(thread).wait_natively(POSTED_TIMEOUT)
        return posted

    def yield_to_io_threads(self) -> None:
        """Let the I/O threads run posted calls, and let peers in this process read the results.

        A thread that computes keeps the GIL for a whole switch interval, and a subscription would
        not go out meanwhile. So this runs at most once per switch interval.
        """
        now = monotonic_ns()
        if now - self.yielded_at >= SWITCH_INTERVAL:
            self.wait_until_processed()
            # The first iteration, before or after this point, sees what has arrived by now. The
            # second iteration reads it.
            self.wait_until_processed(2)
            self.yielded_at = monotonic_ns()

    def stop(self, timeout: float = 1.0) -> None:
        """Stop the threads and wait until they have ended."""
        threads, self.threads = self.threads, []
        for thread in threads:
            thread.stop()
        for thread in threads:
            thread.join(timeout)
        pools.discard(self)

    def stop_when_idle(self) -> None:
        """Let each thread end by itself once it owns nothing. Never waits."""
        self.stopping_when_idle = True
        for thread in self.threads:
            thread.loop.mailbox.post(self.stop_if_idle, (thread,))

    def stop_if_idle(self, thread: IoThread) -> None:
        if not thread.loop.owned:
            thread.end()

    def on_loop_idle(self, loop: Any) -> None:
        """Stop the thread of an idle loop, if asked to; called in that thread."""
        if self.stopping_when_idle:
            for thread in self.threads:
                if thread.loop is loop:
                    thread.stop()

    def after_fork_child(self) -> list[IOLoop]:
        """Reset in a forked child, where the threads do not run. Return their loops."""
        loops = [thread.loop for thread in self.threads]
        for loop in loops:
            loop.mailbox.stopped = True
        # Keep these from being collected: they hold greenlets of threads that no longer exist.
        leaked_after_fork.append(self.threads)
        self.threads = []
        return loops


leaked_after_fork: list[object] = []


class LoopBarrier:
    """A command that runs in an I/O thread, stays for some loop iterations, and reports back."""

    def __init__(self, thread: IoThread, turns: int = 0) -> None:
        self.thread = thread
        self.turns = turns
        self.timer: Any = None
        self.done = False
        self.waiting = WaitList()

    def run(self) -> None:
        if self.timer is not None:
            self.timer.close()
        if self.turns:
            self.turns -= 1
            # A timer of 0 s fires after the next poll.
            self.timer = self.thread.loop.gevent_loop.timer(0)
            self.timer.start(self.run)
            return
        self.done = True
        self.waiting.notify_all()

    def is_reached(self) -> bool:
        return self.done or not self.thread.alive

    def wait(self) -> None:
        mailbox = self.thread.loop.mailbox
        mailbox.post(self.run)
        while not (self.done or mailbox.stopped):
            # Use a timeout: if the thread ends just now, nothing notifies us.
            self.waiting.wait(current_waker(False), 0.1, self.is_reached)

    def wait_natively(self, seconds: float) -> None:
        """Wait for at most ``seconds`` without switching greenlets."""
        mailbox = self.thread.loop.mailbox
        if seconds > 0 and not mailbox.stopped:
            mailbox.post(self.run)
            self.waiting.wait(LockWaker(), seconds, self.is_reached)


def stop_all() -> None:
    """Stop all pools when the interpreter exits."""
    for pool in list(pools):
        pool.stop()
