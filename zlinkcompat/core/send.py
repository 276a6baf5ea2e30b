"""The send path of a socket: hand a message to the pattern, or wait until the pattern has room.

The pattern takes whole messages. This module assembles the frames that the user sends one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from greenlet import getcurrent

from zlinkcompat._constants import NOBLOCK, PUB, REP, REQ, SNDMORE, XPUB
from zlinkcompat._runtime.clock import monotonic_ns
from zlinkcompat._runtime.thread_ident import thread_ident
from zlinkcompat.core.receive import Receiver
from zlinkcompat.core.state import SocketState
from zlinkcompat.core.thread_check import ThreadCheck
from zlinkcompat.engine.loop import IOLoop
from zlinkcompat.engine.waker import SleeperMailbox, WaitList
from zlinkcompat.errors import EFSM, SEND_WAITS, UNREAD_FRAMES, zmq_error
from zlinkcompat.routing.pattern import Pattern

if TYPE_CHECKING:
    from zlinkcompat.core.socket import CoreSocket


#: The longest time in ns for which one ``send()`` of a publisher waits until the I/O threads have
#: passed on subscriptions that have arrived.
SUBSCRIPTION_WAIT_NS = 50_000_000

#: Nanoseconds between two reads of pending subscriptions while the hub does not run.
SUBSCRIPTIONS_INTERVAL = 100_000


class Sender:
    """Sends the messages of one socket.

    Parameters
    ----------
    state : SocketState
        The socket.
    receiver : Receiver
        The receiver of the same socket. A REQ or REP must receive all frames of a message before
        it sends the next one.
    """

    def __init__(self, state: CoreSocket, receiver: Receiver) -> None:
        self.state = state
        self.receiver = receiver
        self.mailbox = state.mailbox
        self.thread_check = state.thread_check
        self.pattern = state.pattern
        self.publishes = state.socket_type in (PUB, XPUB)
        self.lockstep = state.socket_type in (REQ, REP)
        self.parts: Any = None
        self.parts_from = None
        self.subscriptions_read_at = 0
        self.next_subscription_wait = 0
        self.waiting = WaitList()
        self.read_options()

    def read_options(self) -> None:
        """Cache the option that a sending call needs, because looking it up by name is slow."""
        self.timeout_ms = self.state.options.sndtimeo

    # -- whole messages and frames ---------------------------------------------------------

    def send_frame(self, frame: Any, flags: int) -> None:
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
        if self.state.loop is None:
            if self.thread_check.waiting_thread:
                self.thread_check.report_misuse(self.state)
        elif self.state.loop.thread != thread_ident():
            self.state.delegate(self.send_frame, (frame, flags))
            return
        if self.mailbox.pending or self.state.dead:
            self.state.process_commands()
        if self.lockstep and self.receiver.parts is not None:
            self.require_complete_message()
        if flags & SNDMORE or self.parts is not None:
            self.send_part(frame, flags)
            return
        self.state.operations += 1
        if self.state.operations & 63 == 0:
            self.state.maybe_yield()
        if self.publishes:
            self.read_pending_subscriptions()
        if not self.pattern.send(frame):
            self.send_blocking(frame, flags)

    def send_message(self, frames: list[Any], flags: int) -> None:
        """Send a list of frames as one message, all or nothing. See :meth:`send_frame`."""
        if self.state.loop is None:
            if self.thread_check.waiting_thread:
                self.thread_check.report_misuse(self.state)
        elif self.state.loop.thread != thread_ident():
            self.state.delegate(self.send_message, (frames, flags))
            return
        if self.mailbox.pending or self.state.dead:
            self.state.process_commands()
        if self.lockstep and self.receiver.parts is not None:
            self.require_complete_message()
        if flags & SNDMORE or self.parts is not None:
            for frame in frames[:-1]:
                self.send_part(frame, flags | SNDMORE)
            self.send_part(frames[-1], flags)
            return
        self.state.operations += 1
        if self.state.operations & 63 == 0:
            self.state.maybe_yield()
        if self.publishes:
            self.read_pending_subscriptions()
        message = frames if len(frames) != 1 else frames[0]
        if not self.pattern.send(message):
            self.send_blocking(message, flags)

    def require_complete_message(self) -> None:
        """Raise EFSM if a received message has unread frames.

        A REP must receive all frames of a request before it replies. A REQ must receive all frames
        of a reply before its next request, unless REQ_RELAXED is set."""
        if not getattr(self.pattern, "relaxed", False):
            raise zmq_error(EFSM, UNREAD_FRAMES)

    def send_part(self, frame: bytes, flags: int) -> None:
        """Send a frame of a message that is sent frame by frame.

        The first frame waits for room or fails. Later frames never wait. If a call fails for any
        reason, the socket drops the frames of this message, so the next frame begins a new one.

        As in libzmq, a socket has at most one unfinished message, no matter which greenlet sends
        its frames. If several greenlets send frames, all frames go into this message in order, and
        the misuse is reported once.

        Source: libzmq ``src/lb.cpp``, ``src/router.cpp``, ``src/xpub.cpp``."""
        parts = self.parts
        try:
            if parts is None:
                self.state.operations += 1
                if self.state.operations & 63 == 0:
                    self.state.maybe_yield()
                if self.publishes:
                    self.read_pending_subscriptions()
                if self.parts is None and not self.pattern.begin(frame):
                    self.begin_blocking(frame, flags)
                # While this greenlet waited, another one may have begun a message.
                parts = self.parts
                if parts is None:
                    parts = self.parts = []
                    self.parts_from = getcurrent()
            if self.parts_from is not getcurrent():
                self.thread_check.report_mixing(self.state)
            parts.append(frame)
            if flags & SNDMORE and len(parts) != self.pattern.parts_limit:
                return
            self.parts = None
            self.parts_from = None
            self.pattern.finish(parts)
        except BaseException:
            if self.parts is parts:
                self.parts = None
            raise
        finally:
            if self.parts is None:
                self.wake_next()

    def drop_parts(self) -> None:
        """Drop the frames of an unfinished message."""
        self.parts = None

    # -- subscriptions before a message ----------------------------------------------------

    def read_pending_subscriptions(self) -> None:
        """Read the connections before the first message of a burst.

        So a subscription that has arrived applies to this message, as in libzmq, even if the hub
        has not run since the subscription arrived.

        Each connection is read at most once per :data:`SUBSCRIPTIONS_INTERVAL`. Otherwise a
        publisher would make a system call per message while a subscriber reads nothing."""
        state = self.state
        if state.loop is not None and not state.loop.is_flush_scheduled:
            now = monotonic_ns()
            if now - self.subscriptions_read_at > SUBSCRIPTIONS_INTERVAL:
                self.subscriptions_read_at = now
                self.pattern.read_all_peers()
        elif self.pattern.has_late_subscriptions:
            self.await_late_subscriptions()

    def await_late_subscriptions(self) -> None:
        """Wait until the I/O threads have passed on the subscriptions for which a pipe had no room.

        One wait takes at most 50 ms, and all waits together take at most a tenth of the time. So a
        peer that subscribes continuously does not stop the publisher."""
        began = monotonic_ns()
        if began < self.next_subscription_wait:
            return
        spent = 0
        while self.pattern.has_late_subscriptions and spent < SUBSCRIPTION_WAIT_NS:
            self.pattern.has_late_subscriptions = False
            # In the first loop iteration the pipe gets room again. In the second one the I/O
            # thread reads more subscriptions.
            self.state.io_threads.wait_until_processed(2)
            self.state.process_mailbox()
            spent = monotonic_ns() - began
        self.next_subscription_wait = began + 10 * spent

    # -- waiting ---------------------------------------------------------------------------

    def send_blocking(self, message: Any, flags: int) -> None:
        """Send a message for which the pattern has no room: flush, then wait within SNDTIMEO."""
        timeout_ms = 0 if flags & NOBLOCK else self.timeout_ms
        began = monotonic_ns()
        if self.state.loop is not None:
            self.state.loop.flush()
            if self.pattern.send(message):
                return
        while True:
            self.state.wait(self.waiting, timeout_ms, began, SEND_WAITS)
            if self.pattern.send(message):
                self.wake_next()
                return

    def begin_blocking(self, frame: bytes, flags: int) -> None:
        """Wait for room for a message that starts with ``frame``, within SNDTIMEO."""
        timeout_ms = 0 if flags & NOBLOCK else self.timeout_ms
        began = monotonic_ns()
        if self.state.loop is not None:
            self.state.loop.flush()
        while self.parts is None and not self.pattern.begin(frame):
            self.state.wait(self.waiting, timeout_ms, began, SEND_WAITS)

    def wake_next(self) -> None:
        """Wake another sender if there is still room. One wake-up can mean room for several."""
        if self.waiting.wakers and self.pattern.has_out():
            self.waiting.notify()

    def can_send(self) -> bool:
        """Tell whether a sending call would return without waiting."""
        return self.parts is not None or self.pattern.has_out()
