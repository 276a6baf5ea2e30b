"""Proxies: they forward messages between two sockets in both directions.

Source: libzmq ``zmq_proxy(3)``, ``zmq_proxy_steerable(3)``; pyzmq ``monitored_queue``.
"""

from __future__ import annotations

from struct import pack
from typing import TYPE_CHECKING, Any

from zlinkcompat._constants import NOBLOCK, POLLIN, POLLOUT, ROUTER
from zlinkcompat.core.poll import poll
from zlinkcompat.errors import EAGAIN, ENOTSUP

if TYPE_CHECKING:
    from zlinkcompat.core.socket import CoreSocket


#: How many messages one direction may forward before the other direction runs.
BURST = 1000


class Direction:
    """One direction of a proxy.

    Parameters
    ----------
    source, sink : CoreSocket
    capture : CoreSocket or None
        It gets a copy of each message.
    prefix : bytes or None
        The first frame of each copy.
    swaps_ids : bool
        Swap the first two frames: between two ROUTERs the second frame is the receiver's id.
    """

    def __init__(
        self,
        source: CoreSocket,
        sink: CoreSocket,
        capture: CoreSocket | None,
        prefix: bytes | None = None,
        swaps_ids: bool = False,
    ) -> None:
        self.source = source
        self.sink = sink
        self.capture = capture
        self.prefix = prefix
        self.swaps_ids = swaps_ids
        self.blocked = False
        self.unsent: Any = None
        self.frames = 0
        self.octets = 0

    def awaits(self) -> tuple[CoreSocket, int]:
        """Return the socket and the event to poll for: input, or room in a full sink."""
        return (self.sink, POLLOUT) if self.blocked else (self.source, POLLIN)

    def forward(self) -> None:
        """Forward the available messages while the sink has room."""
        if self.unsent is not None and not self.send(self.unsent):
            return
        for _ in range(BURST):
            # A REP or REQ that is both source and sink may be unable to send before it receives.
            self.blocked = self.sink is not self.source and not self.sink.events(POLLOUT)
            if self.blocked:
                return
            try:
                frames = self.source.receiver.recv_message(NOBLOCK)
            except Exception as error:  # pyzmq's Again, which this layer does not import
                if getattr(error, "errno", None) != EAGAIN:
                    raise
                return
            self.frames += len(frames)
            for frame in frames:
                self.octets += len(frame)
            if self.swaps_ids and len(frames) > 1:
                frames[0], frames[1] = frames[1], frames[0]
            if self.capture is not None:
                prefix = [] if self.prefix is None else [self.prefix]
                self.capture.sender.send_message(prefix + frames, 0)
            if not self.send(frames):
                return

    def send(self, frames: list[Any]) -> bool:
        """Send a message, or keep it until the sink has room. Return whether it was sent.

        The sink had room before, but its peer may have left while the message was received or
        copied. Waiting here would stop the other direction and the control socket."""
        self.unsent = None
        self.blocked = False
        try:
            self.sink.sender.send_message(frames, NOBLOCK)
        except Exception as error:  # pyzmq's Again, which this layer does not import
            if getattr(error, "errno", None) != EAGAIN:
                raise
            self.unsent = frames
            self.blocked = True
        return not self.blocked

    def counted(self) -> tuple[int, int]:
        """Return how many frames and bytes were forwarded in this direction."""
        return self.frames, self.octets


def run(directions: list[Direction], control: CoreSocket | None = None) -> None:
    """Run a proxy until the command TERMINATE. Raises when a socket or its context ends."""
    paused = False
    while True:
        items = [] if paused else [direction.awaits() for direction in directions]
        if control is not None:
            items.append((control, POLLIN))
        ready = poll(items, -1)
        if control is not None and ready.pop():
            command = b"".join(map(bytes, control.receiver.recv_message(NOBLOCK)))
            if command == b"STATISTICS":
                control.sender.send_message(statistics(directions[0], directions[-1]), 0)
                continue
            if command == b"PAUSE":
                paused = True
            elif command == b"RESUME":
                paused = False
            acknowledge(control)
            if command == b"TERMINATE":
                return
        for direction, events in zip(directions, ready, strict=False):
            if events:
                direction.forward()


def acknowledge(control: CoreSocket) -> None:
    """Reply to a command, as libzmq 4.3.5 does for every type of control socket.

    If the control socket cannot send, skip the reply; libzmq's proxy would end or hang."""
    try:
        control.sender.send_frame(b"", NOBLOCK)
    except Exception as error:  # pyzmq's, which this layer does not import
        if getattr(error, "errno", None) not in (EAGAIN, ENOTSUP):
            raise


def statistics(forth: Direction, back: Direction) -> list[Any]:
    """Return the reply to STATISTICS: eight counts (``zmq_proxy_steerable(3)``).

    They are the frames and bytes that the frontend received and sent, then the backend's."""
    there, here = forth.counted(), back.counted()
    return [pack("=Q", number) for number in (*there, *here, *here, *there)]


def proxy(
    frontend: CoreSocket,
    backend: CoreSocket,
    capture: CoreSocket | None = None,
    control: CoreSocket | None = None,
) -> None:
    """Run zmq_proxy_steerable(3).

    It returns only on TERMINATE, and raises what the sockets raise."""
    forth = Direction(frontend, backend, capture)
    back = Direction(backend, frontend, capture)
    run([forth, back] if backend is not frontend else [forth], control)


def monitored_queue(
    incoming: CoreSocket,
    outgoing: CoreSocket,
    monitor: CoreSocket,
    in_prefix: bytes,
    out_prefix: bytes,
) -> None:
    """Run a proxy that copies messages to ``monitor``, with the direction as their first frame."""
    swaps = incoming.socket_type == ROUTER and outgoing.socket_type == ROUTER
    run(
        [
            Direction(incoming, outgoing, monitor, in_prefix, swaps),
            Direction(outgoing, incoming, monitor, out_prefix, swaps),
        ]
    )
