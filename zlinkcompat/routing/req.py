"""REQ: one request, one reply, in lockstep (RFC 28)."""

from __future__ import annotations

import random
from struct import pack
from typing import TYPE_CHECKING, Any

from zlinkcompat._constants import REQ_CORRELATE, REQ_RELAXED
from zlinkcompat.errors import EFSM, REQ_RECEIVES, REQ_SENDS, zmq_error
from zlinkcompat.routing.dealer import Dealer
from zlinkcompat.routing.log import UNFINISHED, dropped, lost
from zlinkcompat.routing.option_values import boolean
from zlinkcompat.routing.pattern import SKIP_BURST

if TYPE_CHECKING:
    from zlinkcompat.core.options import Options
    from zlinkcompat.core.socket import CoreSocket
    from zlinkcompat.routing.pipe import Pipe


class Req(Dealer):
    """A client. REQ_RELAXED allows a new request before the reply; REQ_CORRELATE numbers requests.

    On the wire a request consists of an optional number, an empty frame, and the user's frames.
    """

    def __init__(self, owner: CoreSocket, options: Options) -> None:
        Dealer.__init__(self, owner, options)
        self.awaits_reply = False
        self.reply_pipe: Pipe = None
        self.reply: Any = None
        self.correlate = False
        self.relaxed = False
        self.request_number = random.getrandbits(32)

    def read_activated(self, pipe: Pipe) -> None:
        self.queue.activated(pipe)
        # Check the reply now instead of in recv(). Then a peer that breaks the rules is noticed
        # even if nobody receives.
        if not self.awaits_reply or self.has_in():
            self.owner.on_readable()

    def begin(self, frame: bytes) -> bool:
        if self.awaits_reply and not self.relaxed:
            raise zmq_error(EFSM, REQ_SENDS)
        return self.balancer.has_out()

    def send(self, message: Any) -> bool:
        if self.awaits_reply and not self.relaxed:
            raise zmq_error(EFSM, REQ_SENDS)
        return self.request(message, False)

    def finish(self, message: Any) -> None:
        self.request(message, True)

    def request(self, message: Any, begun: bool) -> bool:
        """Send a request. A ``begun`` request counts as sent even if its peer has left."""
        # Make the list in its final size: append() would allocate its memory again.
        envelope = [b"", *message] if type(message) is list else [b"", message]
        if self.correlate:
            envelope.insert(0, pack(">I", (self.request_number + 1) & 0xFFFFFFFF))
        # Drop replies to earlier requests.
        if self.reply is not None:
            self.reply = None
            self.totals.count_dropped("protocol")
        waiting = self.queue.count()
        while waiting > 0:
            if self.queue.read() is not None:
                self.queue.last.count_dropped("protocol")
            waiting -= 1
        taken = self.balancer.finish(envelope) if begun else self.balancer.write(envelope)
        if not taken:
            if not begun:
                return False
            self.totals.count_dropped("unroutable")
            lost(UNFINISHED)
        if self.correlate:
            self.request_number = (self.request_number + 1) & 0xFFFFFFFF
        self.reply_pipe = self.balancer.last if taken else None
        self.awaits_reply = True
        return True

    def check_may_receive(self) -> None:
        if not self.awaits_reply:
            raise zmq_error(EFSM, REQ_RECEIVES)

    def recv(self) -> Any:
        if not self.awaits_reply:
            self.check_may_receive()
        if not self.has_in():
            return None
        message = self.reply
        self.reply = None
        self.awaits_reply = False
        return message

    def has_in(self) -> bool:
        if not self.awaits_reply:
            return False
        skipped = 0
        while self.reply is None:
            message = self.queue.read()
            if message is None:
                return False
            self.accept_reply(message, self.queue.last)
            skipped += 1
            if self.reply is None and skipped >= SKIP_BURST:
                self.owner.schedule_read()
                return False
        return True

    def accept_reply(self, message: Any, pipe: Pipe) -> None:
        """Keep ``message`` if it is the expected reply. As in libzmq, drop other replies.

        A peer is disconnected if its message does not have the form of a reply."""
        parts = message if type(message) is list else [message]
        # A request number has 4 bytes.
        start = 1 if len(parts[0]) == 4 else 0
        if len(parts) < start + 2 or len(parts[start]) != 0:
            pipe.count_dropped("protocol")
            pipe.report_violation("a reply without an empty frame before its body")
            return
        if (
            (self.reply_pipe is not None and pipe is not self.reply_pipe)
            or start != int(self.correlate)
            or (start and parts[0] != pack(">I", self.request_number))
        ):
            pipe.count_dropped("protocol")
            dropped(pipe, "a reply to no request, or to one that was given up")
            return
        self.last_pipe = pipe
        self.reply = parts[start + 1] if len(parts) == start + 2 else parts[start + 1 :]

    def has_out(self) -> bool:
        if self.awaits_reply and not self.relaxed:
            return False
        return self.balancer.has_out()

    def disconnect(self, pipe: Pipe) -> None:
        # As in libzmq, the reply is lost when the user disconnects from the server.
        self.detach(pipe)
        pipe.terminate()

    def detach(self, pipe: Pipe) -> None:
        if self.reply_pipe is pipe:
            self.reply_pipe = None
            if not pipe.peer_closed and self.reply is not None:
                # The user disconnected from the server, which drops its unread reply.
                self.reply = None
                pipe.count_dropped("unread")
        Dealer.detach(self, pipe)

    def count_in_hand(self) -> int:
        return int(self.reply is not None)

    def set_option(self, option: int, value: Any) -> bool:
        if option == REQ_CORRELATE:
            self.correlate = boolean(value)
            return True
        if option == REQ_RELAXED:
            self.relaxed = boolean(value)
            return True
        return Dealer.set_option(self, option, value)
