"""PAIR: messages in both directions between two peers (RFC 31)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat.routing.log import UNFINISHED, lost, who
from zlinkcompat.routing.pattern import Pattern

if TYPE_CHECKING:
    from zlinkcompat.core.options import Options
    from zlinkcompat.core.socket import CoreSocket
    from zlinkcompat.routing.pipe import Pipe


class Pair(Pattern):
    """Exclusive pair, which rejects a second peer while it has one."""

    def __init__(self, owner: CoreSocket, options: Options) -> None:
        Pattern.__init__(self, owner, options)
        self.pipe: Pipe = None

    def attach(self, pipe: Pipe) -> bool:
        # A peer that left counts as the peer until its last message is read. Check whether it was.
        self.has_in()
        if self.pipe is not None:
            self.warn(pipe, "%s: refused: this PAIR has a peer", who(pipe))
            return False
        self.pipe = pipe
        return Pattern.attach(self, pipe)

    def detach(self, pipe: Pipe) -> None:
        if self.pipe is pipe:
            self.pipe = None
        Pattern.detach(self, pipe)

    def send(self, message: Any) -> bool:
        pipe = self.pipe
        if pipe is None:
            return False
        if pipe.send(message):
            return True
        pipe.watch_full()
        return False

    def finish(self, message: Any) -> None:
        pipe = self.pipe
        if pipe is None or pipe.peer_closed:
            self.totals.count_dropped("unroutable")
            lost(UNFINISHED)
            return
        pipe.write_unbounded(message)
        pipe.flush()

    def recv(self) -> Any:
        pipe = self.pipe
        if pipe is None:
            return None
        message = pipe.read()
        if message is not None:
            self.last_pipe = pipe
        elif pipe.peer_closed:
            self.drained(pipe)
        return message

    def has_in(self) -> bool:
        pipe = self.pipe
        if pipe is None:
            return False
        if pipe.check_read():
            return True
        if pipe.peer_closed:
            self.drained(pipe)
        return False

    def has_out(self) -> bool:
        return self.pipe is not None and self.pipe.check_write()
