"""Load balancing: send in turn to all pipes that have room.

Source: libzmq ``src/lb.cpp``; RFC 28 and 30.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat.routing.active_pipes import ActivePipes

if TYPE_CHECKING:
    from zlinkcompat.routing.pipe import Pipe


class LoadBalancer(ActivePipes):
    """The outbound pipes of a pattern; the active ones may have room."""

    def attach(self, pipe: Pipe) -> None:
        self.add(pipe)
        self.activated(pipe)

    def write(self, message: Any) -> bool:
        """Send ``message`` to the next pipe with room, and set :attr:`last`.

        False if all are full."""
        while self.active > 0:
            slot = self.current
            pipe = self.pipes[slot]
            # Advance before waking the reader, because waking it may end this pipe.
            self.current = slot + 1 if slot + 1 < self.active else 0
            if self.last is not pipe:
                self.last = pipe
            if pipe.send(message):
                return True
            self.current = slot
            self.passivate(slot)
            pipe.watch_full()
        return False

    def finish(self, message: Any) -> bool:
        """Send a message that was begun while a pipe had room. False if all peers have left.

        If SNDHWM was lowered after the message was begun, the message exceeds it."""
        if self.write(message):
            return True
        for pipe in self.pipes:
            if not pipe.peer_closed:
                pipe.write_unbounded(message)
                self.last = pipe
                pipe.flush()
                return True
        return False

    def has_out(self) -> bool:
        """Tell whether :meth:`write` would accept a message."""
        while self.active > 0:
            pipe = self.pipes[self.current]
            if pipe.check_write():
                return True
            self.passivate(self.current)
        return False
