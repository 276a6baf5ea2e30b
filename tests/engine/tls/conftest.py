"""Fixtures for TLS: a server, a client and a hand-written peer."""

import ssl

import certificates
import pytest
from guard import GUARD
from rawpeer import GREETING_SIZE, greeting, ready
from tlspeer import client_context, port_of
from watching import E

import zlinkcompat as zmq


@pytest.fixture
def pull(make):
    """``pull(tls_ca=...)`` returns a PULL that is bound to a TLS endpoint."""

    def pull(scheme="tls", **options):
        sock = make(zmq.PULL, handshake_ivl=GUARD * 1000)
        certificates.use(sock)
        for name, value in options.items():
            setattr(sock, name, value)
        sock.bind(f"{scheme}://127.0.0.1:*")
        return sock

    return pull


@pytest.fixture
def caller(make):
    """``caller(tls_ca=...)`` returns a PUSH that does not reconnect; it is not connected yet."""

    def caller(**options):
        sock = make(zmq.PUSH, linger=0, reconnect_ivl=-1, handshake_ivl=GUARD * 1000)
        sock.tls_ca = certificates.ca_pem()
        for name, value in options.items():
            setattr(sock, name, value)
        return sock

    return caller


@pytest.fixture
def push(caller):
    """``push(endpoint, tls_ca=...)`` returns a PUSH that connects to ``endpoint``."""

    def push(endpoint, **options):
        sock = caller(**options)
        sock.connect(endpoint)
        return sock

    return push


@pytest.fixture
def refused(caller, monitor):
    """``refused(endpoint)`` connects a PUSH, which must fail; it returns the monitor's reason."""

    def refused(endpoint):
        client = caller(immediate=1)
        watch = monitor(client)  # before connect(), so that it reports the events of I/O threads
        client.connect(endpoint)
        return watch.wait_for(E.HANDSHAKE_FAILED_PROTOCOL, E.HANDSHAKE_FAILED_NO_DETAIL)

    return refused


@pytest.fixture(params=["tls", "wss"])
def scheme(request):
    return request.param


class TlsPeer:
    """A hand-written TLS client, which may end a connection in ways that no library allows."""

    def __init__(self, peer, context=None):
        self.peer = peer
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = (context or client_context()).wrap_bio(
            self.incoming, self.outgoing, server_hostname="127.0.0.1"
        )
        self.ask(self.tls.do_handshake)

    def ask(self, call, *args):
        while True:
            try:
                return call(*args)
            except ssl.SSLWantReadError:
                self.peer.send(self.outgoing.read())
                self.incoming.write(self.record())

    def record(self):
        head = self.peer.read(5)
        return head + self.peer.read(int.from_bytes(head[3:], "big"))

    def said(self, data):
        """Return ``data`` as ciphertext."""
        self.tls.write(data)
        return self.outgoing.read()

    def read(self, size):
        data = b""
        while len(data) < size:
            data += self.ask(self.tls.read, size - len(data))
        return data

    def handshake(self, socket_type, answer):
        self.peer.send(self.said(greeting() + ready(socket_type)))
        self.read(GREETING_SIZE)
        self.read(len(ready(answer, b"" if answer == b"DEALER" else None)))


@pytest.fixture
def tls_peer(raw):
    """``tls_peer(sock)`` returns a TlsPeer of ``sock``, with the TLS handshake done."""
    return lambda sock, *args: TlsPeer(raw(f"tcp://127.0.0.1:{port_of(sock)}"), *args)
