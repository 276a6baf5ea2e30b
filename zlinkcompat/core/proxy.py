"""Proxies: messages from one socket to another, both ways, for ever.

Source: libzmq ``zmq_proxy(3)``, ``zmq_proxy_steerable(3)``; pyzmq ``monitored_queue``.
"""

from struct import pack

from zlinkcompat._constants import NOBLOCK, POLLIN, POLLOUT, ROUTER
from zlinkcompat.core.poll import poll
from zlinkcompat.errors import EAGAIN, ENOTSUP

#: Messages that one direction may pass before the other has its turn.
BURST = 1000


class Direction:
    """One way through a proxy.

    Parameters
    ----------
    source, sink : CoreSocket
    capture : CoreSocket or None
        Gets a copy of each message.
    prefix : bytes or None
        First frame of each copy.
    swaps_ids : bool
        Swap the first two frames: between two ROUTERs the second is the id of the addressee.
    """

    def __init__(self, source, sink, capture, prefix=None, swaps_ids=False):
        self.source = source
        self.sink = sink
        self.capture = capture
        self.prefix = prefix
        self.swaps_ids = swaps_ids
        self.blocked = False
        self.frames = 0
        self.octets = 0

    def awaits(self):
        """What to poll for: input, or room while there was input but none."""
        return (self.sink, POLLOUT) if self.blocked else (self.source, POLLIN)

    def forward(self):
        """Pass on what is there, while there is room."""
        for _ in range(BURST):
            # A socket that answers itself may not be able to send before it received.
            self.blocked = self.sink is not self.source and not self.sink.events(POLLOUT)
            if self.blocked:
                return
            try:
                frames = self.source.recv_message(NOBLOCK)
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
                self.capture.send_message(prefix + frames, 0)
            self.sink.send_message(frames, 0)

    def counted(self):
        """Frames and bytes that went this way."""
        return self.frames, self.octets


def run(directions, control=None):
    """Proxy until a socket is closed or its context terminated (raises), or TERMINATE comes."""
    paused = False
    while True:
        items = [] if paused else [direction.awaits() for direction in directions]
        if control is not None:
            items.append((control, POLLIN))
        ready = poll(items, -1)
        if control is not None and ready.pop():
            command = b"".join(map(bytes, control.recv_message(NOBLOCK)))
            if command == b"STATISTICS":
                control.send_message(statistics(directions[0], directions[-1]), 0)
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


def acknowledge(control):
    """libzmq 4.3.5 answers each command, whatever the type of the control socket is.

    One that cannot send, or whose peer has gone, goes without, where libzmq ends or hangs."""
    try:
        control.send_frame(b"", NOBLOCK)
    except Exception as error:  # pyzmq's, which this layer does not import
        if getattr(error, "errno", None) not in (EAGAIN, ENOTSUP):
            raise


def statistics(forth, back):
    """Frontend received and sent, backend received and sent: frames and bytes of each."""
    there, here = forth.counted(), back.counted()
    return [pack("=Q", number) for number in (*there, *here, *here, *there)]


def proxy(frontend, backend, capture=None, control=None):
    """zmq_proxy_steerable(3); returns only on TERMINATE, raises as the sockets do."""
    forth = Direction(frontend, backend, capture)
    back = Direction(backend, frontend, capture)
    run([forth, back] if backend is not frontend else [forth], control)


def monitored_queue(incoming, outgoing, monitor, in_prefix, out_prefix):
    """A proxy whose copies tell by their first frame which way a message went."""
    swaps = incoming.socket_type == ROUTER and outgoing.socket_type == ROUTER
    run(
        [
            Direction(incoming, outgoing, monitor, in_prefix, swaps),
            Direction(outgoing, incoming, monitor, out_prefix, swaps),
        ]
    )
