"""The socket: a pattern, its endpoints, and the greenlets or threads that wait on it.

Messages are whole. This module assembles the frames that the user sends one by one, and splits
messages that the user receives frame by frame.

With the hub engine, connections run in the hub of the thread that uses the socket, and call the
socket directly. With the thread engine, and over inproc between hubs, other threads post commands
to the socket's mailbox, and the next call processes them.
"""

from greenlet import getcurrent

from zlinkcompat import routing
from zlinkcompat._constants import (
    EVENTS,
    FD,
    LAST_ENDPOINT,
    NOBLOCK,
    POLLIN,
    POLLOUT,
    PUB,
    RCVHWM,
    RCVMORE,
    REP,
    REQ,
    SNDHWM,
    SNDMORE,
    SUB,
    THREAD_SAFE,
    TYPE,
    XPUB,
    XSUB,
)
from zlinkcompat._runtime import counters
from zlinkcompat._runtime.clock import monotonic_ns
from zlinkcompat._runtime.gevent_support import run_signal_handlers
from zlinkcompat._runtime.log_queue import Log
from zlinkcompat._runtime.thread_ident import thread_ident
from zlinkcompat.core import endpoints, inproc, misuse, naming
from zlinkcompat.core.monitor import Monitor
from zlinkcompat.core.notifier import Notifier
from zlinkcompat.core.options import PATTERN, Options, find
from zlinkcompat.core.registry import register
from zlinkcompat.engine.contention import contention
from zlinkcompat.engine.delegated_call import DelegatedCall
from zlinkcompat.engine.loop import CAN_BUSY_POLL, Backoff, IOLoop, current_loop
from zlinkcompat.engine.wait import (
    SleeperMailbox,
    WaitList,
    Waker,
    current_waker,
    insert_by_age,
    waits_in_hub,
)
from zlinkcompat.errors import (
    EAGAIN,
    EFSM,
    EINVAL,
    ENOTSOCK,
    RECV_WAITS,
    SEND_WAITS,
    UNREAD_FRAMES,
    zmq_error,
)
from zlinkcompat.routing.pattern import Owner, Pattern
from zlinkcompat.routing.pipe import Pipe, pipe_pair

LOG = Log("zlinkcompat.core")


# The socket's own options (zmq.h).


# The number of reads when the user ends a connection: messages that have arrived are received, but
# a peer that sends continuously is not read without a limit.
LAST_READS = 64

# The longest time that one send of a publisher waits for subscriptions that have arrived.
SUBSCRIPTION_WAIT_NS = 50_000_000


#: Nanoseconds between two reads of pending subscriptions while the hub does not run.
SUBSCRIPTIONS_INTERVAL = 100_000

#: How often a receiver reads its connections in a row if they bring nothing for it.
READ_ROUNDS = 4


class CoreSocket(Owner):
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
    more : bool
        Whether the message of the last ``recv_frame`` has further frames.
    address : int
        The key of this socket in ``core.registry``.
    made_at : tuple or None
        The file and the line of the program that made the socket.
    label : object
        The name that the program gave the socket; None: it gave none.
    is_busy_polling : bool
        Whether the last message that had to be waited for came by busy polling.
    paused_connections : list of Connection
        The connections that the I/O threads do not watch meanwhile.
    loop_poller : LoopPoller or None
        The poller of the event loop that serves the connections.
    """

    def __init__(self, context, socket_type):
        self.context = context
        self.socket_type = socket_type
        self.closed = False
        self.dead = 0
        self.publishes = socket_type in (PUB, XPUB)
        self.lockstep = socket_type in (REQ, REP)
        self.more = False
        self.parts_in = None
        self.next_part = 0
        self.parts_out = None
        self.next_subscription_wait = 0
        self.operations = 0
        self.subscriptions_read_at = 0
        self.is_read_scheduled = False
        self.read_backoff = Backoff(16)
        self.busy_poll_backoff = Backoff(32)
        self.is_busy_polling = False
        self.poll_missed_at = 0
        self.waiting_thread = 0
        self.waiting_calls = 0
        self.misuse_reported = False
        self.parts_from = None
        self.mixing_reported = False
        self.paused_connections = []
        self.loop_poller = None
        self.engine = None
        self.io_threads = context.choose_io_threads()
        self.owner_loop = None
        self.mailbox = SleeperMailbox()
        self.receivers = WaitList()
        self.senders = WaitList()
        self.pollers = []
        self.notifier = None
        self.monitoring = None
        self.last_endpoint = b""
        self.endpoints = endpoints.Endpoints(self)
        self.sessions = set()
        self.listeners = set()
        self.options = Options(socket_type)
        self.read_options()
        self.counters = counters.make()
        self.pattern = routing.create(socket_type, self, self.options)
        self.address = register(self)
        self.made_at = naming.place_of_caller()
        self.label = None
        context.add_socket(self)

    def process_commands(self):
        """Process commands of other threads, and raise if they ended the socket."""
        if self.mailbox.pending:
            self.mailbox.process()
        if self.dead:
            self.raise_end()

    def process_commands_to_receive(self):
        """Do the same as :meth:`process_commands`, in a call that receives.

        If the socket type or its state does not allow the call, libzmq raises that error first. It
        then processes no command, and does not notice that the context terminates."""
        if not self.dead and self.parts_in is None and self.context.terminating:
            self.pattern.check_may_receive()
        self.process_commands()

    def raise_end(self):
        """Raise the error that ended the socket, in a later call.

        As in libzmq, such a call clears the descriptor. So a loop that watches it notices the end
        once, and does not spin."""
        if self.notifier is not None:
            self.notifier.clear()
        raise zmq_error(self.dead)

    def is_foreign(self):
        """Tell whether the current thread differs from the thread of the hub with the connections.

        Without a hub, report a call that is made while another thread waits in this socket."""
        if self.engine is not None:
            return self.engine.thread != thread_ident()
        if self.waiting_thread:
            self.report_misuse()
        return False

    # -- use by two threads ----------------------------------------------------------------

    def enter_wait(self):
        """Note that the current thread begins to wait in a call of this socket."""
        if self.loop_poller is not None:
            # The wait may block the thread of the event loop.
            self.serve_in_io_threads()
        self.waiting_calls += 1
        if self.waiting_calls == 1 and not self.misuse_reported:
            self.waiting_thread = thread_ident()

    def leave_wait(self):
        """Note that a wait is over, in the thread that called :meth:`enter_wait`."""
        if self.waiting_calls > 1:
            self.waiting_calls -= 1
        else:
            self.waiting_calls = 0
            self.waiting_thread = 0

    def report_misuse(self):
        """Log, once, a call that is made while another thread waits in this socket.

        libzmq does not protect a socket against this. Here nothing breaks, because with the GIL,
        calls overlap only while one of them waits. It is not misuse to hand a socket on, to guard
        it by a lock, or to use it in several greenlets of one thread."""
        thread = self.waiting_thread
        if thread and thread != thread_ident():
            self.misuse_reported = True
            self.waiting_thread = 0
            misuse.report_two_threads(self, thread)

    def report_mixing(self):
        """Log, once, that a message gets frames from a greenlet that did not begin it."""
        if not self.mixing_reported:
            self.mixing_reported = True
            misuse.report_mixed_frames(self)

    # -- use in an event loop ----------------------------------------------------------------

    def serve_in(self, poller):
        """Let an event loop serve the connections, including future ones.

        Parameters
        ----------
        poller : LoopPoller
            The poller of the loop that runs in this thread.
        """
        self.loop_poller = poller
        for session in list(self.sessions):
            session.engine.call(session.lend)

    def serve_in_io_threads(self):
        """Let the I/O threads serve the connections instead of the event loop."""
        self.loop_poller = None
        for session in list(self.sessions):
            session.engine.call(session.reclaim)

    # -- state -----------------------------------------------------------------------------

    def delegate(self, function, args):
        """Make a call in the thread of the hub; see :class:`DelegatedCall`."""
        if self.dead:
            self.raise_end()
        return DelegatedCall(self.engine, function, args).wait()

    def check_open(self):
        """Raise if the socket has ended; for calls that work while its context terminates.

        As in libzmq, a socket learns of the termination only in calls that process commands. So a
        program may set LINGER and close its sockets while another thread is in ``term()``."""
        if self.dead:
            self.raise_end()
        if self.mailbox.pending and not self.context.terminating:
            self.mailbox.process()

    def process_mailbox(self):
        """Process commands of other threads, before or after a sleep."""
        if self.mailbox.pending:
            self.mailbox.process()

    def recheck(self):
        """Process commands before a sleep; tell whether they ended the socket."""
        self.process_mailbox()
        return self.dead != 0

    def maybe_yield(self):
        """Run the hub once if it is time; return whether it ran. Called now and then."""
        if self.io_threads is not None:
            return False
        engine = self.engine
        if engine is None:
            engine = current_loop()
        return engine.maybe_yield()

    # -- sending ---------------------------------------------------------------------------

    def send_frame(self, frame, flags):
        """Send one frame.

        Parameters
        ----------
        frame : bytes or Frame-like
        flags : int
            ``NOBLOCK`` (1): raise Again if the call must wait. ``SNDMORE`` (2): the next frame
            belongs to the same message.

        Raises
        ------
        ZMQError
            EAGAIN after SNDTIMEO. EFSM, EHOSTUNREACH, ENOTSUP depending on the socket type (RFC 28
            to 31). ENOTSOCK: the socket is closed. ETERM: the context was terminated.
        """
        if self.is_foreign():
            return self.delegate(self.send_frame, (frame, flags))
        if self.mailbox.pending or self.dead:
            self.process_commands()
        if self.parts_in is not None and self.lockstep:
            self.require_complete_message()
        if flags & SNDMORE or self.parts_out is not None:
            self.send_part(frame, flags)
            return
        self.operations += 1
        if self.operations & 63 == 0:
            self.maybe_yield()
        if self.publishes:
            self.read_pending_subscriptions()
        if not self.pattern.send(frame):
            self.send_blocking(frame, flags)

    def send_message(self, frames, flags):
        """Send a list of frames as one message, all or nothing. See :meth:`send_frame`."""
        if self.is_foreign():
            return self.delegate(self.send_message, (frames, flags))
        if self.mailbox.pending or self.dead:
            self.process_commands()
        if self.parts_in is not None and self.lockstep:
            self.require_complete_message()
        if flags & SNDMORE or self.parts_out is not None:
            for frame in frames[:-1]:
                self.send_part(frame, flags | SNDMORE)
            self.send_part(frames[-1], flags)
            return
        self.operations += 1
        if self.operations & 63 == 0:
            self.maybe_yield()
        if self.publishes:
            self.read_pending_subscriptions()
        message = frames if len(frames) != 1 else frames[0]
        if not self.pattern.send(message):
            self.send_blocking(message, flags)

    def require_complete_message(self):
        """Raise EFSM if a received message has unread frames. Read a request completely before the
        reply, and a reply before the next request, except with REQ_RELAXED."""
        if not getattr(self.pattern, "relaxed", False):
            raise zmq_error(EFSM, UNREAD_FRAMES)

    def send_part(self, frame, flags):
        """Send a frame of a message that is sent frame by frame.

        The first frame waits for room or fails. Later frames never wait. If a call fails for any
        reason, the socket forgets the frames that it has, so the next frame begins a new message.

        As in libzmq, a socket has at most one unfinished message, no matter which greenlet sends
        its frames. Frames of several greenlets are added in order, and this is reported once.

        Source: libzmq ``src/lb.cpp``, ``src/router.cpp``, ``src/xpub.cpp``."""
        parts = self.parts_out
        try:
            if parts is None:
                self.operations += 1
                if self.operations & 63 == 0:
                    self.maybe_yield()
                if self.publishes:
                    self.read_pending_subscriptions()
                if self.parts_out is None and not self.pattern.begin(frame):
                    self.wait_to_send(flags, frame)
                # Meanwhile another greenlet may have begun a message.
                parts = self.parts_out
                if parts is None:
                    parts = self.parts_out = []
                    self.parts_from = getcurrent()
            if self.parts_from is not getcurrent():
                self.report_mixing()
            parts.append(frame)
            if flags & SNDMORE and len(parts) != self.pattern.parts_limit:
                return
            self.parts_out = None
            self.parts_from = None
            self.pattern.finish(parts)
        except BaseException:
            if self.parts_out is parts:
                self.parts_out = None
            raise
        finally:
            # One wake-up may mean room for several messages.
            if self.parts_out is None and self.senders.wakers and self.pattern.has_out():
                self.senders.notify()

    def read_pending_subscriptions(self):
        """Read the connections before the first message of a burst. So a subscription that has
        arrived applies to it, as in libzmq, even if the hub has not run since.

        Each connection is read once, and not again for :data:`SUBSCRIPTIONS_INTERVAL`. Otherwise a
        publisher would make a system call per message while a subscriber reads nothing."""
        if self.engine is not None and not self.engine.is_flush_scheduled:
            now = monotonic_ns()
            if now - self.subscriptions_read_at > SUBSCRIPTIONS_INTERVAL:
                self.subscriptions_read_at = now
                self.pattern.read_all_peers()
        elif self.pattern.has_late_subscriptions:
            self.await_late_subscriptions()

    def await_late_subscriptions(self):
        """Let the I/O threads write the subscriptions for which a pipe had no room.

        This takes at most 50 ms at a time, and a tenth of the time in the long run. So a peer that
        subscribes continuously does not stop the publisher."""
        began = monotonic_ns()
        if began < self.next_subscription_wait:
            return
        spent = 0
        while self.pattern.has_late_subscriptions and spent < SUBSCRIPTION_WAIT_NS:
            self.pattern.has_late_subscriptions = False
            # In the first loop iteration the pipe gets room again; in the second more is read.
            self.io_threads.wait_until_processed(2)
            self.process_mailbox()
            spent = monotonic_ns() - began
        self.next_subscription_wait = began + 10 * spent

    def send_blocking(self, message, flags):
        """Make room or wait for it within SNDTIMEO, because the pattern has none."""
        timeout_ms = 0 if flags & NOBLOCK else self.sndtimeo
        began = monotonic_ns()
        if self.engine is not None:
            self.engine.flush()
            if self.pattern.send(message):
                return
        while True:
            self.wait_writable(timeout_ms, began)
            if self.pattern.send(message):
                # One wake-up may mean room for several messages.
                if self.senders.wakers and self.pattern.has_out():
                    self.senders.notify()
                return

    def wait_to_send(self, flags, frame):
        timeout_ms = 0 if flags & NOBLOCK else self.sndtimeo
        began = monotonic_ns()
        if self.engine is not None:
            self.engine.flush()
        while self.parts_out is None and not self.pattern.begin(frame):
            self.wait_writable(timeout_ms, began)

    def wait_writable(self, timeout_ms, began):
        """Sleep until there may be room. Raise Again after the timeout, or the error that ended the
        socket."""
        timeout = -1.0
        if timeout_ms >= 0:
            timeout = (began + timeout_ms * 1000000 - monotonic_ns()) / 1e9
            if timeout <= 0:
                self.maybe_yield()
                raise zmq_error(EAGAIN, SEND_WAITS)
        self.wait(self.senders, timeout, began)

    def wait(self, sleepers, timeout, began):
        """Sleep in the wait list ``sleepers``, in a call that ``began`` then (ns). Raise the error
        that ended the socket meanwhile."""
        if self.dead:
            # The socket was closed when this call ran the hub, and sleepers have been told already.
            raise zmq_error(self.dead)
        mailbox = self.mailbox
        waker = current_waker(self.io_threads is None)
        waker.since = began
        # The waker that processes commands takes what they bring, so it must be the oldest.
        insert_by_age(mailbox.sleepers, waker)
        self.enter_wait()
        try:
            # Another thread may have posted a command or ended the socket before the waker was in
            # the lists.
            sleepers.wait(waker, timeout, self.recheck)
        except KeyboardInterrupt:
            # Raise a second Ctrl-C here as well, and not where the program handles the first one.
            run_signal_handlers()
            raise
        finally:
            self.leave_wait()
            mailbox.sleepers.remove(waker)
            # Do this even if the greenlet is killed, because others wait for these commands.
            self.process_mailbox()
        if self.dead:
            raise zmq_error(self.dead)

    # -- receiving -------------------------------------------------------------------------

    def recv_frame(self, flags):
        """Receive one frame. :attr:`more` tells whether further frames of its message follow.

        Parameters
        ----------
        flags : int
            ``NOBLOCK`` (1): raise Again if the call must wait.

        Returns
        -------
        bytes or Frame-like

        Raises
        ------
        ZMQError
            EAGAIN after RCVTIMEO. EFSM, ENOTSUP, ENOTSOCK, ETERM.
        """
        if self.is_foreign():
            return self.delegate(self.recv_frame, (flags,))
        if self.mailbox.pending or self.dead:
            self.process_commands_to_receive()
        if self.parts_in is not None:
            return self.recv_part()
        self.operations += 1
        if self.operations & 63 == 0:
            self.maybe_yield()
        message = self.pattern.recv()
        if message is None:
            message = self.recv_blocking(flags)
        if type(message) is list:
            self.parts_in = message
            self.next_part = 0
            return self.recv_part()
        self.more = False
        return message

    def recv_message(self, flags):
        """Receive a whole message, or the rest of one, as a list. See :meth:`recv_frame`."""
        if self.is_foreign():
            return self.delegate(self.recv_message, (flags,))
        if self.mailbox.pending or self.dead:
            self.process_commands_to_receive()
        if self.parts_in is not None:
            parts = self.parts_in[self.next_part :]
            self.parts_in = None
            self.more = False
            return parts
        self.operations += 1
        if self.operations & 63 == 0:
            self.maybe_yield()
        message = self.pattern.recv()
        if message is None:
            message = self.recv_blocking(flags)
        self.more = False
        return message if type(message) is list else [message]

    def try_recv_frame(self):
        """Do the same as :meth:`recv_frame` with NOBLOCK, but return None instead of raising Again.

        It is only for sockets whose connections are in I/O threads."""
        if self.waiting_thread:
            self.report_misuse()
        if self.mailbox.pending or self.dead:
            self.process_commands()
        if self.parts_in is not None:
            return self.recv_part()
        message = self.try_recv()
        if type(message) is list:
            self.parts_in = message
            self.next_part = 0
            return self.recv_part()
        self.more = False
        return message

    def try_recv_message(self):
        """Do the same as :meth:`recv_message` with NOBLOCK, but return None instead of Again.

        It is only for sockets whose connections are in I/O threads."""
        if self.waiting_thread:
            self.report_misuse()
        if self.mailbox.pending or self.dead:
            self.process_commands()
        if self.parts_in is not None:
            return self.recv_message(NOBLOCK)
        message = self.try_recv()
        self.more = False
        return message if message is None or type(message) is list else [message]

    def try_recv(self):
        message = self.pattern.recv()
        if message is None:
            self.io_threads.begin_burst()
            # An event loop that serves the connections reads them in its next iteration anyway.
            message = self.read_now_if_useful(self.loop_poller is None)
            if message is None:
                self.resume_io_threads()
        return message

    def recv_part(self):
        parts = self.parts_in
        frame = parts[self.next_part]
        self.next_part += 1
        self.more = self.next_part < len(parts)
        if not self.more:
            self.parts_in = None
        return frame

    def recv_blocking(self, flags):
        """Read the connections, poll, or sleep within RCVTIMEO: the pattern has no message."""
        engine = self.engine
        timeout_ms = 0 if flags & NOBLOCK else self.rcvtimeo
        began = monotonic_ns()
        deadline = began + timeout_ms * 1000000
        spin_time = 0
        # A call that must not wait, or always finds a message, never sleeps. So run the hub here
        # for the I/O of others.
        if self.maybe_yield():
            message = self.pattern.recv()
            if message is not None:
                return message
        if engine is not None:
            engine.flush_before_wait()
            spin_time = self.poll_limit(began)
            if timeout_ms != 0 and engine.may_busy_poll(spin_time):
                message = self.busy_poll(began, spin_time, engine.busy_poll_backoff)
            else:
                message = self.read_now_if_useful(timeout_ms == 0)
            if message is not None:
                return message
        elif self.io_threads is not None:
            spin_time = self.poll_limit(began)
            message = self.read_bypassing_io_threads(timeout_ms == 0, began, spin_time)
            if message is not None:
                return message
            self.resume_io_threads()
        if timeout_ms == 0:
            raise zmq_error(EAGAIN, RECV_WAITS)
        while True:
            timeout = -1.0
            if timeout_ms > 0:
                timeout = (deadline - monotonic_ns()) / 1e9
                if timeout <= 0:
                    raise zmq_error(EAGAIN, RECV_WAITS)
            self.wait(self.receivers, timeout, began)
            message = self.pattern.recv()
            if message is None and self.engine is not None:
                message = self.read_now()
            if message is not None:
                if self.receivers.wakers and self.pattern.has_in():
                    self.receivers.notify()
                if spin_time:
                    now = monotonic_ns()
                    if now - began < spin_time:
                        # Busy polling would have found the message.
                        backoff = self.busy_poll_backoff
                        if engine is not None:
                            backoff = engine.busy_poll_backoff
                        backoff.hit()
                    elif self.poll_missed_at > began:
                        contention.note_sleep(self.poll_missed_at, now)
                return message

    def read_bypassing_io_threads(self, needed, began, spin_time):
        """Read the connections directly. The I/O threads would need two thread switches for it."""
        self.io_threads.begin_burst()
        if (
            spin_time > 0
            and CAN_BUSY_POLL
            and not needed
            and self.busy_poll_backoff.allows()
            and not waits_in_hub()
        ):
            message = self.busy_poll(began, spin_time, self.busy_poll_backoff)
            # Not in a flood of messages, where the I/O thread fills the queue for this thread.
            self.is_busy_polling = message is not None and not self.pattern.has_in()
            return message
        return self.read_now_if_useful(needed)

    def resume_io_threads(self):
        """Let the I/O threads read again from now on."""
        self.is_busy_polling = False
        for connection in list(self.paused_connections):
            connection.engine.call(connection.resume_watcher)

    def read_now_if_useful(self, needed):
        """Read the connections before sleeping, unless that has brought nothing recently.

        The hub reads them anyway. Then a lone message costs one read instead of two."""
        if not needed and not self.read_backoff.allows():
            return None
        message = self.read_now()
        if message is not None:
            self.read_backoff.hit()
        elif not needed:
            self.read_backoff.missed()
        return message

    def read_now(self):
        """Read the connections in this greenlet or, if they are many, by running the hub once.

        None means that they brought nothing that this socket type accepts. Then the hub must run
        before there is more."""
        for _ in range(READ_ROUNDS):
            produced = self.pattern.try_read_peers()
            if produced == 0:
                return None
            if produced < 0:
                if self.engine is None:
                    return None
                self.engine.run_loop_once()
            self.process_mailbox()
            message = self.pattern.recv()
            if message is not None or produced < 0:
                return message
        return None

    def busy_poll(self, began, spin_time, worth):
        """Read the connections repeatedly for ``spin_time`` ns, if they are few."""
        now = monotonic_ns()
        while now - began < spin_time:
            produced = self.pattern.try_read_peers()
            if produced < 0:
                return None
            if produced > 0:
                self.process_mailbox()
                message = self.pattern.recv()
                if message is not None:
                    worth.hit()
                    contention.prompt_arrivals = 0
                    return message
            now = monotonic_ns()
        worth.missed()
        self.poll_missed_at = now
        return None

    # -- readiness -------------------------------------------------------------------------

    def on_readable(self):
        self.receivers.notify()
        self.notify_pollers()

    def on_writable(self):
        self.senders.notify()
        self.notify_pollers()

    def schedule_read(self):
        if not self.is_read_scheduled:
            self.is_read_scheduled = True
            engine = self.engine
            if engine is not None and engine.is_current():
                engine.loop.run_callback(engine.call_guarded, self.resume_reading)
            else:
                self.mailbox.post(self.resume_reading)

    def resume_reading(self):
        self.is_read_scheduled = False
        self.on_readable()

    def call_later(self, function, pipe):
        engine = self.engine
        if engine is not None:
            if not engine.is_current():
                return False
            engine.call_after_poll(function, pipe)
            return True
        engine = None if self.io_threads is None else self.io_threads.least_loaded_loop(0)
        if engine is None:
            return False
        # Post it through an I/O thread: a command that is posted to this mailbox while it is being
        # processed would run at once.
        engine.mailbox.post(self.post_call, (function, pipe))
        return True

    def post_call(self, function, pipe):
        self.mailbox.post(function, (pipe,))

    def notify_pollers(self):
        if self.pollers:
            # Iterate over a copy: waking one may let another thread run and remove its waker from
            # the list, and the loop would skip the next waker.
            for waker in list(self.pollers):
                waker.wake()
        if self.notifier is not None:
            self.notifier.signal()

    def events(self, wanted=POLLIN | POLLOUT):
        """Return the events of ``wanted`` that are ready: POLLIN (1), POLLOUT (2), both, or 0."""
        if self.is_foreign():
            return self.delegate(self.events, (wanted,))
        if self.mailbox.pending or self.dead:
            self.process_commands()
        self.operations += 1
        if self.operations & 63 == 0:
            self.maybe_yield()
        events = 0
        if wanted & POLLIN and self.can_receive():
            events = POLLIN
        if wanted & POLLOUT and (self.parts_out is not None or self.pattern.has_out()):
            events |= POLLOUT
        if self.notifier is not None and wanted == POLLIN | POLLOUT:
            # Clear the descriptor only if the caller asked for both events.
            self.notifier.clear()
            if self.mailbox.pending or self.dead:
                # A command was posted, or another thread closed the socket, in between.
                self.notifier.signal()
        return events

    def can_send(self):
        """Tell whether a message can be sent now; False if the socket has ended. For monitors."""
        self.process_mailbox()
        return not self.dead and self.pattern.has_out()

    def can_receive(self):
        if self.parts_in is not None or self.pattern.has_in():
            return True
        if self.engine is not None:
            self.engine.flush_before_wait()
        elif self.io_threads is not None:
            self.io_threads.begin_burst()
            self.resume_io_threads()
        else:
            return False
        for _ in range(READ_ROUNDS):
            produced = self.pattern.try_read_peers()
            if produced == 0:
                return False
            if produced < 0:
                if self.engine is None:
                    return False
                self.engine.run_loop_once()
            self.process_mailbox()
            if self.pattern.has_in():
                return True
            if produced < 0:
                return False
        return False

    def add_poller(self, waker):
        """Wake ``waker`` whenever the events may have changed."""
        self.pollers.append(waker)
        insert_by_age(self.mailbox.sleepers, waker)

    def remove_poller(self, waker):
        self.pollers.remove(waker)
        self.mailbox.sleepers.remove(waker)
        self.process_mailbox()

    # -- options ---------------------------------------------------------------------------

    def set(self, option, value):
        """Set a socket option (number, int or bytes).

        Raises
        ------
        ZMQError
            EINVAL: the option is unknown or read-only, or the value is invalid. libzmq
            zmq_setsockopt(3).
        """
        if self.is_foreign():
            return self.delegate(self.set, (option, value))
        self.check_open()
        if self.pattern.set_option(option, value):
            if self.engine is not None:
                # Send subscriptions at once.
                self.engine.flush()
            elif self.io_threads is not None:
                self.io_threads.yield_to_io_threads()
            return
        row = find(option)
        if row is not None and row.holder == PATTERN:
            raise zmq_error(EINVAL, "option %s does not apply to this socket type" % row.name)
        self.options.set(option, value)
        self.read_options()
        if option == SNDHWM or option == RCVHWM:
            # As in libzmq, only these options, LINGER and timeouts affect existing pipes.
            for pipe in self.pattern.pipes:
                self.endpoints.set_high_water_marks(pipe)

    def read_options(self):
        """Cache the options that waiting calls need, because looking them up by name is slow."""
        self.sndtimeo = self.options.sndtimeo
        self.rcvtimeo = self.options.rcvtimeo
        self.spin_time = -1
        self.adaptive_poll = True

    def poll_limit(self, now):
        """Return for how many nanoseconds a receiver may busy-poll now, by BUSY_POLL."""
        if self.spin_time < 0:
            tuning = self.options.tuning
            self.adaptive_poll = tuning.adaptive_poll
            self.spin_time = tuning.spin_time
        if self.adaptive_poll and now < contention.paused_until:
            return 0
        return self.spin_time

    def get(self, option):
        """Return a socket option (number): int or bytes. Raises EINVAL as :meth:`set` does."""
        self.check_open()
        if option == RCVMORE:
            return int(self.more)
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

    def fileno(self):
        """Return a descriptor that is readable if the events may have changed (edge-triggered)."""
        if self.notifier is None:
            self.notifier = self.mailbox.notifier = Notifier()
            # A watcher of the descriptor must read EVENTS once first.
            self.notifier.signal()
        return self.notifier.fd

    # -- endpoints -------------------------------------------------------------------------

    def bind_to_current_loop(self):
        """Return the hub's loop, fixed at the first bind or connect; None with I/O threads."""
        if self.engine is None and self.io_threads is None:
            self.engine = current_loop()
        return self.engine

    def is_cross_thread(self, other):
        """Tell whether a pipe to another socket of the context leads to another thread."""
        return self.io_threads is not None or self.owner_loop is not other.owner_loop

    def claim_owner_loop(self):
        """Fix the loop that owns an inproc endpoint; without I/O threads it is the hub's."""
        if self.owner_loop is None and self.io_threads is None:
            self.owner_loop = current_loop()

    def choose_loop(self, affinity):
        """Return the loop for one more endpoint."""
        if self.io_threads is not None:
            return self.io_threads.choose_loop(affinity)
        return self.bind_to_current_loop()

    def wait_for_io_threads(self):
        """Wait until the I/O threads have processed their commands."""
        if self.io_threads is not None:
            self.io_threads.wait_until_processed()

    def bind(self, endpoint):
        """Accept peers at ``endpoint`` (str). libzmq zmq_bind(3) lists the errors."""
        if self.is_foreign():
            return self.delegate(self.bind, (endpoint,))
        self.process_commands()
        self.endpoints.bind(endpoint)

    def connect(self, endpoint):
        """Connect to ``endpoint`` (str), now or when it appears. libzmq zmq_connect(3)."""
        if self.is_foreign():
            return self.delegate(self.connect, (endpoint,))
        self.process_commands()
        self.endpoints.connect(endpoint)

    def unbind(self, endpoint):
        """Undo :meth:`bind` and disconnect the peers accepted there. ENOENT: it is not bound."""
        if self.is_foreign():
            return self.delegate(self.unbind, (endpoint,))
        self.process_commands()
        self.endpoints.end(endpoint, "unbind")

    def disconnect(self, endpoint):
        """Undo :meth:`connect`. ENOENT: it is not connected."""
        if self.is_foreign():
            return self.delegate(self.disconnect, (endpoint,))
        self.process_commands()
        self.endpoints.end(endpoint, "disconnect")

    # -- pipes -----------------------------------------------------------------------------

    def make_pipe(self, session, routing_id, metadata, locally_initiated):
        """Create a pipe for a session and attach its near end.

        Returns
        -------
        Pipe or None
            The session's end; None if the pattern rejects this peer.
        """
        options = session.options
        engine = session.engine
        crosses = engine.mailbox is not None
        if options.conflate:
            near, far = pipe_pair(options.sndhwm, options.rcvhwm, crosses)
            self.conflate(near)
        else:
            near, far = pipe_pair(
                options.sndhwm, options.rcvhwm, crosses, options.sndbytes_max, options.rcvbytes_max
            )
        far.sink = session
        far.is_session_end = True
        near.totals = far.totals = self.pattern.totals
        about = (near, routing_id, metadata, locally_initiated, session.endpoint)
        if crosses:
            near.mailbox = self.mailbox
            far.mailbox = engine.mailbox
            if engine.is_current():
                self.mailbox.post(self.attach_pipe, about)
                return far
        return far if self.attach_pipe(*about) else None

    def conflate(self, near):
        """Keep only the last message (CONFLATE) in a pipe. Subscriptions are not messages."""
        near.set_conflate(self.socket_type not in (PUB, XPUB), self.socket_type not in (SUB, XSUB))

    def connect_zap(self, sink, mailbox):
        """Return ``sink``'s end of a pipe to the context's ZAP handler; None without a handler."""
        return inproc.connect_zap(self, sink, mailbox)

    def attach_pipe(self, near, routing_id, metadata, locally_initiated, endpoint):
        if near.closed:
            return False
        near.sink = self.pattern
        near.totals = self.pattern.totals
        near.routing_id = routing_id
        near.named = metadata is not None
        near.metadata = metadata
        near.locally_initiated = locally_initiated
        near.endpoint = endpoint
        if self.dead or not self.pattern.attach(near):
            near.terminate()
            return False
        # A new peer has room, and may have brought messages. If there are many peers, a receiver
        # that is woken in vain runs the hub to look for them.
        self.on_writable()
        if near.check_read():
            self.on_readable()
        return True

    def identify_pipe(self, far, routing_id, metadata):
        """Handle that the handshake of a connecting session has identified the peer."""
        far.peer.post_to_owner(self.identify, (far.peer, routing_id, metadata))

    def identify(self, near, routing_id, metadata):
        near.metadata = metadata
        if not near.closed and not near.named:
            near.named = True
            near.routing_id = routing_id
            self.pattern.identified(near)

    def drop_pipe(self, near):
        """Close one peer's pipe from this side; deliver written messages within linger."""
        if not near.closed:
            self.pattern.detach(near)
            near.terminate()

    def disconnect_pipe(self, near):
        """Close one peer's pipe like :meth:`drop_pipe`, but keep received messages readable."""
        # First attach a pipe that was created meanwhile.
        self.process_mailbox()
        reads = 0
        while reads < LAST_READS and near.try_read() > 0:
            self.process_mailbox()
            reads += 1
        if near.sink is not self.pattern:
            self.drop_pipe(near)
        else:
            self.pattern.disconnect(near)

    def on_pipe_gone(self, pipe):
        self.endpoints.pipe_gone(pipe)

    def session_started(self, session):
        self.sessions.add(session)

    def session_ended(self, session):
        self.sessions.discard(session)
        self.endpoints.session_ended(session)
        self.reap()

    def listener_started(self, listener):
        self.listeners.add(listener)

    def listener_ended(self, listener):
        self.listeners.discard(listener)
        self.reap()

    def reap(self):
        """Tell the context if the socket has ended completely."""
        if self.closed and not self.sessions and not self.listeners:
            self.context.socket_reaped(self)

    # -- monitor ---------------------------------------------------------------------------

    def monitor(self, endpoint, events):
        """Publish events of this socket on a PAIR at ``endpoint`` (inproc); None stops.

        libzmq zmq_socket_monitor(3). EPROTONOSUPPORT for another transport, EINVAL, EADDRINUSE.
        """
        self.check_open()
        self.stop_monitor()
        if endpoint is not None:
            self.monitoring = Monitor(self.context, endpoint, events)
            self.monitoring.socket.label = f"monitor of {naming.name_of(self)}"

    def stop_monitor(self):
        monitoring = self.monitoring
        self.monitoring = None
        if monitoring is not None:
            monitoring.stop()

    def event(self, kind, value, endpoint):
        """Publish an event on the monitor, if there is one."""
        if self.monitoring is not None:
            self.monitoring.event(kind, value, endpoint)

    # -- end -------------------------------------------------------------------------------

    def stop(self, errno):
        """Make every call raise ``errno`` from now on, and wake all that wait."""
        if self.closed and errno != ENOTSOCK:
            return  # termination, after the socket was closed
        self.dead = errno
        self.parts_out = None
        self.receivers.notify_all()
        self.senders.notify_all()
        self.notify_pollers()

    def after_fork_child(self):
        """Reset in a forked child: give up all descriptors, and leave the parent's peers alone."""
        self.waiting_thread = 0
        self.closed = True
        self.dead = ENOTSOCK
        self.monitoring = None
        if self.notifier is not None:
            self.notifier.after_fork_child()
        # Include those that an I/O thread should have closed, because it does not run here.
        for listener in self.listeners:
            listener.abort()
        for session in self.sessions:
            session.abort()
        if self.engine is not None:
            self.engine.after_fork_child()

    def close(self, linger=None, waits=True):
        """Close the socket. Accepted messages are delivered within linger.

        Parameters
        ----------
        linger : int, milliseconds, optional
            Replaces the LINGER option; -1 means no limit, and 0 drops unsent messages.
        waits : bool
            Whether to wait until the I/O threads have freed its addresses. Not in a destructor.
        """
        if self.closed:
            return
        if (
            self.engine is not None
            and not self.engine.thread_ended
            and not self.engine.is_current()
        ):
            # The garbage collector runs in any thread, so close the socket in its own thread.
            self.engine.callbacks.call(self.close, linger)
            return
        if waits and self.engine is None and self.waiting_thread:
            self.report_misuse()
        if linger is not None and linger >= -1:
            # libzmq rejects other values, and pyzmq ignores the error.
            self.options.linger = linger
        if not self.dead:
            # Process pending commands, because their subjects must be told of this end as well.
            self.mailbox.process()
        self.closed = True
        if waits:
            # Not in a destructor, which may run after the interpreter has torn down modules.
            LOG.debug("socket %#x: closed, LINGER %d", self.address, self.options.linger)
        self.stop(ENOTSOCK)
        self.parts_in = None
        self.parts_out = None
        self.pattern.totals.count_dropped("unread", self.pattern.in_hand())
        frees = bool(self.listeners)
        self.endpoints.close()
        for pipe in list(self.pattern.pipes):
            self.drop_pipe(pipe)
        for session in list(self.sessions):
            session.engine.call(session.stop_if_unattached)
        # Close it after the pipes: from here on, I/O threads process their own posts.
        self.mailbox.close()
        if self.notifier is not None:
            # Its descriptor stays open as long as this object or the context. An event loop may
            # still watch it, and its number must not be reused for another file meanwhile.
            self.context.notifiers.add(self.notifier)
            self.mailbox.notifier = None
            self.notifier.silence()
        self.reap()
        try:
            if frees and waits:
                self.wait_for_io_threads()
        finally:
            # The listeners have published their last events before this.
            self.stop_monitor()
