"""A peer that follows the protocol and has to be served, whatever other peers do."""

import gevent
from gevent import socket
from guard import GUARD
from rawpeer import message
from stranger import ACTIVE, CONNECTED, Stranger, dial

import zlinkcompat as zmq

#: The good peer's type for each socket type.
PEERS = {
    "PULL": zmq.PUSH,
    "ROUTER": zmq.DEALER,
    "DEALER": zmq.DEALER,
    "REP": zmq.REQ,
    "REQ": zmq.REP,
    "SUB": zmq.PUB,
    "XSUB": zmq.PUB,
    "XPUB": zmq.SUB,
    "PUB": zmq.SUB,
    "PUSH": zmq.PULL,
    "PAIR": zmq.PAIR,
    "STREAM": zmq.DEALER,
}


class GoodPeer:
    """A peer that follows the protocol, connected to a socket of an application.

    Parameters
    ----------
    endpoint : str
    name : str
        The type of the application's socket.
    mechanism : str
    server_key : bytes
        The public key of the socket (CURVE).
    """

    def __init__(self, endpoint, name, mechanism, server_key):
        self.sock = dial(endpoint, socket, GUARD)
        self.name = name
        upto = CONNECTED if name == "STREAM" else ACTIVE
        self.peer = Stranger(self.sock, endpoint, PEERS[name], mechanism, upto, server_key)
        self.number = 0
        if name == "PUB":
            self.peer.send(self.peer.command(b"SUBSCRIBE", b""))

    def is_served(self, application):
        """Exchange a message with the application; fail if it does not arrive."""
        self.number += 1
        text = b"good %d" % self.number
        peer = self.peer
        if self.name in ("PUB", "PUSH"):
            assert peer.stream.recv(65536)
            return
        if self.name == "REQ":
            # REQ_CORRELATE: each request has an id, and the reply to it must have the same id. The
            # order of the replies does not matter.
            before = len(application.received)
            while len(application.received) == before:
                assert not application.errors, application.errors
                self.answer()
            return
        if self.name == "STREAM":
            peer.send(text)
            answer = b""
            while text not in answer:
                answer += self.heard(peer.stream.recv(65536))
            application.received.clear()
            return
        if self.name == "XPUB":
            peer.send(peer.command(b"SUBSCRIBE", text))
            text = b"\1" + text
        else:
            peer.send(peer.message(*([b""] if self.name == "REP" else []), text))
        with gevent.Timeout(GUARD):
            while text not in application.received:
                assert not application.errors, application.errors
                gevent.sleep(0.001)
        application.received.clear()

    def heard(self, data):
        assert data, "the good peer was disconnected"
        return data

    def answer(self):
        """Answer each pending request, which is an id, an empty frame and ``question``."""
        data = self.heard(self.peer.stream.recv(65536))
        for question in data.split(b"\x00\x08question")[:-1]:
            self.peer.send(question + message(b"answer"))

    def close(self):
        self.sock.close()
