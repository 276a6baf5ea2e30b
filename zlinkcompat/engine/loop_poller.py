"""Connections of an I/O thread that an asyncio event loop serves.

An I/O thread owns a connection: it accepts or connects it, performs the handshake, runs the timers
and cleans up. While messages flow, the I/O thread can *lend* the connection to the event loop whose
coroutines use the socket. The loop then watches the file descriptor in its own selector, and reads
and writes in its own thread. So no message crosses threads, and the I/O thread sleeps.

The I/O thread takes a connection back if the loop does not serve it. The loop may have stopped or
be closed, a coroutine may compute, or a call of the program may block the thread.
:class:`LoanWatchdog` detects this.

All connections that a loop serves are in one epoll set. The loop has only one reader, for the
descriptor of the set, so I/O threads can add and remove connections without calling the loop.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet, ref

from zlinkcompat._runtime.compiled import COMPILED
from zlinkcompat._runtime.gevent_support import get_original, is_module_patched, running_loop
from zlinkcompat._runtime.thread_ident import thread_ident
from zlinkcompat.engine import epoll, stall_watch
from zlinkcompat.engine.epoll import Epoll

if TYPE_CHECKING:
    from zlinkcompat.core.socket import CoreSocket
    from zlinkcompat.engine.connection import Connection


allocate_lock = get_original("_thread", "allocate_lock")

# Event bits of epoll.
READABLE = 1
WRITABLE = 4

#: An I/O thread checks every so many seconds whether the loops serve their lent connections.
CHECK_INTERVAL = 0.05

#: Whether connections can be lent. Only compiled code may read and write in two threads.
AVAILABLE = epoll.AVAILABLE and COMPILED

pollers: WeakSet[LoopPoller] = WeakSet()

CANNOT_SERVE = "a loop that watches no descriptors"

#: Maps a loop to CANNOT_SERVE or to a weak reference to its poller. The loop's reader keeps the
#: poller alive.
poller_of_loop: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()


class LoopPoller:
    """The connections that one event loop serves. It is created in the thread that runs the loop.

    Parameters
    ----------
    loop : asyncio.AbstractEventLoop
        The running loop. The reference is weak, so the loop can be collected with its coroutines.

    Raises
    ------
    NotImplementedError
        The loop cannot watch descriptors (the proactor of Windows).

    Attributes
    ----------
    served : int
        Increased whenever the loop calls the poller.
    serving : bool
        Whether the loop is calling the poller. At the end of that call it processes :attr:`due`.
    is_suspected : bool
        Whether an I/O thread has asked the loop if it stands still, and got no answer yet.
    """

    def __init__(self, loop: Any) -> None:
        self.loop = ref(loop)
        self.thread = thread_ident()
        self.lock = allocate_lock()
        self.epoll = Epoll()
        self.connections: dict[Any, Any] = {}
        self.batching: list[Any] = []
        self.later: list[Any] = []
        self.flush_due = False
        self.rest_due = False
        self.served = 0
        self.serving = False
        self.is_suspected = False
        self.due: list[Any] = []
        self.closed = False
        try:
            loop.add_reader(self.epoll.fd, self.on_ready)
        except BaseException:
            self.epoll.close()
            raise
        pollers.add(self)

    def is_current(self) -> Any:
        """Tell whether the current thread is the one that runs the loop."""
        return not self.closed and self.thread == thread_ident()

    # -- in the loop's thread ----------------------------------------------------------------

    def on_ready(self) -> None:
        """Called when a descriptor of the set is ready."""
        self.served += 1
        self.thread = thread_ident()
        count = self.epoll.wait()
        self.serving = True
        try:
            for index in range(count):
                connection = self.connections.get(self.epoll.fd_at(index))
                if connection is not None:
                    connection.on_poller_event(self, self.epoll.events_at(index))
        finally:
            self.serving = False
            self.run_due()

    def run_due(self) -> None:
        """Continue the coroutines whose sockets have changed."""
        while self.due:
            self.due.pop(0).run()

    def flush_later(self, connection: Any) -> Any:
        """Flush ``connection`` in the next loop iteration. False if this loop cannot do it."""
        if not self.is_current():
            return False
        if not self.flush_due:
            loop = self.loop()
            if loop is None or not loop.is_running():
                return False
            loop.call_soon(self.flush_postponed)
            self.flush_due = True
        self.batching.append(connection)
        return True

    def flush_postponed(self) -> None:
        self.served += 1
        self.flush_due = False
        connections = self.batching
        self.batching = []
        for connection in connections:
            connection.flush_aged_batch()

    def serve_later(self, connection: Connection) -> Any:
        """Continue to read ``connection`` in the next loop iteration. False if this loop cannot."""
        if not self.is_current():
            return False
        if not self.rest_due:
            loop = self.loop()
            if loop is None or not loop.is_running():
                return False
            loop.call_soon(self.serve_postponed)
            self.rest_due = True
        self.later.append(connection)
        return True

    def serve_postponed(self) -> None:
        self.rest_due = False
        connections = self.later
        self.later = []
        self.served += 1
        self.serving = True
        try:
            for connection in connections:
                connection.on_poller_event(self, READABLE)
        finally:
            self.serving = False
            self.run_due()

    # -- in any thread -----------------------------------------------------------------------

    def watch(self, fd: int, before: Any, mask: Any) -> None:
        """Watch ``fd`` for ``mask`` instead of ``before``: READABLE, WRITABLE, both, or 0."""
        self.epoll.change(fd, before, mask)

    def add(self, connection: Connection, fd: int) -> Any:
        """Serve ``connection`` from now on. Return False if the loop has ended."""
        with self.lock:
            if self.closed:
                return False
            self.connections[fd] = connection
        return True

    def remove(self, fd: int) -> None:
        """Stop serving the connection of ``fd``. The caller has stopped watching the descriptor."""
        self.connections.pop(fd, None)

    def serves(self) -> Any:
        """Tell whether the loop runs, so that it can serve lent connections."""
        loop = self.loop()
        return loop is not None and not self.closed and loop.is_running()

    def is_behind(self) -> Any:
        """Tell whether the loop has yet to do something for the poller."""
        return self.flush_due or self.rest_due or self.epoll.has_ready()

    def close_if_unused(self) -> None:
        """Close the epoll descriptor if the loop is closed and no connection is lent to it."""
        loop = self.loop()
        if loop is not None and not loop.is_closed():
            return
        with self.lock:
            if not self.connections:
                self.closed = True
                self.epoll.close()

    def after_fork_child(self) -> None:
        """Reset in a forked child. Leave the epoll set unchanged, because the parent uses it.

        The set's descriptor number stays in use, because the forked event loop may watch it."""
        self.closed = True
        self.connections = {}
        self.lock = allocate_lock()
        try:
            fresh = Epoll()
        except OSError:
            self.epoll.close()
            return
        os.dup2(fresh.fd, self.epoll.fd, inheritable=False)
        fresh.close()


class LoanWatchdog:
    """Makes an I/O thread take back the connections of loops that do not serve them.

    Parameters
    ----------
    loop : IOLoop
        The loop of the I/O thread, in which everything here runs.
    """

    def __init__(self, loop: Any) -> None:
        self.loop = loop
        self.loans: dict[Any, Any] = {}  # poller -> its connections of this I/O thread
        self.seen: dict[
            Any, Any
        ] = {}  # poller -> its ``served`` at the last check, if the loop was behind
        self.suspicions: list[Any] = []  # loops that may stand still
        self.timer: Any = None

    def add(self, poller: Any, connection: Connection) -> None:
        """Record that ``connection`` is now lent to ``poller``."""
        if self.timer is None:
            self.timer = self.loop.gevent_loop.timer(CHECK_INTERVAL, CHECK_INTERVAL)
            self.timer.start(self.loop.call_guarded, self.check)
        self.loans.setdefault(poller, set()).add(connection)

    def remove(self, poller: Any, connection: Connection) -> None:
        """Record that ``connection`` is no longer lent to ``poller``."""
        connections = self.loans.get(poller)
        if connections is None:
            return
        connections.discard(connection)
        if not connections:
            del self.loans[poller]
            self.seen.pop(poller, None)
            poller.close_if_unused()
            self.stop_if_unused()

    def stop_if_unused(self) -> None:
        if not (self.loans or self.suspicions):
            self.stop()

    def stop(self) -> None:
        """Stop the timer."""
        timer, self.timer = self.timer, None
        if timer is not None:
            timer.stop()
            timer.close()

    def check(self) -> None:
        self.suspicions = [each for each in self.suspicions if each.check()]
        for poller in list(self.loans):
            serves = poller.serves()
            if not serves or self.is_stuck(poller):
                suspicion = stall_watch.suspect(poller) if serves else None
                if suspicion is not None:
                    self.suspicions.append(suspicion)
                for connection in list(self.loans.get(poller, ())):
                    socket = connection.session.socket
                    if socket.loop_poller is poller:
                        # The next operation in the event loop lends the connections again.
                        socket.loop_poller = None
                    connection.reclaim()
        self.stop_if_unused()

    def is_stuck(self, poller: Any) -> Any:
        """Tell whether the loop has not progressed since the last check."""
        if not poller.is_behind():
            self.seen.pop(poller, None)
            return False
        if self.seen.get(poller) == poller.served:
            return True
        self.seen[poller] = poller.served
        return False


def poller_of(loop: Any) -> Any:
    """Return the poller of ``loop``, which runs in this thread; None if it cannot serve."""
    if not AVAILABLE or is_module_patched("select"):
        return None
    found = poller_of_loop.get(loop)
    if found is CANNOT_SERVE:
        return None
    poller = None if found is None else found()
    if poller is not None and not poller.closed:
        return poller
    poller_of_loop[loop] = CANNOT_SERVE
    try:
        poller = LoopPoller(loop)
    except (NotImplementedError, AttributeError, OSError, ValueError):
        # The loop cannot watch descriptors, or the process has none left. I/O threads serve the
        # loop's sockets.
        return None
    poller_of_loop[loop] = ref(poller)
    return poller


def serve_in_running_loop(core: CoreSocket) -> None:
    """Let the event loop that runs in this thread, if any, serve the connections of a socket.

    Parameters
    ----------
    core : CoreSocket
    """
    if core.io_threads is None or not core.context.lends:
        return
    loop = running_loop()
    if loop is None:
        return
    poller = core.loop_poller
    if poller is None or poller.loop() is not loop:
        poller = poller_of(loop)
        if poller is not None:
            core.serve_in(poller)


def after_fork_child() -> None:
    """Reset in a forked child, before connections are closed."""
    for poller in list(pollers):
        poller.after_fork_child()
