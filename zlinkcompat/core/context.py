"""The context: options, the sockets made in it, the inproc names, and termination."""

import atexit
import os
import sys
from time import monotonic
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
from zlinkcompat.core.options import ContextOptions
from zlinkcompat.core.registry import register
from zlinkcompat.engine import threads
from zlinkcompat.engine.loop import current_loop
from zlinkcompat.engine.wait import WaitList, current_waker, waits_in_hub
from zlinkcompat.errors import EFAULT, EMFILE, ETERM, zmq_error
from zlinkcompat.wire.security.mechanism import SOCKET_TYPES

#: Seconds that interpreter exit gives to flush established connections, and to establish those
#: that the program never let the hub begin.
EXIT_FLUSH = 1.0
EXIT_OPENING = 0.1

#: Turns of the loop that the end of a connection takes at most, if it waits for nothing else.
REAP_TURNS = 4

LOG = Log("zlinkcompat.core")

contexts = WeakSet()

# Native: held for a few steps, by any thread.
RLock = get_original("_thread", "RLock")


def wants_threads(engine):
    """Tell whether a new context is to have I/O threads: hub, thread, or auto, by whether the
    program is monkey-patched."""
    if engine not in ("hub", "thread", "auto"):
        raise ValueError(f"ZLINK_ENGINE={engine!r}: must be hub, thread or auto")
    return engine == "thread" or engine == "auto" and not is_module_patched("threading")


def may_block_natively():
    """Tell whether the current thread blocks natively in its ordinary work, with its hub at rest.

    That is a thread of gevent's thread pool, any native thread of a monkey-patched program but the
    main one, and a thread that runs an event loop which gevent does not know, such as uvloop's."""
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
    """A container of sockets.

    Parameters
    ----------
    io_threads : int
        libzmq's IO_THREADS. With the hub engine connections run in the hub of the thread that uses
        the socket, and there are none.
    engine : str, optional
        "hub" (``zlinkcompat.green``) or "thread" (``zlinkcompat.asyncio``), whatever
        ``ZLINK_ENGINE`` says. By default I/O threads unless ``threading`` is monkey-patched.

    Attributes
    ----------
    address : int
        Finds this context in ``core.registry``.
    bound, unbound : dict
        inproc endpoint -> socket, and -> connects that wait for one.
    io_threads : IoThreads or None
        None for the hub engine.
    worker_threads : IoThreads or None
        With the hub engine, for sockets of threads that may block natively.
    chooses_engine : bool
        ``ZLINK_ENGINE`` leaves the choice to us.
    max_sockets : int or None
        MAX_SOCKETS as it was when the first socket was made; later changes do nothing.
    """

    def __init__(self, io_threads=1, engine=None):
        tuning.check_environment()
        chosen = os.environ.get("ZLINK_ENGINE") or "auto"
        self.options = ContextOptions()
        self.options.set_io_threads(io_threads)
        self.io_threads = None
        self.worker_threads = None
        self.chooses_engine = chosen == "auto"
        if wants_threads(engine or chosen):
            self.io_threads = threads.IoThreads(self.options)
        self.lock = RLock()
        self.sockets = set()
        self.max_sockets = None
        self.terminating = False
        self.closed = False
        self.reaped = WaitList()
        # Of sockets that are closed, yet referred to.
        self.notifiers = WeakSet()
        self.bound = {}
        self.unbound = {}
        self.address = register(self)
        contexts.add(self)
        flush_in_multiprocessing_children()

    def set(self, option, value):
        """Set a context option (libzmq zmq_ctx_set(3)). EINVAL."""
        self.options.set(option, value)

    def get(self, option):
        """Get a context option (libzmq zmq_ctx_get(3)). EINVAL."""
        return self.options.get(option)

    def choose_io_threads(self):
        """The I/O threads of a socket that is made now, or None if its hub does the I/O."""
        if self.io_threads is not None or not self.chooses_engine or not may_block_natively():
            return self.io_threads
        with self.lock:
            if self.worker_threads is None:
                self.worker_threads = threads.IoThreads(self.options)
            return self.worker_threads

    def pools(self):
        """All I/O threads of this context, as a list of IoThreads."""
        return [pool for pool in (self.io_threads, self.worker_threads) if pool is not None]

    def add_socket(self, socket):
        if self.terminating:
            raise zmq_error(EFAULT if self.closed else ETERM)
        if self.max_sockets is None:
            self.max_sockets = self.options.max_sockets
        if len(self.sockets) >= self.max_sockets:
            self.reap_closed()
        if len(self.sockets) >= self.max_sockets:
            raise zmq_error(EMFILE, "socket: all %d of MAX_SOCKETS are in use" % len(self.sockets))
        socket.options.inherit(self.options)
        self.sockets.add(socket)
        if self.terminating:
            # Since it was asked above: term() may not have seen this one.
            self.socket_reaped(socket)
            raise zmq_error(ETERM)
        LOG.debug(
            "context %#x: socket %#x made, a %s",
            self.address,
            socket.address,
            SOCKET_TYPES[socket.socket_type].decode(),
        )

    def reap_closed(self):
        """Let connections of closed sockets end, as far as they only wait for a turn of the loop.

        libzmq's reaper thread does so at any time."""
        before = 0
        while len(self.sockets) != before and any(each.closed for each in list(self.sockets)):
            before = len(self.sockets)
            for pool in self.pools():
                pool.wait_until_processed(REAP_TURNS)
            if self.io_threads is None:
                engine = current_loop()
                for _ in range(REAP_TURNS):
                    engine.run_loop_once()

    def socket_reaped(self, socket):
        """A closed socket delivered, or gave up, all that it had accepted."""
        self.sockets.discard(socket)
        if self.terminating and not self.sockets:
            self.reaped.notify_all()

    def term(self):
        """Terminate: calls on open sockets raise ETERM; wait until all are closed and flushed.

        Waits as long as a socket is open or its LINGER promises delivery (-1: for ever). An
        exception thrown into the wait leaves the context terminating; call again to go on.
        """
        if self.closed:
            return
        self.terminating = True
        LOG.debug("context %#x: terminates, sockets left: %d", self.address, len(self.sockets))
        for socket in list(self.sockets):
            if not socket.closed:
                # A command, also in this thread: until the socket processes commands, its options
                # can be set and it can be closed.
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

    def is_empty(self):
        return not self.sockets

    def close_unreferenced(self):
        """Nobody holds this context any more: close what is left.

        Waits until its addresses are free, since the next object of the program may bind them, but
        not for LINGER: this runs in a destructor."""
        self.terminating = self.closed = True
        for socket in list(self.sockets):
            socket.close(waits=False)
        for pool in self.pools():
            if any(socket.listeners for socket in list(self.sockets)):
                pool.wait_in_destructor()
            pool.stop_when_idle()

    def after_fork_child(self):
        """In a forked child: the sockets, and all their connections, are the parent's."""
        self.terminating = self.closed = True
        for socket in self.sockets:
            socket.after_fork_child()
        self.sockets.clear()
        for notifier in list(self.notifiers):
            notifier.after_fork_child()


def describe_unfinished(socket):
    """What ``term()`` waits for in one socket, for the log."""
    sessions = list(socket.sessions)
    places = sorted({each.endpoint for each in (*socket.listeners, *sessions)})
    # As a snapshot: I/O threads go on meanwhile.
    queues = [pipe.inq for pipe in (session.pipe for session in sessions) if pipe is not None]
    unsent = sum(queue.tail - queue.head for queue in queues)
    kind = SOCKET_TYPES[socket.socket_type].decode()
    state = "closed" if socket.closed else "not closed"
    return (
        f"socket {socket.address:#x} ({kind}, {state}, LINGER {socket.options.linger}, "
        f"messages unsent: {unsent}, endpoints: {', '.join(places) or 'none'})"
    )


def after_fork_child():
    engines = {socket.engine for context in contexts for socket in context.sockets}
    for context in contexts:
        for pool in context.pools():
            engines.update(pool.after_fork_child())
    for engine in engines - {None}:
        # Before watchers are stopped: libuv would stop them in the parent, whose epoll this is.
        engine.loop.reinit()
    for context in list(contexts):
        context.after_fork_child()
    contexts.clear()


os.register_at_fork(after_in_child=after_fork_child)


def flush():
    """What sockets accepted for peers that are there is written, briefly.

    Absent peers are not waited for, nor does pyzmq. But it waits for ever when it deletes a
    context, where :meth:`CoreContext.close_unreferenced` does not: those may take the whole time
    to connect.
    """
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


def lingering_sessions():
    """Each session with something to deliver in LINGER, and whether its context was abandoned."""
    for context in list(contexts):
        for socket in list(context.sockets):
            if socket.options.linger != 0:
                for session in list(socket.sessions):
                    yield session, context.closed


@atexit.register
def flush_at_exit():
    flush()
    # What they do not write now, the end of the process would cut off anywhere.
    threads.stop_all()
    log_queue.flush()


_flushed = None


def flush_in_multiprocessing_children():
    """multiprocessing's children run finalizers of its own, and then leave by ``os._exit``."""
    global _flushed
    process = sys.modules.get("multiprocessing.process")
    if process is None or process.parent_process() is None or _flushed == os.getpid():
        return
    from multiprocessing.util import Finalize

    _flushed = os.getpid()
    Finalize(None, flush, exitpriority=0)
    Finalize(None, log_queue.flush, exitpriority=-1)
