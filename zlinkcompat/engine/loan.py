"""A loan: the event loop whose coroutines use a socket serves the connection (loop_poller.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat.engine.loop import IOLoop
from zlinkcompat.engine.loop_poller import READABLE, WRITABLE, LoopPoller
from zlinkcompat.transports.bytestream import ByteStream

if TYPE_CHECKING:
    from zlinkcompat.engine.connection import Connection


class Loan:
    """The state of a loan: which event loop serves the connection, and the events it watches.

    Parameters
    ----------
    loop : IOLoop
        The loop of the I/O thread that owns the connection.
    stream : ByteStream

    Attributes
    ----------
    poller : LoopPoller or None
        The poller that serves the connection in an event loop; None while it is not lent.
    """

    def __init__(self, loop: Any, stream: Any) -> None:
        self.loop = loop
        self.stream = stream
        self.poller: LoopPoller = None
        self.mask = 0

    def begin(self, connection: Connection, poller: Any, reads: Any) -> None:
        """Lend ``connection``. ``reads``: whether the loop has to watch it for input."""
        self.loop.watchdog.add(poller, connection)
        self.poller = poller
        self.change(READABLE if reads else 0)

    def watch_input(self) -> None:
        self.change(self.mask | READABLE)

    def ignore_input(self) -> None:
        self.change(self.mask & ~READABLE)

    def watch_output(self) -> None:
        self.change(self.mask | WRITABLE)

    def take_output_event(self) -> Any:
        """Stop watching for output. Return whether the loop was watching for it."""
        if not self.mask & WRITABLE:
            return False
        self.change(self.mask & ~WRITABLE)
        return True

    def ignore_all(self) -> None:
        self.change(0)

    def change(self, mask: Any) -> None:
        poller = self.poller
        if poller is None:
            return
        before = self.mask
        self.mask = mask
        poller.watch(self.stream.fd, before, mask)

    def end(self, connection: Connection) -> bool:
        """Take ``connection`` back if it is lent. Return whether it was waiting to write."""
        poller = self.poller
        if poller is None:
            return False
        before = self.mask
        self.mask = 0
        self.poller = None
        poller.watch(self.stream.fd, before, 0)
        poller.remove(self.stream.fd)
        self.loop.watchdog.remove(poller, connection)
        return bool(before & WRITABLE)
