"""What a socket's monitor tells, be it ours or real libzmq's."""

import gevent
from guard import GUARD

import zlinkcompat as zmq

E = zmq.Event


class Monitor:
    """The events of one socket, in order. Every wait ends after GUARD seconds with zmq.Again."""

    def __init__(self, sock, events=E.ALL):
        self.sock = sock
        self.pair = sock.get_monitor_socket(events)
        # A wait in libzmq would stop this hub.
        self.blocks = not isinstance(sock, zmq.Socket)

    def poll(self, milliseconds):
        if self.blocks:
            return gevent.get_hub().threadpool.apply(self.pair.poll, (milliseconds,))
        return self.pair.poll(milliseconds)

    def next(self):
        """``(event, value, endpoint)`` of the next event."""
        self.poll(GUARD * 1000)
        head, endpoint = self.pair.recv_multipart(zmq.NOBLOCK)
        return (
            E(int.from_bytes(head[:2], "little")),
            int.from_bytes(head[2:], "little", signed=True),
            endpoint.decode(),
        )

    def wait_for(self, *wanted):
        """Value of the next event that is one of ``wanted``; others are passed over."""
        while True:
            event, value, _ = self.next()
            if event in wanted:
                return value

    def until(self, last):
        """Names of all events up to and including the first that is ``last``."""
        names = []
        while True:
            event, _, _ = self.next()
            names.append(event.name)
            if event == last:
                return names

    def collected(self):
        """Names of the events that are there already."""
        names = []
        while self.poll(0):
            names.append(self.next()[0].name)
        return names

    def stays_silent(self, milliseconds=50):
        """Tell whether no event comes for so long; for what must not happen."""
        return not self.poll(milliseconds)

    def close(self):
        self.sock.disable_monitor()
        self.pair.close()
