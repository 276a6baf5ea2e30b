"""The context: its options, its sockets, the inproc names, and termination."""

from __future__ import annotations

import atexit
import os
import sys
from time import monotonic
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from greenlet import getcurrent

from zlinkcompat import tuning
from zlinkcompat._runtime import log_queue
from zlinkcompat._runtime.gevent_support import (
    get_original,
    hub_runs_under,
    is_module_patched,
    running_loop,
)
from zlinkcompat._runtime.log_queue import Log
from zlinkcompat._runtime.thread_ident import thread_ident
from zlinkcompat.core import ended_sockets
from zlinkcompat.core.context_options import ContextOptions
from zlinkcompat.core.registry import register
from zlinkcompat.engine import loop_poller, threads
from zlinkcompat.engine.loop import current_loop
from zlinkcompat.engine.waker import WaitList, current_waker, waits_in_hub
from zlinkcompat.errors import EFAULT, EMFILE, ETERM, zmq_error
from zlinkcompat.wire.security.mechanism import SOCKET_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zlinkcompat.core.socket import CoreSocket
    from zlinkcompat.engine.threads import IoThreads


#: At interpreter exit, flushing established connections may take this many seconds. So may opening
#: connections for which the hub never ran, because the program did not wait.
EXIT_FLUSH = 1.0
EXIT_OPENING = 0.1

#: A connection that waits for nothing but the loop ends within this number of loop iterations.
REAP_TURNS = 4

LOG = Log("zlinkcompat.core")

contexts: WeakSet[CoreContext] = WeakSet()

# A native lock, because any thread may hold it. Each holds it only for a few steps.
RLock = get_original("_thread", "RLock")


def wants_threads(engine: str) -> bool:
    """Tell whether a new context needs I/O threads. ``engine`` is "hub", "thread" or "auto".

    With "auto" it needs them unless the program is monkey-patched."""
    if engine not in ("hub", "thread", "auto"):
        raise ValueError(f"ZLINK_ENGINE={engine!r}: must be hub, thread or auto")
    return engine == "thread" or (engine == "auto" and not is_module_patched("threading"))


def usually_blocks_natively() -> bool:
    """Tell whether the current thread usually blocks natively, so that its hub does not run.

    Such threads are those of gevent's thread pool, all native threads of a monkey-patched program
    except the main thread, and threads with an event loop that gevent does not know, such as
    uvloop's."""
    loop = running_loop()
    if loop is not None and not hub_runs_under(loop):
        return True
    hub = sys.modules.get("gevent.hub")
    if thread_ident() == getattr(hub, "MAIN_THREAD_IDENT", thread_ident()):
        return False
    pool = sys.modules.get("gevent.threadpool")
    return is_module_patched("threading") or isinstance(
        getcurrent(), getattr(pool, "_WorkerGreenlet", ())
    )


class CoreContext:
    """A container of sockets that share I/O threads and inproc names.

    Parameters
    ----------
    io_threads : int
        libzmq's IO_THREADS. The hub engine has no I/O threads: its connections run in the hub of
        the thread that uses the socket.
    engine : str, optional
        "hub" (``zlinkcompat.green``) or "thread" (``zlinkcompat.asyncio``), which overrides
        ``ZLINK_ENGINE``. By default I/O threads are used unless ``threading`` is monkey-patched.

    Attributes
    ----------
    address : int
        The key of this context in ``core.registry``.
    bound, unbound : dict
        Map an inproc endpoint to its socket, and to the connects that wait for it.
    io_threads : IoThreads or None
        None with the hub engine.
    worker_threads : IoThreads or None
        With the hub engine, the I/O threads for sockets of threads that may block natively.
    chooses_engine : bool
        Whether ``ZLINK_ENGINE`` leaves the choice to the context.
    lends : bool
        Whether I/O threads lend connections to the asyncio loops that use their sockets.
    max_sockets : int or None
        The value of MAX_SOCKETS when the first socket was created. Later changes have no effect.
    """

    def __init__(self, io_threads: int = 1, engine: str | None = None) -> None:
        tuning.check_environment()
        chosen = os.environ.get("ZLINK_ENGINE") or "auto"
        self.options = ContextOptions()
        self.options.set_io_threads(io_threads)
        self.io_threads = None
        self.worker_threads: Any = None
        self.chooses_engine = chosen == "auto"
        self.lends = chosen != "thread"
        if wants_threads(engine or chosen):
            self.io_threads = threads.IoThreads(self.options)
        self.lock = RLock()
        self.sockets: set[Any] = set()
        self.max_sockets: Any = None
        self.terminating = False
        self.ending = RLock()  # held while term() tells the sockets
        self.closed = False
        self.reaped = WaitList()
        # The notifiers of sockets that are closed but still referenced.
        self.notifiers: WeakSet[Any] = WeakSet()
        self.bound: dict[Any, Any] = {}
        self.unbound: dict[Any, Any] = {}
        self.address = register(self)
        contexts.add(self)
        flush_in_multiprocessing_children()

    def set(self, option: int, value: Any) -> None:
        """Set a context option. EINVAL as for :meth:`ContextOptions.set`. libzmq zmq_ctx_set(3)."""
        self.options.set(option, value)

    def get(self, option: int) -> int:
        """Return a context option.

        EINVAL as for :meth:`ContextOptions.get`. libzmq zmq_ctx_get(3)."""
        return self.options.get(option)

    def choose_io_threads(self) -> IoThreads | None:
        """Return the I/O threads for a new socket, or None if its hub does the I/O."""
        if self.io_threads is not None or not self.chooses_engine or not usually_blocks_natively():
            return self.io_threads
        with self.lock:
            if self.worker_threads is None:
                self.worker_threads = threads.IoThreads(self.options)
            return self.worker_threads

    def pools(self) -> list[IoThreads]:
        """Return all I/O threads of this context, as a list of IoThreads."""
        return [pool for pool in (self.io_threads, self.worker_threads) if pool is not None]

    def add_socket(self, socket: CoreSocket) -> None:
        if self.terminating:
            self.refuse_socket(EFAULT if self.closed else ETERM)
        if self.max_sockets is None:
            self.max_sockets = self.options.max_sockets
        if len(self.sockets) >= self.max_sockets:
            self.reap_closed()
        if len(self.sockets) >= self.max_sockets:
            raise zmq_error(EMFILE, "socket: all %d of MAX_SOCKETS are in use" % len(self.sockets))
        socket.options.inherit(self.options)
        self.sockets.add(socket)
        if self.terminating:
            # term() was called after the check above, so it may not have told this socket.
            self.socket_reaped(socket)
            self.refuse_socket(ETERM)
        LOG.debug(
            "context %#x: socket %#x made, a %s",
            self.address,
            socket.address,
            SOCKET_TYPES[socket.socket_type].decode(),
        )

    def refuse_socket(self, errno: int) -> None:
        """Raise ``errno``. As in libzmq, do so only after term() has told all open sockets."""
        with self.ending:
            raise zmq_error(errno)

    def reap_closed(self) -> None:
        """Run the loop, so that connections of closed sockets can end if they wait only for it.

        libzmq has a reaper thread for this."""
        before = 0
        while len(self.sockets) != before and any(each.closed for each in list(self.sockets)):
            before = len(self.sockets)
            for pool in self.pools():
                pool.wait_until_processed(REAP_TURNS)
            if self.io_threads is None:
                loop = current_loop()
                for _ in range(REAP_TURNS):
                    loop.run_loop_once()

    def socket_reaped(self, socket: CoreSocket) -> None:
        """Forget a closed socket, which has delivered or given up all accepted messages."""
        if socket in self.sockets:
            self.sockets.discard(socket)
            ended_sockets.add(socket)
        if self.terminating and not self.sockets:
            self.reaped.notify_all()

    def term(self) -> None:
        """Make calls on open sockets raise ETERM, then wait until all sockets are closed.

        This waits while a socket is open, or while the LINGER of a closed socket allows delivery
        (-1: no limit). If an exception interrupts the wait, a second call continues it.
        """
        if self.closed:
            return
        LOG.debug("context %#x: terminates, sockets left: %d", self.address, len(self.sockets))
        with self.ending:
            self.terminating = True
            for socket in list(self.sockets):
                if not socket.closed:
                    # Post a command even if the socket belongs to this thread. Until the socket
                    # processes the command, its options can be set and it can be closed.
                    socket.mailbox.post(socket.stop, (ETERM,))
        patience = tuning.get("term_warning") / 1000 or -1.0
        while self.sockets:
            if self.io_threads is None:
                current_loop().flush_before_wait()
            waker = current_waker(self.io_threads is None)
            if not self.reaped.wait(waker, patience, self.is_empty):
                LOG.warning(
                    "context %#x: term() still waits after %g s for %s",
                    self.address,
                    patience,
                    "; ".join(map(describe_unfinished, list(self.sockets))),
                )
                patience = -1.0
        for pool in self.pools():
            pool.stop()
        for notifier in list(self.notifiers):
            notifier.close()
        self.closed = True
        self.unbound.clear()
        contexts.discard(self)
        LOG.debug("context %#x: terminated", self.address)

    def is_empty(self) -> bool:
        return not self.sockets

    def close_unreferenced(self) -> None:
        """Close the remaining sockets, because nothing refers to this context any more.

        This waits until their addresses are free, because the program may bind them again at once.
        It does not wait for LINGER, because it runs in a destructor."""
        self.terminating = self.closed = True
        for socket in list(self.sockets):
            socket.close(waits=False)
        for pool in self.pools():
            if any(socket.peers.listeners for socket in list(self.sockets)):
                pool.wait_in_destructor()
            pool.stop_when_idle()

    def after_fork_child(self) -> None:
        """Reset the context in a forked child, because its sockets belong to the parent."""
        self.terminating = self.closed = True
        self.ending = RLock()  # a thread that only the parent has may hold the old lock
        for socket in self.sockets:
            socket.after_fork_child()
        self.sockets.clear()
        for notifier in list(self.notifiers):
            notifier.after_fork_child()


def describe_unfinished(socket: CoreSocket) -> str:
    """Return a text that tells what ``term()`` waits for in one socket, for the log."""
    sessions = list(socket.peers.sessions)
    places = sorted({each.endpoint for each in (*socket.peers.listeners, *sessions)})
    # Make a list first, because I/O threads may end sessions during this function.
    queues = [pipe.inq for pipe in (session.pipe for session in sessions) if pipe is not None]
    unsent = sum(queue.tail - queue.head for queue in queues)
    kind = SOCKET_TYPES[socket.socket_type].decode()
    state = "closed" if socket.closed else "not closed"
    return (
        f"socket {socket.address:#x} ({kind}, {state}, LINGER {socket.options.linger}, "
        f"messages unsent: {unsent}, endpoints: {', '.join(places) or 'none'})"
    )


def after_fork_child() -> None:
    loop_poller.after_fork_child()
    loops = {socket.loop for context in contexts for socket in context.sockets}
    for context in contexts:
        for pool in context.pools():
            loops.update(pool.after_fork_child())
    for loop in loops - {None}:
        # Do this before stopping watchers. libuv shares its epoll descriptor with the parent, so
        # stopping a watcher here would stop it in the parent as well:
        # https://github.com/libuv/libuv/pull/846
        loop.gevent_loop.reinit()
    for context in list(contexts):
        context.after_fork_child()
    contexts.clear()


os.register_at_fork(after_in_child=after_fork_child)


def flush() -> None:
    """Briefly wait until accepted messages are written to connected peers.

    As in pyzmq, this does not wait for absent peers. One kind of session may use the whole time to
    connect: those of contexts that the program dropped. pyzmq waits without a limit when it deletes
    a context, but :meth:`CoreContext.close_unreferenced` does not wait.
    """
    reclaim_all()
    began = monotonic()
    if waits_in_hub():
        from gevent import sleep
    else:
        sleep = get_original("time", "sleep")
    while True:
        passed = monotonic() - began
        if passed > EXIT_FLUSH:
            LOG.warning(
                "interpreter exit: given up after %g s, with messages on their way", EXIT_FLUSH
            )
            break
        if not any(
            session.is_sending(abandoned or passed < EXIT_OPENING)
            for session, abandoned in lingering_sessions()
        ):
            break
        sleep(0.001)


def reclaim_all() -> None:
    """Let I/O threads take over the connections of event loops that no longer run."""
    for context in list(contexts):
        for socket in list(context.sockets):
            if socket.loop_poller is not None:
                socket.serve_in_io_threads()


def lingering_sessions() -> Iterator[Any]:
    """Yield each session that may deliver within LINGER, with whether its context was dropped."""
    for context in list(contexts):
        for socket in list(context.sockets):
            if socket.options.linger != 0:
                for session in list(socket.peers.sessions):
                    yield session, context.closed


@atexit.register
def flush_at_exit() -> None:
    flush()
    # Stop the threads now. Otherwise the end of the process could cut off a write in the middle.
    threads.stop_all()
    log_queue.flush()


_flushed = None


def flush_in_multiprocessing_children() -> None:
    """Register :func:`flush` as a finalizer of multiprocessing.

    Its children run these finalizers and then call ``os._exit``, which skips ``atexit``."""
    global _flushed
    process = sys.modules.get("multiprocessing.process")
    if process is None or process.parent_process() is None or _flushed == os.getpid():
        return
    from multiprocessing.util import Finalize

    _flushed = os.getpid()
    Finalize(None, flush, exitpriority=0)
    Finalize(None, log_queue.flush, exitpriority=-1)
