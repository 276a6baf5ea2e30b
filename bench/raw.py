"""The limit: plain sockets, no framing, nothing checked but the sum of the bytes.

Throughput reads 1 MiB and writes 64 KiB at a time, whatever the message size; round trips spin
on non-blocking sockets.
"""

import socket
from time import perf_counter

from bench import roundtrip
from bench.control import hear, tell

READ = 1 << 20
WRITE = 64 << 10


def listen(address):
    """Listen where ``address`` says ("tcp", or a path), tell it, and return the connection."""
    if address == "tcp":
        listener = socket.create_server(("127.0.0.1", 0))
    else:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(address)
        listener.listen()
    with listener:
        tell(endpoint=listener.getsockname())
        return tuned(listener.accept()[0])


def connect():
    address = hear()["endpoint"]
    if isinstance(address, list):
        return tuned(socket.create_connection(address))
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(address)
    return connection


def tuned(connection):
    if connection.family == socket.AF_INET:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def send(size, seconds):
    """Write for ``seconds``; ``sent`` is in bytes."""
    payload = bytes(WRITE)
    sent = 0
    with connect() as connection:
        stop = perf_counter() + seconds
        while perf_counter() < stop:
            connection.sendall(payload)
            sent += WRITE
    tell(result={"sent": sent})


def receive(address, size):
    buffer = bytearray(READ)
    with listen(address) as connection:
        first = received = connection.recv_into(buffer)
        start = perf_counter()
        while got := connection.recv_into(buffer):
            received += got
        elapsed = perf_counter() - start
    tell(result={"received": received, "rate": (received - first) / size / elapsed})


class Spinner:
    """Messages of a known size over a non-blocking socket, waiting by trying again."""

    def __init__(self, connection, size):
        connection.setblocking(False)
        self.connection = connection
        self.buffer = bytearray(size)
        self.view = memoryview(self.buffer)

    def send(self, payload):
        if payload is roundtrip.END:
            return  # the other end sees the connection close
        view = memoryview(payload)
        at = 0
        while at < len(view):
            try:
                at += self.connection.send(view[at:] if at else view)
            except BlockingIOError:
                pass

    def receive(self):
        """The next message, in a buffer that the one after reuses; END when the peer is gone."""
        view = self.view
        at = 0
        while at < len(view):
            try:
                got = self.connection.recv_into(view[at:] if at else view)
            except BlockingIOError:
                continue
            if not got:
                return roundtrip.END
            at += got
        return self.buffer


def ask(size, seconds):
    with connect() as connection:
        spinner = Spinner(connection, size)
        sent, times = roundtrip.ask(spinner.send, spinner.receive, size, seconds)
    tell(result=dict(sent=sent, **roundtrip.summary(times)))


def answer(address, size):
    with listen(address) as connection:
        spinner = Spinner(connection, size)
        count = roundtrip.answer(spinner.send, spinner.receive, size)
    tell(result={"received": count})
