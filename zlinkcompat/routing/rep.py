"""REP: one reply to each request, in lockstep (RFC 28)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat.errors import EFSM, REP_RECEIVES, REP_SENDS, zmq_error
from zlinkcompat.routing.log import dropped
from zlinkcompat.routing.pattern import SKIP_BURST
from zlinkcompat.routing.pull import Pull

if TYPE_CHECKING:
    from zlinkcompat.core.options import Options
    from zlinkcompat.core.socket import CoreSocket
    from zlinkcompat.routing.pipe import Pipe


class Rep(Pull):
    """A server, which keeps the envelope of a request for the reply.

    A request without an empty frame is malformed and is dropped. A reply is dropped if its peer is
    gone or does not read.
    """

    def __init__(self, owner: CoreSocket, options: Options) -> None:
        Pull.__init__(self, owner, options)
        self.request: Any = None
        self.request_pipe: Pipe = None
        self.envelope: Any = None
        self.sends_reply = False

    def check_may_receive(self) -> None:
        if self.sends_reply:
            raise zmq_error(EFSM, REP_RECEIVES)

    def recv(self) -> Any:
        if self.sends_reply:
            self.check_may_receive()
        if not self.has_in():
            return None
        message = self.request
        self.request = None
        self.last_pipe = self.request_pipe
        self.sends_reply = True
        return message

    def has_in(self) -> bool:
        if self.sends_reply:
            return False
        skipped = 0
        while self.request is None:
            message = self.queue.read()
            if message is None:
                return False
            if type(message) is list:
                self.open_envelope(message)
            if self.request is None:
                self.queue.last.count_dropped("protocol")
                dropped(self.queue.last, "a request without an empty frame before its body")
                skipped += 1
                if skipped >= SKIP_BURST:
                    self.owner.schedule_read()
                    return False
        return True

    def open_envelope(self, parts: list[Any]) -> None:
        count = len(parts)
        for index in range(count - 1):
            if len(parts[index]) == 0:
                self.request_pipe = self.queue.last
                self.envelope = parts[: index + 1]
                self.request = parts[index + 1] if index + 2 == count else parts[index + 1 :]
                return

    def begin(self, frame: bytes) -> bool:
        if not self.sends_reply:
            raise zmq_error(EFSM, REP_SENDS)
        return True

    def send(self, message: Any) -> bool:
        if not self.sends_reply:
            raise zmq_error(EFSM, REP_SENDS)
        self.sends_reply = False
        reply = self.envelope
        self.envelope = None
        if type(message) is list:
            reply.extend(message)
        else:
            reply.append(message)
        pipe = self.request_pipe
        if pipe is None:
            self.totals.count_dropped("unroutable")
        else:
            if not pipe.send(reply):
                pipe.count_refused()
                dropped(pipe, "a reply; the peer is gone, or does not read")
        return True

    def count_in_hand(self) -> int:
        return int(self.request is not None)

    def has_out(self) -> bool:
        return self.sends_reply

    def detach(self, pipe: Pipe) -> None:
        if self.request_pipe is pipe:
            self.request_pipe = None
        Pull.detach(self, pipe)
