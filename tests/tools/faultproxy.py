"""A proxy that relays bytes between client and server, with a fault at a chosen byte."""

import struct

import gevent
from gevent import socket
from rawpeer import name_of

TO_SERVER, TO_CLIENT = 0, 1

#: The faults. "cut" closes the connection towards both ends and "reset" resets it. From the chosen
#: byte on, "delay" passes the data on later, and "split" passes it on byte by byte. "duplicate"
#: opens a second connection to the server and sends it what the client has sent so far.
FAULTS = ("cut", "reset", "delay", "split", "duplicate")

DELAY = 0.01  # seconds


class FaultProxy:
    """A proxy before ``endpoint`` (str or bytes) that injects a fault into its first connection.

    Parameters
    ----------
    fault : str, optional
        One of :data:`FAULTS`; with None the proxy only relays.
    way : int
        TO_SERVER or TO_CLIENT, the direction whose bytes are counted.
    at : int
        Number of bytes that the proxy passes on in this direction before it injects the fault.

    Attributes
    ----------
    passed : list of int
        Bytes that the first connection has passed on in each direction.
    struck : bool
        True once the fault has been injected.
    """

    def __init__(self, endpoint, fault=None, way=TO_SERVER, at=0):
        self.name = name_of(endpoint)
        self.fault, self.way, self.at = fault, way, at
        self.passed = [0, 0]
        self.struck = False
        self.said = bytearray()  # sent by the client over the first connection
        self.open = []
        self.listener = self.keep(socket.socket())
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(16)
        self.port = self.listener.getsockname()[1]
        self.greenlets = [gevent.spawn(self.accept)]

    def keep(self, sock):
        self.open.append(sock)
        return sock

    def dial(self):
        sock = self.keep(socket.socket(self.name[0]))
        sock.connect(self.name[1])
        return sock

    def accept(self):
        first = True
        while True:
            client = self.keep(self.listener.accept()[0])
            server = self.dial()
            for way, source, target in ((TO_SERVER, client, server), (TO_CLIENT, server, client)):
                run = self.harm if first and way == self.way and self.fault else self.copy
                self.greenlets.append(gevent.spawn(run, way, source, target, first))
            first = False

    def copy(self, way, source, target, first):
        try:
            while data := source.recv(65536):
                self.pass_on(way, target, data, first)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def pass_on(self, way, target, data, first):
        target.sendall(data)
        if first:
            self.passed[way] += len(data)
            if way == TO_SERVER:
                self.said += data

    def harm(self, way, source, target, first):
        try:
            while self.passed[way] < self.at:
                data = source.recv(self.at - self.passed[way])
                if not data:
                    return
                self.pass_on(way, target, data, first)
            self.struck = True
            getattr(self, self.fault)(way, source, target)
            if self.fault not in ("cut", "reset"):
                self.copy(way, source, target, first)
        except OSError:
            pass

    def cut(self, way, source, target):
        for sock in (target, source):
            sock.shutdown(socket.SHUT_RDWR)

    def reset(self, way, source, target):
        for sock in (target, source):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()

    def delay(self, way, source, target):
        gevent.sleep(DELAY)

    def split(self, way, source, target):
        target.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(64):
            data = source.recv(1)
            if not data:
                return
            self.pass_on(way, target, data, True)
            gevent.sleep(0)

    def duplicate(self, way, source, target):
        other = self.dial()
        other.sendall(bytes(self.said))
        other.shutdown(socket.SHUT_WR)

    def close(self):
        gevent.killall(self.greenlets)
        for sock in self.open:
            sock.close()
