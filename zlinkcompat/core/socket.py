"""The socket: its pattern, its endpoints, and the calls that do not carry messages.

Messages pass through :class:`Sender` and :class:`Receiver`. :class:`Peers` has the pipes, and
:class:`SocketState` has the state that all of them share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat import routing
from zlinkcompat._constants import (
    EVENTS,
    FD,
    LAST_ENDPOINT,
    POLLIN,
    POLLOUT,
    RCVHWM,
    RCVMORE,
    SNDHWM,
    THREAD_SAFE,
    TYPE,
)
from zlinkcompat._runtime.log_queue import Log
from zlinkcompat.core import endpoints, naming
from zlinkcompat.core.monitor import Monitor
from zlinkcompat.core.notifier import Notifier
from zlinkcompat.core.option_row import PATTERN
from zlinkcompat.core.options import find
from zlinkcompat.core.peers import Peers
from zlinkcompat.core.receive import Receiver
from zlinkcompat.core.registry import register
from zlinkcompat.core.send import Sender
from zlinkcompat.core.state import SocketState
from zlinkcompat.engine import flow_watch
from zlinkcompat.engine.waker import Waker, insert_by_age
from zlinkcompat.errors import EINVAL, ENOTSOCK, zmq_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from zlinkcompat.core.context import CoreContext
    from zlinkcompat.engine.session import Session
    from zlinkcompat.routing.pipe import Pipe


LOG = Log("zlinkcompat.core")


class CoreSocket(SocketState):
    """One socket of a context.

    Parameters
    ----------
    context : CoreContext
    socket_type : int
        ``zmq.PAIR`` (0) to ``zmq.STREAM`` (11).

    Raises
    ------
    ZMQError
        EINVAL: the type is unknown. EMFILE: the context's MAX_SOCKETS are in use. ETERM: ``term()``
        was called.

    Attributes
    ----------
    address : int
        The key of this socket in ``core.registry``.
    made_at : tuple or None
        The file and the line of the program that made the socket.
    label : object
        The name that the program gave the socket; None if it gave none.
    is_monitor : bool
        Whether it publishes events of another socket, which nobody has to read.
    receiver : Receiver
    sender : Sender
    peers : Peers
    """

    def __init__(self, context: CoreContext, socket_type: int) -> None:
        SocketState.__init__(self, context, socket_type)
        self.is_read_scheduled = False
        self.pollers: list[Any] = []
        self.monitoring: Any = None
        self.last_endpoint = b""
        self.endpoints = endpoints.Endpoints(self)
        self.peers = Peers(self, self.endpoints)
        self.pattern = routing.create(socket_type, self, self.options)
        self.receiver = Receiver(self)
        self.sender = Sender(self, self.receiver)
        self.address = register(self)
        self.made_at = naming.place_of_caller()
        self.label: Any = None
        self.is_monitor = False
        context.add_socket(self)

    # -- readiness ---------------------------------------------------------------------------

    def on_readable(self) -> None:
        # For most messages nobody waits, so avoid the calls.
        if self.receiver.waiting.wakers:
            self.receiver.waiting.notify()
        if self.pollers or self.notifier is not None:
            self.notify_pollers()

    def on_writable(self) -> None:
        self.sender.waiting.notify()
        self.notify_pollers()

    def schedule_read(self) -> None:
        if not self.is_read_scheduled:
            self.is_read_scheduled = True
            loop = self.loop
            if loop is not None and loop.is_current():
                loop.gevent_loop.run_callback(loop.call_guarded, self.resume_reading)
            else:
                self.mailbox.post(self.resume_reading)

    def resume_reading(self) -> None:
        self.is_read_scheduled = False
        self.on_readable()

    def call_later(self, function: Callable[..., Any], pipe: Pipe) -> bool:
        loop = self.loop
        if loop is not None:
            if not loop.is_current():
                return False
            loop.call_after_poll(function, pipe)
            return True
        loop = None if self.io_threads is None else self.io_threads.least_loaded_loop(0)
        if loop is None:
            return False
        # Post the call through an I/O thread. If it were posted to this mailbox directly while the
        # mailbox is being processed, it would run at once.
        loop.mailbox.post(self.post_call, (function, pipe))
        return True

    def post_call(self, function: Callable[..., Any], pipe: Pipe) -> None:
        self.mailbox.post(function, (pipe,))

    def on_flow_stopped(self, pipe: Pipe) -> None:
        if not self.is_monitor:
            flow_watch.watch(self, pipe)

    def display_name(self) -> str:
        """Return the name of this socket for logs; see :mod:`.naming`."""
        return naming.name_of(self)

    def on_pipe_gone(self, pipe: Pipe) -> None:
        self.endpoints.pipe_gone(pipe)

    def notify_pollers(self) -> None:
        if self.pollers:
            # Iterate over a copy. Waking a poller may let another thread run, which removes its
            # waker from the list. Then a loop over the list would skip the next waker.
            for waker in list(self.pollers):
                waker.wake()
        if self.notifier is not None:
            self.notifier.signal()

    def events(self, wanted: int = POLLIN | POLLOUT) -> int:
        """Return the events of ``wanted`` that are ready: POLLIN (1), POLLOUT (2), both, or 0."""
        if self.is_foreign():
            return self.delegate(self.events, (wanted,))
        if self.mailbox.pending or self.dead:
            self.process_commands()
        self.operations += 1
        if self.operations & 63 == 0:
            self.maybe_yield()
        events = 0
        if wanted & POLLIN and self.receiver.can_receive():
            events = POLLIN
        if wanted & POLLOUT and self.sender.can_send():
            events |= POLLOUT
        if self.notifier is not None and wanted == POLLIN | POLLOUT:
            # Clear the descriptor only if the caller asked for both events.
            self.notifier.clear()
            if self.mailbox.pending or self.dead:
                # Before the descriptor was cleared, a command was posted or another thread closed
                # the socket.
                self.notifier.signal()
        return events

    def can_send(self) -> bool:
        """Tell whether a monitor can send an event now; False if the socket has ended."""
        self.process_mailbox()
        return not self.dead and self.pattern.has_out()

    def add_poller(self, waker: Waker) -> None:
        """Wake ``waker`` whenever the events may have changed."""
        self.pollers.append(waker)
        insert_by_age(self.mailbox.sleepers, waker)

    def remove_poller(self, waker: Waker) -> None:
        self.pollers.remove(waker)
        self.mailbox.sleepers.remove(waker)
        self.process_mailbox()

    def fileno(self) -> int:
        """Return a descriptor that is readable if the events may have changed (edge-triggered)."""
        if self.notifier is None:
            self.notifier = self.mailbox.notifier = Notifier()
            # Make the descriptor readable at the start, so that its watcher reads EVENTS first.
            self.notifier.signal()
        return self.notifier.fd

    # -- options -----------------------------------------------------------------------------

    def set(self, option: int, value: Any) -> None:
        """Set a socket option (number, int or bytes).

        Raises
        ------
        ZMQError
            EINVAL: the option is unknown or read-only, or the value is invalid. libzmq
            zmq_setsockopt(3).
        """
        if self.is_foreign():
            self.delegate(self.set, (option, value))
            return
        self.check_open()
        if self.pattern.set_option(option, value):
            if self.loop is not None:
                # The option may have been SUBSCRIBE. Send subscriptions at once.
                self.loop.flush()
            elif self.io_threads is not None:
                self.io_threads.yield_to_io_threads()
            return
        row = find(option)
        if row is not None and row.holder == PATTERN:
            raise zmq_error(EINVAL, "option %s does not apply to this socket type" % row.name)
        self.options.set(option, value)
        self.receiver.read_options()
        self.sender.read_options()
        if option == SNDHWM or option == RCVHWM:
            # As in libzmq, only these options, LINGER and timeouts affect existing pipes.
            for pipe in self.pattern.pipes:
                self.endpoints.set_high_water_marks(pipe)

    def get(self, option: int) -> Any:
        """Return the value of a socket option (a number): int or bytes.

        EINVAL as for :meth:`set`."""
        self.check_open()
        if option == RCVMORE:
            return int(self.receiver.more)
        if option == TYPE:
            return self.socket_type
        if option == EVENTS:
            return self.events()
        if option == FD:
            return self.fileno()
        if option == LAST_ENDPOINT:
            return self.last_endpoint
        if option == THREAD_SAFE:
            return 0
        try:
            return self.pattern.get_option(option)
        except KeyError:
            return self.options.get(option)

    # -- endpoints ---------------------------------------------------------------------------

    def bind(self, endpoint: str) -> None:
        """Accept peers at ``endpoint`` (str). libzmq zmq_bind(3) lists the errors."""
        if self.is_foreign():
            self.delegate(self.bind, (endpoint,))
            return
        self.process_commands()
        self.endpoints.bind(endpoint)

    def connect(self, endpoint: str) -> None:
        """Connect to ``endpoint`` (str), and retry until a peer binds it. libzmq zmq_connect(3)."""
        if self.is_foreign():
            self.delegate(self.connect, (endpoint,))
            return
        self.process_commands()
        self.endpoints.connect(endpoint)

    def unbind(self, endpoint: str) -> None:
        """Undo :meth:`bind` and disconnect the peers accepted there. ENOENT: it is not bound."""
        if self.is_foreign():
            self.delegate(self.unbind, (endpoint,))
            return
        self.process_commands()
        self.endpoints.end(endpoint, "unbind")

    def disconnect(self, endpoint: str) -> None:
        """Undo :meth:`connect`. ENOENT: it is not connected."""
        if self.is_foreign():
            self.delegate(self.disconnect, (endpoint,))
            return
        self.process_commands()
        self.endpoints.end(endpoint, "disconnect")

    # -- monitor -----------------------------------------------------------------------------

    def monitor(self, endpoint: str | None, events: int) -> None:
        """Publish events of this socket on a PAIR at ``endpoint`` (inproc); None stops.

        libzmq zmq_socket_monitor(3). EPROTONOSUPPORT for another transport, EINVAL, EADDRINUSE.
        """
        self.check_open()
        self.stop_monitor()
        if endpoint is not None:
            self.monitoring = Monitor(self.context, endpoint, events)
            self.monitoring.socket.label = f"monitor of {naming.name_of(self)}"

    def stop_monitor(self) -> None:
        monitoring = self.monitoring
        self.monitoring = None
        if monitoring is not None:
            monitoring.stop()

    def event(self, kind: int, value: int, endpoint: str, session: Session | None = None) -> None:
        """Publish an event on the monitor, if there is one."""
        if self.monitoring is not None:
            self.monitoring.event(kind, value, endpoint, session)

    def peer_event(self, kind: int, value: int, pipe: Pipe) -> None:
        """Publish an event about the peer of ``pipe``, if there is a monitor that wants it."""
        if self.monitoring is not None:
            self.monitoring.peer_event(kind, value, pipe)

    # -- end ---------------------------------------------------------------------------------

    def stop(self, errno: int) -> None:
        """Make every call raise ``errno`` from now on, and wake all calls that wait."""
        if self.closed and errno != ENOTSOCK:
            return  # the context terminates after the socket was closed
        self.dead = errno
        self.sender.drop_parts()
        self.receiver.waiting.notify_all()
        self.sender.waiting.notify_all()
        self.notify_pollers()

    def after_fork_child(self) -> None:
        """Close all descriptors in a forked child, without a word to the parent's peers."""
        self.thread_check.waiting_thread = 0
        self.closed = True
        self.dead = ENOTSOCK
        self.monitoring = None
        if self.notifier is not None:
            self.notifier.after_fork_child()
        # An I/O thread should have closed some of the listeners, but it does not run in the child.
        for listener in self.peers.listeners:
            listener.abort()
        for session in self.peers.sessions:
            session.abort()
        if self.loop is not None:
            self.loop.after_fork_child()

    def close(self, linger: int | None = None, waits: bool = True) -> None:
        """Close the socket. Accepted messages are delivered within linger.

        Parameters
        ----------
        linger : int, milliseconds, optional
            Replaces the LINGER option; -1 means no limit, and 0 drops unsent messages.
        waits : bool
            Whether to wait until the I/O threads have freed the socket's addresses. A destructor
            passes False.
        """
        if self.closed:
            return
        if self.loop is not None and not self.loop.thread_ended and not self.loop.is_current():
            # The garbage collector may run this in any thread. Close the socket in its own thread.
            self.loop.callbacks.call(self.close, linger)
            return
        if waits and self.loop is None and self.thread_check.waiting_thread:
            self.thread_check.report_misuse(self)
        if linger is not None and linger >= -1:
            # libzmq rejects other values, and pyzmq's close() ignores that error.
            self.options.linger = linger
        if not self.dead:
            # Process pending commands first: pipes and sessions that they bring must end as well.
            self.mailbox.process()
        self.closed = True
        if waits:
            # A destructor does not log: it may run after the interpreter has torn down modules.
            LOG.debug("socket %#x: closed, LINGER %d", self.address, self.options.linger)
        self.stop(ENOTSOCK)
        self.receiver.drop_parts()
        self.pattern.totals.count_dropped("unread", self.pattern.count_in_hand())
        frees = bool(self.peers.listeners)
        self.endpoints.close()
        for pipe in list(self.pattern.pipes):
            self.peers.drop_pipe(pipe)
        for session in list(self.peers.sessions):
            session.loop.call(session.stop_if_unattached)
        # Close the mailbox after the pipes. From here on, I/O threads that post to it process the
        # posted commands themselves.
        self.mailbox.close()
        if self.notifier is not None:
            # Keep the descriptor open as long as this object or the context exists. An event loop
            # may still watch the descriptor, so the system must not reuse its number.
            self.context.notifiers.add(self.notifier)
            self.mailbox.notifier = None
            self.notifier.silence()
        self.peers.reap()
        try:
            if frees and waits:
                self.wait_for_io_threads()
        finally:
            # The listeners have published their last events before this.
            self.stop_monitor()
