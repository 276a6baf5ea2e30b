"""The socket: a pattern, its endpoints, and the greenlets or threads that wait on it.

Messages are whole; what the user sends and receives frame by frame is put together and taken
apart here.

With the hub engine, connections are in the hub of the thread that uses the socket, and what they
tell they tell at once. With the thread engine, and over inproc between hubs, others put it into the
socket's mailbox, where the next call finds it.
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
from zlinkcompat.core import endpoints, inproc, misuse
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


# Options of the socket itself (zmq.h).


# Reads of a connection that the user ends: what has arrived is received, but a peer that sends
# without end is not read without end.
LAST_READS = 64

# How long one send of a publisher may wait for subscriptions that have arrived.
SUBSCRIPTION_WAIT_NS = 50_000_000


#: Nanoseconds in which a publisher looks for subscriptions once, where the hub does not turn.
SUBSCRIPTIONS_INTERVAL = 100_000

#: Times that a receiver reads its connections in a row, where nothing that they bring is for it.
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
        EINVAL for an unknown type, EMFILE when the context's MAX_SOCKETS are in use, ETERM after
        ``term()``.

    Attributes
    ----------
    more : bool
        Whether frames of the message that ``recv_frame`` last returned a frame of are left.
    address : int
        Finds this socket in ``core.registry``.
    is_busy_polling : bool
        The last message that had to be waited for came by polling, past the I/O threads.
    paused_connections : list of Connection
        Those that an I/O thread does not look at for so long.
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
        context.add_socket(self)

    def process_commands(self):
        """Do what other threads asked of this socket, and raise if it is dead then."""
        if self.mailbox.pending:
            self.mailbox.process()
        if self.dead:
            self.raise_end()

    def process_commands_to_receive(self):
        """As :meth:`process_commands`, in a call that receives.

        libzmq first finds that the socket type, or its state, does not allow the call: it processes
        no command then, and so does not learn that the context terminates."""
        if not self.dead and self.parts_in is None and self.context.terminating:
            self.pattern.check_may_receive()
        self.process_commands()

    def raise_end(self):
        """Raise what ended the socket, in a call that was made since.

        As in libzmq such a call clears the descriptor: a loop that watches it hears of the end
        once, and does not spin."""
        if self.notifier is not None:
            self.notifier.clear()
        raise zmq_error(self.dead)

    def is_foreign(self):
        """Tell whether the current thread is not the one of the hub that has the connections.

        Without a hub, report a call that is made while another thread waits in this socket."""
        if self.engine is not None:
            return self.engine.thread != thread_ident()
        if self.waiting_thread:
            self.report_misuse()
        return False

    # -- use by two threads ----------------------------------------------------------------

    def enter_wait(self):
        """Note that the current thread begins to wait in a call of this socket."""
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

        libzmq does not protect a socket against that. Here nothing breaks: with the GIL, calls
        overlap only where one of them waits. A socket that is handed on, or guarded by a lock, is
        no misuse, and neither are several greenlets of one thread."""
        thread = self.waiting_thread
        if thread and thread != thread_ident():
            self.misuse_reported = True
            self.waiting_thread = 0
            misuse.report_two_threads(self, thread)

    def report_mixing(self):
        """Log, once, that a message gets frames of another greenlet than the one that began it."""
        if not self.mixing_reported:
            self.mixing_reported = True
            misuse.report_mixed_frames(self)

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
        """Do what other threads asked, about to sleep or to end it."""
        if self.mailbox.pending:
            self.mailbox.process()

    def recheck(self):
        """Process commands, about to sleep; tell whether the socket has ended meanwhile."""
        self.process_mailbox()
        return self.dead != 0

    def maybe_yield(self):
        """Now and then, and where nothing came: let the hub turn if it is time. Whether it did."""
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
            ``NOBLOCK`` (1): raise Again where the call would wait. ``SNDMORE`` (2): the next frame
            belongs to the same message.

        Raises
        ------
        ZMQError
            EAGAIN after SNDTIMEO, EFSM, EHOSTUNREACH, ENOTSUP as the socket type says (RFC 28 to
            31), ENOTSOCK when closed, ETERM when the context was terminated.
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
        """Send a list of frames as one message, wholly or not at all. See :meth:`send_frame`."""
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
        """A request is to be read to its end before the reply, and so is a reply before the next
        request, but for REQ_RELAXED."""
        if not getattr(self.pattern, "relaxed", False):
            raise zmq_error(EFSM, UNREAD_FRAMES)

    def send_part(self, frame, flags):
        """Send a frame of a message that is made frame by frame.

        The first frame decides: it waits for room, or is refused. Later frames never wait. If a
        call fails, whatever the reason, the socket forgets the frames that it has, so that the
        next frame begins a new message.

        As in libzmq the socket has one unfinished message, whoever sends its frames. Frames of
        several greenlets are put into it in their order, and that is reported once.

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
                # Another greenlet may have begun a message in the meantime.
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
            # One wake-up may stand for room for many.
            if self.parts_out is None and self.senders.wakers and self.pattern.has_out():
                self.senders.notify()

    def read_pending_subscriptions(self):
        """Read the connections before the first message of a burst: a subscription that has
        arrived counts for it, as in libzmq, though the hub did not turn since.

        Each connection is read once, and not again for :data:`SUBSCRIPTIONS_INTERVAL`: a publisher
        would otherwise make a system call for each message while a subscriber reads nothing."""
        if self.engine is not None and not self.engine.is_flush_scheduled:
            now = monotonic_ns()
            if now - self.subscriptions_read_at > SUBSCRIPTIONS_INTERVAL:
                self.subscriptions_read_at = now
                self.pattern.read_all_peers()
        elif self.pattern.has_late_subscriptions:
            self.await_late_subscriptions()

    def await_late_subscriptions(self):
        """Let the I/O threads move in the subscriptions that found no room in a pipe.

        That takes 50 ms at most, and a tenth of the time in the long run, so that a peer that
        subscribes without end does not stop the publisher."""
        began = monotonic_ns()
        if began < self.next_subscription_wait:
            return
        spent = 0
        while self.pattern.has_late_subscriptions and spent < SUBSCRIPTION_WAIT_NS:
            self.pattern.has_late_subscriptions = False
            # In the first turn there is room again for what was read, in the second more is read.
            self.io_threads.wait_until_processed(2)
            self.process_mailbox()
            spent = monotonic_ns() - began
        self.next_subscription_wait = began + 10 * spent

    def send_blocking(self, message, flags):
        """The pattern had no room: make some, or wait for it, within SNDTIMEO."""
        timeout_ms = 0 if flags & NOBLOCK else self.sndtimeo
        began = monotonic_ns()
        if self.engine is not None:
            self.engine.flush()
            if self.pattern.send(message):
                return
        while True:
            self.wait_writable(timeout_ms, began)
            if self.pattern.send(message):
                # One wake-up may stand for room for many.
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
        """Sleep until there may be room. Raises Again when the time is over, or what ended the
        socket."""
        timeout = -1.0
        if timeout_ms >= 0:
            timeout = (began + timeout_ms * 1000000 - monotonic_ns()) / 1e9
            if timeout <= 0:
                self.maybe_yield()
                raise zmq_error(EAGAIN, SEND_WAITS)
        self.wait(self.senders, timeout, began)

    def wait(self, sleepers, timeout, began):
        """Sleep in the wait list ``sleepers``, in a call that ``began`` then (ns); raises what
        ended the socket meanwhile."""
        if self.dead:
            # Closed in a turn of the hub that this call made: who was asleep then has been told.
            raise zmq_error(self.dead)
        mailbox = self.mailbox
        waker = current_waker(self.io_threads is None)
        waker.since = began
        # Who does what others asked takes what they brought: that is to be the first.
        insert_by_age(mailbox.sleepers, waker)
        self.enter_wait()
        try:
            # Another thread may have posted a command, or ended the socket, before the waker was
            # in the lists.
            sleepers.wait(waker, timeout, self.recheck)
        except KeyboardInterrupt:
            # Another one that has come since belongs to this one. It is raised here, and not where
            # the program handles this one.
            run_signal_handlers()
            raise
        finally:
            self.leave_wait()
            mailbox.sleepers.remove(waker)
            # Also if it is killed: others wait for what it was woken to do.
            self.process_mailbox()
        if self.dead:
            raise zmq_error(self.dead)

    # -- receiving -------------------------------------------------------------------------

    def recv_frame(self, flags):
        """Receive one frame; :attr:`more` tells if others of the same message follow.

        Parameters
        ----------
        flags : int
            ``NOBLOCK`` (1): raise Again where the call would wait.

        Returns
        -------
        bytes or Frame-like

        Raises
        ------
        ZMQError
            EAGAIN after RCVTIMEO, EFSM, ENOTSUP, ENOTSOCK, ETERM.
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
        """Receive a whole message, or what is left of one, as a list. See :meth:`recv_frame`."""
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

    def recv_part(self):
        parts = self.parts_in
        frame = parts[self.next_part]
        self.next_part += 1
        self.more = self.next_part < len(parts)
        if not self.more:
            self.parts_in = None
        return frame

    def recv_blocking(self, flags):
        """The pattern had nothing: read the connections, poll, or sleep, within RCVTIMEO."""
        engine = self.engine
        timeout_ms = 0 if flags & NOBLOCK else self.rcvtimeo
        began = monotonic_ns()
        deadline = began + timeout_ms * 1000000
        spin_time = 0
        # Who may not wait, or finds something whenever it polls, never sleeps; others' I/O waits.
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
                        # Polling would have brought it.
                        backoff = self.busy_poll_backoff
                        if engine is not None:
                            backoff = engine.busy_poll_backoff
                        backoff.hit()
                    elif self.poll_missed_at > began:
                        contention.note_sleep(self.poll_missed_at, now)
                return message

    def read_bypassing_io_threads(self, needed, began, spin_time):
        """Read the connections past the I/O threads, which would take two switches of threads."""
        self.io_threads.begin_burst()
        if (
            spin_time > 0
            and CAN_BUSY_POLL
            and not needed
            and self.busy_poll_backoff.allows()
            and not waits_in_hub()
        ):
            message = self.busy_poll(began, spin_time, self.busy_poll_backoff)
            # Not in a flood: there the I/O thread fills the queue while this one empties it.
            self.is_busy_polling = message is not None and not self.pattern.has_in()
            return message
        return self.read_now_if_useful(needed)

    def resume_io_threads(self):
        """It is for the I/O threads to read from now on."""
        self.is_busy_polling = False
        for connection in list(self.paused_connections):
            connection.engine.call(connection.resume_watcher)

    def read_now_if_useful(self, needed):
        """Read the connections before sleeping, unless that has brought nothing lately.

        The hub looks at them anyway, and then a lone message costs one read instead of two."""
        if not needed and not self.read_backoff.allows():
            return None
        message = self.read_now()
        if message is not None:
            self.read_backoff.hit()
        elif not needed:
            self.read_backoff.missed()
        return message

    def read_now(self):
        """Read the connections in this greenlet; when they are many, by a turn of the hub.

        None if they brought nothing, or nothing that this socket type takes: then the hub has to
        turn before there is more."""
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
        """Read the connections again and again, while they are few, for ``spin_time`` ns."""
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
            previous = now
            now = monotonic_ns()
            if contention.check_gap(previous, now) and self.adaptive_poll:
                # The message may have come meanwhile.
                return self.read_now()
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
        # By way of an I/O thread: what is posted to this mailbox while it is processed is done at
        # once.
        engine.mailbox.post(self.post_call, (function, pipe))
        return True

    def post_call(self, function, pipe):
        self.mailbox.post(function, (pipe,))

    def notify_pollers(self):
        if self.pollers:
            # A copy: waking one may let another thread run, which removes its own from the list,
            # and the loop would pass over the next.
            for waker in list(self.pollers):
                waker.wake()
        if self.notifier is not None:
            self.notifier.signal()

    def events(self, wanted=POLLIN | POLLOUT):
        """What of ``wanted`` can be done without waiting: POLLIN (1), POLLOUT (2), both, or 0."""
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
            # Whoever watches the descriptor was told all; not so who asked for one only.
            self.notifier.clear()
            if self.mailbox.pending or self.dead:
                # Posted since, or closed by another thread.
                self.notifier.signal()
        return events

    def can_send(self):
        """Tell whether a message may be sent now, the end of the socket included. For monitors."""
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
            EINVAL for an unknown or read-only option, or a bad value. libzmq zmq_setsockopt(3).
        """
        if self.is_foreign():
            return self.delegate(self.set, (option, value))
        self.check_open()
        if self.pattern.set_option(option, value):
            if self.engine is not None:
                # Subscriptions go at once.
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
            # As in libzmq the only ones, beside LINGER and timeouts, that reach living pipes.
            for pipe in self.pattern.pipes:
                self.endpoints.set_high_water_marks(pipe)

    def read_options(self):
        """Keep those that calls which wait need: to look them up by name takes long."""
        self.sndtimeo = self.options.sndtimeo
        self.rcvtimeo = self.options.rcvtimeo
        self.spin_time = -1
        self.adaptive_poll = True

    def poll_limit(self, now):
        """Return for how many nanoseconds a receiver may poll now, by BUSY_POLL."""
        if self.spin_time < 0:
            tuning = self.options.tuning
            self.adaptive_poll = tuning.adaptive_poll
            self.spin_time = tuning.spin_time
        if self.adaptive_poll and now < contention.paused_until:
            return 0
        return self.spin_time

    def get(self, option):
        """Get a socket option (number): int or bytes. Raises EINVAL as :meth:`set`."""
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
        """A descriptor that becomes readable when the events may have changed (edge-triggered)."""
        if self.notifier is None:
            self.notifier = self.mailbox.notifier = Notifier()
            # Whoever watches it from now on is to look at EVENTS once.
            self.notifier.signal()
        return self.notifier.fd

    # -- endpoints -------------------------------------------------------------------------

    def bind_to_current_loop(self):
        """The hub of this socket, fixed at the first bind or connect; None with I/O threads."""
        if self.engine is None and self.io_threads is None:
            self.engine = current_loop()
        return self.engine

    def is_cross_thread(self, other):
        """Tell whether a pipe to another socket of the context leads to another thread."""
        return self.io_threads is not None or self.owner_loop is not other.owner_loop

    def claim_owner_loop(self):
        """The thread of an inproc endpoint's socket: without I/O threads its hub tells."""
        if self.owner_loop is None and self.io_threads is None:
            self.owner_loop = current_loop()

    def choose_loop(self, affinity):
        """The engine for one more endpoint."""
        if self.io_threads is not None:
            return self.io_threads.choose_loop(affinity)
        return self.bind_to_current_loop()

    def wait_for_io_threads(self):
        """Wait until the I/O threads did what they were asked."""
        if self.io_threads is not None:
            self.io_threads.wait_until_processed()

    def bind(self, endpoint):
        """Accept peers at ``endpoint`` (str). libzmq zmq_bind(3) lists the errors."""
        if self.is_foreign():
            return self.delegate(self.bind, (endpoint,))
        self.process_commands()
        self.endpoints.bind(endpoint)

    def connect(self, endpoint):
        """Connect to ``endpoint`` (str), now or whenever it appears. libzmq zmq_connect(3)."""
        if self.is_foreign():
            return self.delegate(self.connect, (endpoint,))
        self.process_commands()
        self.endpoints.connect(endpoint)

    def unbind(self, endpoint):
        """Undo :meth:`bind`; peers accepted there are disconnected. ENOENT if not bound."""
        if self.is_foreign():
            return self.delegate(self.unbind, (endpoint,))
        self.process_commands()
        self.endpoints.end(endpoint, "unbind")

    def disconnect(self, endpoint):
        """Undo :meth:`connect`. ENOENT if not connected."""
        if self.is_foreign():
            return self.delegate(self.disconnect, (endpoint,))
        self.process_commands()
        self.endpoints.end(endpoint, "disconnect")

    # -- pipes -----------------------------------------------------------------------------

    def make_pipe(self, session, routing_id, metadata, locally_initiated):
        """Make a pipe for a session and attach its near end.

        Returns
        -------
        Pipe or None
            The session's end; None if the pattern refuses this peer.
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
        about = (near, routing_id, metadata, locally_initiated, session.endpoint)
        if crosses:
            near.mailbox = self.mailbox
            far.mailbox = engine.mailbox
            if engine.is_current():
                self.mailbox.post(self.attach_pipe, about)
                return far
        return far if self.attach_pipe(*about) else None

    def conflate(self, near):
        """Keep the last message only (CONFLATE) in a pipe; subscriptions are not messages."""
        near.set_conflate(self.socket_type not in (PUB, XPUB), self.socket_type not in (SUB, XSUB))

    def connect_zap(self, sink, mailbox):
        """A pipe (its end for ``sink``) to the context's ZAP handler; None if there is none."""
        return inproc.connect_zap(self, sink, mailbox)

    def attach_pipe(self, near, routing_id, metadata, locally_initiated, endpoint):
        if near.closed:
            return False
        near.sink = self.pattern
        near.routing_id = routing_id
        near.named = metadata is not None
        near.metadata = metadata
        near.locally_initiated = locally_initiated
        near.endpoint = endpoint
        if self.dead or not self.pattern.attach(near):
            near.terminate()
            return False
        # A new peer has room, and may have brought messages. A receiver that is woken for none
        # looks for them by a turn of the hub, where peers are many.
        self.on_writable()
        if near.check_read():
            self.on_readable()
        return True

    def identify_pipe(self, far, routing_id, metadata):
        """The handshake of a connecting session told who the peer is."""
        far.peer.post_to_owner(self.identify, (far.peer, routing_id, metadata))

    def identify(self, near, routing_id, metadata):
        near.metadata = metadata
        if not near.closed and not near.named:
            near.named = True
            near.routing_id = routing_id
            self.pattern.identified(near)

    def drop_pipe(self, near):
        """Close one peer's pipe from this side; what was written is still delivered in linger."""
        if not near.closed:
            self.pattern.detach(near)
            near.terminate()

    def disconnect_pipe(self, near):
        """Close one peer's pipe as :meth:`drop_pipe`, but keep what has arrived receivable."""
        # A pipe that was made meanwhile is attached first.
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
        """Tell the context if this was the end."""
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

    def stop_monitor(self):
        monitoring = self.monitoring
        self.monitoring = None
        if monitoring is not None:
            monitoring.stop()

    def event(self, kind, value, endpoint):
        """Tell the monitor, if there is one."""
        if self.monitoring is not None:
            self.monitoring.event(kind, value, endpoint)

    # -- end -------------------------------------------------------------------------------

    def stop(self, errno):
        """Every call raises ``errno`` from now on, and whoever waits is woken to do so."""
        if self.closed and errno != ENOTSOCK:
            return  # termination, of a socket that was closed meanwhile
        self.dead = errno
        self.parts_out = None
        self.receivers.notify_all()
        self.senders.notify_all()
        self.notify_pollers()

    def after_fork_child(self):
        """In a forked child: give up all descriptors, and leave the parent's peers alone."""
        self.waiting_thread = 0
        self.closed = True
        self.dead = ENOTSOCK
        self.monitoring = None
        if self.notifier is not None:
            self.notifier.after_fork_child()
        # Those, too, that were to be closed by an I/O thread, which does not run here.
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
            Replaces the LINGER option; -1 is for ever, 0 drops what is unsent.
        waits : bool
            Until its addresses are free, which I/O threads see to. Not in a destructor.
        """
        if self.closed:
            return
        if (
            self.engine is not None
            and not self.engine.thread_ended
            and not self.engine.is_current()
        ):
            # The garbage collector runs in any thread.
            self.engine.callbacks.call(self.close, linger)
            return
        if waits and self.engine is None and self.waiting_thread:
            self.report_misuse()
        if linger is not None and linger >= -1:
            # libzmq refuses other values, and pyzmq does not look.
            self.options.linger = linger
        if not self.dead:
            # Whoever was told of by others is to hear of this end, too.
            self.mailbox.process()
        self.closed = True
        if waits:
            # A destructor may run while the interpreter takes the modules apart.
            LOG.debug("socket %#x: closed, LINGER %d", self.address, self.options.linger)
        self.stop(ENOTSOCK)
        self.parts_in = None
        self.parts_out = None
        frees = bool(self.listeners)
        self.endpoints.close()
        for pipe in list(self.pattern.pipes):
            self.drop_pipe(pipe)
        for session in list(self.sessions):
            session.engine.call(session.stop_if_unattached)
        # Not before the pipes are gone: from here on I/O threads process what they post themselves.
        self.mailbox.close()
        if self.notifier is not None:
            # Its descriptor stays as long as this object or the context: an event loop may still
            # watch it, and its number must not become another file's meanwhile.
            self.context.notifiers.add(self.notifier)
            self.mailbox.notifier = None
            self.notifier.silence()
        self.reap()
        try:
            if frees and waits:
                self.wait_for_io_threads()
        finally:
            # What the listeners told at their end came before.
            self.stop_monitor()
