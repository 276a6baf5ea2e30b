"""The receive path of a socket: take a message from the pattern, or wait for one.

The pattern delivers whole messages. This module splits a message for a user who receives it frame
by frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat._constants import NOBLOCK
from zlinkcompat._runtime.clock import monotonic_ns
from zlinkcompat._runtime.thread_ident import thread_ident
from zlinkcompat.core.state import SocketState
from zlinkcompat.core.thread_check import ThreadCheck
from zlinkcompat.engine.contention import contention
from zlinkcompat.engine.loop import CAN_BUSY_POLL, Backoff, IOLoop
from zlinkcompat.engine.waker import SleeperMailbox, WaitList, waits_in_hub
from zlinkcompat.errors import EAGAIN, RECV_WAITS, zmq_error
from zlinkcompat.routing.pattern import Pattern

if TYPE_CHECKING:
    from zlinkcompat.core.socket import CoreSocket


#: How many times in a row a receiver reads its connections if the reads bring no message for it.
READ_ROUNDS = 4


class Receiver:
    """Receives the messages of one socket.

    Parameters
    ----------
    state : SocketState
        The socket.

    Attributes
    ----------
    more : bool
        Whether the message of the last ``recv_frame`` has further frames.
    is_busy_polling : bool
        Whether busy polling found the last message for which a call had to wait.
    paused_readers : list of Reader
        The connections that the I/O threads do not watch meanwhile.
    """

    def __init__(self, state: CoreSocket) -> None:
        self.state = state
        self.mailbox = state.mailbox
        self.thread_check = state.thread_check
        self.pattern = state.pattern
        self.more = False
        self.parts: Any = None
        self.next_part = 0
        self.read_backoff = Backoff(16)
        self.busy_poll_backoff = Backoff(32)
        self.waiting = WaitList()
        self.is_busy_polling = False
        self.poll_missed_at = 0
        self.paused_readers: list[Any] = []
        self.read_options()

    def read_options(self) -> None:
        """Cache the options that receiving calls need: looking them up by name is slow."""
        self.timeout_ms = self.state.options.rcvtimeo
        self.spin_time = -1
        self.adaptive_poll = True

    # -- whole messages and frames ---------------------------------------------------------

    def recv_frame(self, flags: int) -> Any:
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
        if self.state.loop is None:
            if self.thread_check.waiting_thread:
                self.thread_check.report_misuse(self.state)
        elif self.state.loop.thread != thread_ident():
            return self.state.delegate(self.recv_frame, (flags,))
        if self.mailbox.pending or self.state.dead:
            self.process_commands()
        if self.parts is not None:
            return self.recv_part()
        self.state.operations += 1
        if self.state.operations & 63 == 0:
            self.state.maybe_yield()
        message = self.pattern.recv()
        if message is None:
            message = self.recv_blocking(flags)
        if type(message) is list:
            self.parts = message
            self.next_part = 0
            return self.recv_part()
        self.more = False
        return message

    def recv_message(self, flags: int) -> Any:
        """Receive a message as a list of frames: a whole one, or the unread frames of the last one.

        See :meth:`recv_frame`."""
        if self.state.loop is None:
            if self.thread_check.waiting_thread:
                self.thread_check.report_misuse(self.state)
        elif self.state.loop.thread != thread_ident():
            return self.state.delegate(self.recv_message, (flags,))
        if self.mailbox.pending or self.state.dead:
            self.process_commands()
        if self.parts is not None:
            parts = self.parts[self.next_part :]
            self.drop_parts()
            return parts
        self.state.operations += 1
        if self.state.operations & 63 == 0:
            self.state.maybe_yield()
        message = self.pattern.recv()
        if message is None:
            message = self.recv_blocking(flags)
        self.more = False
        return message if type(message) is list else [message]

    def try_recv_frame(self) -> Any:
        """Do the same as :meth:`recv_frame` with NOBLOCK, but return None instead of raising Again.

        It is only for sockets whose connections are in I/O threads."""
        if self.thread_check.waiting_thread:
            self.thread_check.report_misuse(self.state)
        if self.mailbox.pending or self.state.dead:
            self.process_commands()
        if self.parts is not None:
            return self.recv_part()
        message = self.try_recv()
        if type(message) is list:
            self.parts = message
            self.next_part = 0
            return self.recv_part()
        self.more = False
        return message

    def try_recv_message(self) -> list[Any]:
        """Do the same as :meth:`recv_message` with NOBLOCK, but return None instead of Again.

        It is only for sockets whose connections are in I/O threads."""
        if self.thread_check.waiting_thread:
            self.thread_check.report_misuse(self.state)
        if self.mailbox.pending or self.state.dead:
            self.process_commands()
        if self.parts is not None:
            return self.recv_message(NOBLOCK)
        message = self.try_recv()
        self.more = False
        return message if message is None or type(message) is list else [message]

    def try_recv(self) -> Any:
        message = self.pattern.recv()
        if message is None:
            self.state.io_threads.begin_burst()
            # If an event loop serves the connections, its next iteration reads them anyway.
            message = self.read_now_if_useful(self.state.loop_poller is None)
            if message is None:
                self.resume_io_threads()
                message = self.read_after_posted()
        return message

    def process_commands(self) -> None:
        """Process commands of other threads. Raise if one of them ended the socket.

        If the socket type or its state does not allow receiving, raise that error first, as libzmq
        does. Then no command is processed, and the termination of the context is not noticed."""
        state = self.state
        if not state.dead and self.parts is None and state.context.terminating:
            self.pattern.check_may_receive()
        state.process_commands()

    def recv_part(self) -> bytes:
        """Return the next frame of the message that is being received frame by frame."""
        parts = self.parts
        frame = parts[self.next_part]
        self.next_part += 1
        self.more = self.next_part < len(parts)
        if not self.more:
            self.parts = None
        return frame

    def drop_parts(self) -> None:
        """Drop the frames of a message that the program has not received yet."""
        self.parts = None
        self.more = False

    # -- waiting ---------------------------------------------------------------------------

    def recv_blocking(self, flags: int) -> Any:
        """Get a message when the pattern has none: read the connections, poll, then sleep."""
        state = self.state
        loop = state.loop
        timeout_ms = 0 if flags & NOBLOCK else self.timeout_ms
        began = monotonic_ns()
        spin_time = 0
        worth = self.busy_poll_backoff
        # A program whose calls never wait, or always find a message, never sleeps. So run the hub
        # here, or the other sockets get no I/O.
        yielded = loop.maybe_yield() if loop is not None else state.maybe_yield()
        if yielded:
            message = self.pattern.recv()
            if message is not None:
                return message
        if loop is not None:
            worth = loop.busy_poll_backoff
            loop.flush_before_wait()
            spin_time = self.poll_limit(began)
            if timeout_ms != 0 and loop.may_busy_poll(spin_time):
                message = self.busy_poll(began, spin_time, worth)
            else:
                message = self.read_now_if_useful(timeout_ms == 0)
            if message is not None:
                return message
        elif state.io_threads is not None:
            spin_time = self.poll_limit(began)
            message = self.read_bypassing_io_threads(timeout_ms == 0, began, spin_time)
            if message is not None:
                return message
            self.resume_io_threads()
            if timeout_ms == 0:
                message = self.read_after_posted()
                if message is not None:
                    return message
        if timeout_ms == 0:
            raise zmq_error(EAGAIN, RECV_WAITS)
        while True:
            state.wait(self.waiting, timeout_ms, began, RECV_WAITS)
            message = self.pattern.recv()
            if message is None and state.loop is not None:
                message = self.read_now()
            if message is not None:
                if self.waiting.wakers and self.pattern.has_in():
                    self.waiting.notify()
                if spin_time:
                    now = monotonic_ns()
                    if now - began < spin_time:
                        # The message came so soon that busy polling would have found it.
                        worth.hit()
                    elif self.poll_missed_at > began:
                        contention.note_sleep(self.poll_missed_at, now)
                return message

    def poll_limit(self, now: int) -> int:
        """Return for how many nanoseconds a receiver may busy-poll now. BUSY_POLL limits it."""
        if self.spin_time < 0:
            tuning = self.state.options.tuning
            self.adaptive_poll = tuning.adaptive_poll
            self.spin_time = tuning.spin_time
        if self.adaptive_poll and now < contention.paused_until:
            return 0
        return self.spin_time

    # -- reading the connections in the calling thread -------------------------------------

    def read_bypassing_io_threads(self, needed: bool, began: int, spin_time: int) -> Any:
        """Read the connections in this thread, which saves two switches between threads."""
        self.state.io_threads.begin_burst()
        if (
            spin_time > 0
            and CAN_BUSY_POLL
            and not needed
            and self.busy_poll_backoff.allows()
            and not waits_in_hub()
        ):
            message = self.busy_poll(began, spin_time, self.busy_poll_backoff)
            # If further messages are waiting, this is a flood: the I/O thread fills the queue, and
            # this thread had better empty it than read.
            self.is_busy_polling = message is not None and not self.pattern.has_in()
            return message
        return self.read_now_if_useful(needed)

    def resume_io_threads(self) -> None:
        """Let the I/O threads watch and read the paused connections again."""
        self.is_busy_polling = False
        for connection in list(self.paused_readers):
            connection.loop.call(connection.resume_watcher)

    def read_after_posted(self) -> Any:
        """Read once more after the I/O threads had work, because it may have brought an answer."""
        if not self.run_posted():
            return None
        message = self.pattern.recv()
        return self.read_now() if message is None else message

    def run_posted(self) -> bool:
        """See :meth:`IoThreads.run_posted`. An event loop cannot run during this call."""
        if self.state.loop_poller is not None or not self.state.io_threads.run_posted():
            return False
        if self.mailbox.pending:
            self.mailbox.process()
        return True

    def read_now_if_useful(self, needed: bool) -> Any:
        """Read the connections before sleeping, unless such reads have brought nothing recently.

        Without this read the hub reads the connections anyway, so a lone message costs one read
        instead of two."""
        if not needed and not self.read_backoff.allows():
            return None
        message = self.read_now()
        if message is not None:
            self.read_backoff.hit()
        elif not needed:
            self.read_backoff.miss()
        return message

    def read_now(self) -> Any:
        """Read the connections in this greenlet or, if there are many, by running the hub once.

        Return a message, or None if the reads brought none for this socket. After None, the hub
        must run before there is more to read."""
        for _ in range(READ_ROUNDS):
            produced = self.produce()
            if produced == 0:
                return None
            message = self.pattern.recv()
            if message is not None or produced < 0:
                return message
        return None

    def produce(self) -> int:
        """Read the connections once or, if there are many, run the hub once.

        Returns
        -------
        int
            0: nothing was read. 1: something was read, and there may be more. -1: the hub ran.
        """
        produced = self.pattern.try_read_peers()
        if produced == 0:
            return 0
        if produced < 0:
            if self.state.loop is None:
                return 0
            self.state.loop.run_loop_once()
        if self.mailbox.pending:
            self.mailbox.process()
        return produced

    def busy_poll(self, began: int, spin_time: int, worth: Backoff) -> Any:
        """Read the connections repeatedly for ``spin_time`` ns, if there are only a few.

        Return a message, or None."""
        now = monotonic_ns()
        while now - began < spin_time:
            produced = self.pattern.try_read_peers()
            if produced < 0:
                return None
            if produced > 0:
                if self.mailbox.pending:
                    self.mailbox.process()
                message = self.pattern.recv()
                if message is not None:
                    worth.hit()
                    contention.prompt_arrivals = 0
                    return message
            now = monotonic_ns()
        worth.miss()
        self.poll_missed_at = now
        return None

    # -- readiness -------------------------------------------------------------------------

    def can_receive(self) -> bool:
        """Tell whether a receiving call would return without waiting."""
        if self.parts is not None or self.pattern.has_in():
            return True
        state = self.state
        if state.loop is not None:
            state.loop.flush_before_wait()
            return self.read_until_readable()
        if state.io_threads is None:
            return False
        state.io_threads.begin_burst()
        self.resume_io_threads()
        if self.read_until_readable():
            return True
        return self.run_posted() and (self.pattern.has_in() or self.read_until_readable())

    def read_until_readable(self) -> bool:
        """Read the connections until the socket has a message. Return whether it has one."""
        for _ in range(READ_ROUNDS):
            produced = self.produce()
            if produced == 0:
                return False
            if self.pattern.has_in():
                return True
            if produced < 0:
                return False
        return False
