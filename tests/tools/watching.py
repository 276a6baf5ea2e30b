"""Read the monitor events of our sockets and of libzmq's."""

import gevent
from guard import GUARD

import zlinkcompat as zmq

E = zmq.Event


class Monitor:
    """The monitor events of one socket, in order.

    A method that waits for an event raises zmq.Again after GUARD seconds.
    """

    def __init__(self, sock, events=E.ALL):
        self.sock = sock
        self.pair = sock.get_monitor_socket(events)
        # A wait in libzmq would block this hub, so poll() runs libzmq's wait in another thread.
        self.blocks = not isinstance(sock, zmq.Socket)

    def poll(self, milliseconds):
        if self.blocks:
            return gevent.get_hub().threadpool.apply(self.pair.poll, (milliseconds,))
        return self.pair.poll(milliseconds)

    def next(self):
        """Return ``(event, value, endpoint)`` of the next event."""
        self.poll(GUARD * 1000)
        head, endpoint = self.pair.recv_multipart(zmq.NOBLOCK)
        return (
            E(int.from_bytes(head[:2], "little")),
            int.from_bytes(head[2:], "little", signed=True),
            endpoint.decode(),
        )

    def wait_for(self, *wanted):
        """Return the value of the next event that is one of ``wanted``; skip others."""
        while True:
            event, value, _ = self.next()
            if event in wanted:
                return value

    def until(self, last):
        """Return the names of all events up to and including the first ``last``."""
        names = []
        while True:
            event, _, _ = self.next()
            names.append(event.name)
            if event == last:
                return names

    def collected(self):
        """Return the names of the events that have already arrived."""
        names = []
        while self.poll(0):
            names.append(self.next()[0].name)
        return names

    def stays_silent(self, milliseconds=50):
        """Return whether no event arrives within ``milliseconds``."""
        return not self.poll(milliseconds)

    def close(self):
        self.sock.disable_monitor()
        self.pair.close()
