"""Fair queueing: receive in turn from all pipes that have messages.

Source: libzmq ``src/fq.cpp``; RFC 28 and 30.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat.routing.active_pipes import ActivePipes

if TYPE_CHECKING:
    from zlinkcompat.routing.pattern import Pattern
    from zlinkcompat.routing.pipe import Pipe


class FairQueue(ActivePipes):
    """The inbound pipes of a pattern; the active ones may have messages.

    Parameters
    ----------
    pattern : Pattern
        Its ``drained`` is called after the last message of a peer that has left was read.
    """

    def __init__(self, pattern: Pattern) -> None:
        ActivePipes.__init__(self)
        self.pattern = pattern

    def attach(self, pipe: Pipe) -> None:
        self.add(pipe)
        # As in libzmq, the pipe is active at once, and becomes passive if it has no message.
        self.activated(pipe)
        pipe.check_read()

    def read(self) -> Any:
        """Return the next message and set :attr:`last` to its pipe; None if there is none."""
        while self.active > 0:
            pipe = self.pipes[self.current]
            message = pipe.read()
            if message is not None:
                if self.last is not pipe:
                    self.last = pipe
                self.current += 1
                if self.current >= self.active:
                    self.current = 0
                return message
            self.passivate(self.current)
            if pipe.peer_closed:
                self.pattern.drained(pipe)
        return None

    def count(self) -> int:
        """Return the number of waiting messages."""
        waiting = 0
        for index in range(self.active):
            pipe = self.pipes[index]
            waiting += pipe.inq.tail - pipe.inq.head
        return waiting

    def has_in(self) -> bool:
        """Tell whether :meth:`read` would return a message."""
        while self.active > 0:
            pipe = self.pipes[self.current]
            if pipe.check_read():
                return True
            self.passivate(self.current)
            if pipe.peer_closed:
                self.pattern.drained(pipe)
        return False
