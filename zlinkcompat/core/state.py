"""The state that the parts of a socket share: its loop, mailbox and error, and how calls wait.

With the hub engine, connections run in the hub of the thread that uses the socket, and call the
socket directly. With the thread engine, and over inproc between hubs, other threads post commands
to the socket's mailbox, and the next call processes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat._runtime import counters
from zlinkcompat._runtime.clock import monotonic_ns
from zlinkcompat._runtime.gevent_support import run_signal_handlers
from zlinkcompat._runtime.thread_ident import thread_ident
from zlinkcompat.core.options import Options
from zlinkcompat.core.thread_check import ThreadCheck
from zlinkcompat.engine.delegated_call import DelegatedCall
from zlinkcompat.engine.loop import IOLoop, current_loop
from zlinkcompat.engine.waker import (
    SleeperMailbox,
    WaitList,
    Waker,
    current_waker,
    insert_by_age,
)
from zlinkcompat.errors import EAGAIN, zmq_error
from zlinkcompat.routing.pattern import Owner, Pattern

if TYPE_CHECKING:
    from collections.abc import Callable

    from zlinkcompat.core.context import CoreContext
    from zlinkcompat.core.socket import CoreSocket


def seconds_left(timeout_ms: int, began: int) -> float:
    """Return how long a call may still sleep.

    Parameters
    ----------
    timeout_ms : int, milliseconds
        A negative value means no limit.
    began : int, ns
        When the call began, by the monotonic clock.

    Returns
    -------
    float, seconds
        -1.0 if there is no limit, and 0.0 if the timeout has expired.
    """
    if timeout_ms < 0:
        return -1.0
    left = began + timeout_ms * 1000000 - monotonic_ns()
    return left / 1e9 if left > 0 else 0.0


class SocketState(Owner):
    """The state that :class:`CoreSocket` shares with its :class:`Receiver` and :class:`Sender`.

    Parameters
    ----------
    context : CoreContext
    socket_type : int
        ``zmq.PAIR`` (0) to ``zmq.STREAM`` (11).

    Attributes
    ----------
    dead : int
        The errno that every call raises; 0 while the socket is open.
    loop : IOLoop or None
        The hub's loop that runs the connections. It is None with I/O threads, and before the first
        bind or connect.
    io_threads : IoThreads or None
        The I/O threads that run the connections.
    loop_poller : LoopPoller or None
        The poller of the asyncio loop that serves the connections.
    peers : Peers
        The pipes, sessions and listeners.
    """

    def __init__(self, context: CoreContext, socket_type: int) -> None:
        self.context = context
        self.socket_type = socket_type
        self.closed = False
        self.dead = 0
        self.operations = 0
        self.loop: IOLoop = None
        self.io_threads = context.choose_io_threads()
        self.owner_loop: Any = None
        self.mailbox = SleeperMailbox()
        self.notifier: Any = None
        self.thread_check = ThreadCheck()
        self.loop_poller: Any = None
        self.peers: Any = None
        self.options = Options(socket_type)
        self.counters = counters.make()

    # -- commands and the end --------------------------------------------------------------

    def process_commands(self) -> None:
        """Process commands of other threads. Raise if one of them ended the socket."""
        if self.mailbox.pending:
            self.mailbox.process()
        if self.dead:
            self.raise_end()

    def raise_end(self) -> None:
        """Raise the error that ended the socket. For every call after the end.

        As in libzmq, such a call clears the descriptor. So a loop that watches the descriptor
        notices the end once, and does not spin."""
        if self.notifier is not None:
            self.notifier.clear()
        raise zmq_error(self.dead)

    def check_open(self) -> None:
        """Raise if the socket has ended. For calls that still work while the context terminates.

        As in libzmq, a socket learns of the termination only in calls that process commands. So a
        program may set LINGER and close its sockets while another thread is in ``term()``."""
        if self.dead:
            self.raise_end()
        if self.mailbox.pending and not self.context.terminating:
            self.mailbox.process()

    def process_mailbox(self) -> None:
        """Process commands of other threads, before or after a sleep."""
        if self.mailbox.pending:
            self.mailbox.process()

    def recheck(self) -> bool:
        """Process commands before a sleep. Return whether one of them ended the socket."""
        self.process_mailbox()
        return self.dead != 0

    # -- the loop that runs the connections ------------------------------------------------

    def is_foreign(self) -> bool:
        """Tell whether this thread is another one than that of the hub that runs the connections.

        If I/O threads run the connections, report a call that is made while another thread waits
        in this socket."""
        if self.loop is not None:
            return self.loop.thread != thread_ident()
        if self.thread_check.waiting_thread:
            self.thread_check.report_misuse(self)
        return False

    def delegate(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """Run ``function(*args)`` in the thread of the hub; see :class:`DelegatedCall`."""
        if self.dead:
            self.raise_end()
        return DelegatedCall(self.loop, function, args).wait()

    def bind_to_current_loop(self) -> IOLoop:
        """Return the hub's loop, or None with I/O threads. The first bind or connect decides."""
        if self.loop is None and self.io_threads is None:
            self.loop = current_loop()
        return self.loop

    def is_cross_thread(self, other: CoreSocket) -> bool:
        """Tell whether another socket of the context is served by another thread than this one."""
        return self.io_threads is not None or self.owner_loop is not other.owner_loop

    def claim_owner_loop(self) -> None:
        """Decide which loop owns an inproc endpoint: without I/O threads, the hub's loop."""
        if self.owner_loop is None and self.io_threads is None:
            self.owner_loop = current_loop()

    def choose_loop(self, affinity: int) -> IOLoop:
        """Return the loop that is to run one more endpoint."""
        if self.io_threads is not None:
            return self.io_threads.choose_loop(affinity)
        return self.bind_to_current_loop()

    def wait_for_io_threads(self) -> None:
        """Wait until the I/O threads have processed their commands."""
        if self.io_threads is not None:
            self.io_threads.wait_until_processed()

    def maybe_yield(self) -> bool:
        """Run the hub once if it has not run for some time. Return whether it ran.

        Every 64th call of ``send()`` and ``recv()`` calls this."""
        if self.io_threads is not None:
            return False
        loop = self.loop
        if loop is None:
            loop = current_loop()
        return loop.maybe_yield()

    # -- use in an event loop --------------------------------------------------------------

    def serve_in(self, poller: Any) -> None:
        """Let an event loop serve the connections, including future ones.

        Parameters
        ----------
        poller : LoopPoller
            The poller of the loop that runs in this thread.
        """
        self.loop_poller = poller
        for session in list(self.peers.sessions):
            session.loop.call(session.lend)

    def serve_in_io_threads(self) -> None:
        """Let the I/O threads serve the connections instead of the event loop."""
        self.loop_poller = None
        for session in list(self.peers.sessions):
            session.loop.call(session.reclaim)

    # -- waiting ---------------------------------------------------------------------------

    def enter_wait(self) -> None:
        """Record that the current thread begins to wait in a call of this socket."""
        if self.loop_poller is not None:
            # The call may block the thread of the event loop.
            self.serve_in_io_threads()
        self.thread_check.enter_wait()

    def wait(self, sleepers: WaitList, timeout_ms: int, began: int, refusal: str) -> None:
        """Sleep in a wait list until there may be a message or room, or the timeout expires.

        Parameters
        ----------
        sleepers : WaitList
        timeout_ms : int, milliseconds
            The timeout of the whole call. A negative value means no limit.
        began : int, ns
            When the call began, by the monotonic clock.
        refusal : str
            The text of the error if the timeout expires.

        Raises
        ------
        ZMQError
            EAGAIN: the timeout has expired. ENOTSOCK, ETERM: the socket ended during the call.
        """
        timeout = seconds_left(timeout_ms, began)
        if timeout == 0:
            self.maybe_yield()
            raise zmq_error(EAGAIN, refusal)
        if self.dead:
            # The socket was closed while this call ran the hub. Nobody would wake this sleeper.
            raise zmq_error(self.dead)
        mailbox = self.mailbox
        waker = current_waker(self.io_threads is None)
        waker.since = began
        # The sleeper that processes the commands also takes the message that they bring. So
        # the one that has waited longest must come first.
        insert_by_age(mailbox.sleepers, waker)
        self.enter_wait()
        try:
            # Another thread may have posted a command or ended the socket before the waker was in
            # the lists.
            sleepers.wait(waker, timeout, self.recheck)
        except KeyboardInterrupt:
            # A second Ctrl-C may be pending. Raise it here, not in the program's handler for the
            # first one.
            run_signal_handlers()
            raise
        finally:
            self.thread_check.leave_wait()
            mailbox.sleepers.remove(waker)
            # Do this even if the greenlet was killed, because other greenlets wait for these
            # commands.
            self.process_mailbox()
        if self.dead:
            raise zmq_error(self.dead)
