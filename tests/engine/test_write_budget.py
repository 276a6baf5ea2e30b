"""Writing to a peer that reads everything at once does not block the event loop."""

import os
import socket
from collections import Counter
from time import perf_counter_ns
from types import SimpleNamespace

import pytest
from gevent.event import Event
from guard import GUARD

import zlinkcompat as zmq
from zlinkcompat.engine.connection import Connection
from zlinkcompat.engine.loop import current_loop
from zlinkcompat.routing.pipe import PipeSink, pipe_pair
from zlinkcompat.transports.bytestream import ByteStream
from zlinkcompat.tuning import Tuning
from zlinkcompat.wire.zmtp.decoder import Decoder
from zlinkcompat.wire.zmtp.encoder import Encoder

#: Nanoseconds that a write takes, and how many writes one iteration of the event loop makes: two
#: that are not measured, and two more that begin within the millisecond after them.
WRITE_NS = 500_000
WRITES_PER_ITERATION = 4


class DrainingStream(ByteStream):
    """A stream whose peer reads all data at once. Each write costs CPU, as with CURVE.

    The descriptor is always writable and never readable."""

    def __init__(self, fd, loop, total):
        ByteStream.__init__(self, fd)
        self.loop = loop
        self.missing = total
        self.iterations = []
        self.done = Event()

    def write_from(self, encoder):
        data = b"".join(bytes(view) for view in encoder.vector())
        end = perf_counter_ns() + WRITE_NS
        while perf_counter_ns() < end:
            pass
        self.iterations.append(self.loop.iteration)
        self.missing -= len(data)
        if self.missing <= 0:
            self.done.set()
        return len(data)

    def read_into(self, decoder):
        return -1

    def close(self):
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def session_of(tuning):
    """Return a stub of a session with the attributes that a connection uses for messages."""
    return SimpleNamespace(
        options=SimpleNamespace(tuning=tuning, heartbeat_ivl=0),
        socket=SimpleNamespace(counters=None, socket_type=zmq.PUSH, loop_poller=None),
        make_decoder=Decoder,
        make_encoder=Encoder,
    )


@pytest.fixture
def draining():
    """``draining(sizes)`` starts to write messages of these sizes, and returns the stream."""
    connections, peers = [], []

    def draining(sizes):
        total = sum(size + (9 if size > 255 else 2) for size in sizes)
        loop = current_loop()
        ours, peer = socket.socketpair()
        peers.append(peer)
        stream = DrainingStream(ours.detach(), loop.gevent_loop, total)
        connection = Connection(loop, stream, session_of(Tuning()))
        connections.append(connection)
        socket_end, connection_end = pipe_pair(0, 0)
        socket_end.sink = PipeSink()
        for size in sizes:
            socket_end.write(bytes(size))
        connection.activate(connection_end)
        return stream

    yield draining
    for connection in connections:
        connection.abort()
    for peer in peers:
        peer.close()


@pytest.mark.hub
@pytest.mark.parametrize("size", [1000, 8000])
def test_writing_stops_for_the_event_loop(draining, size):
    stream = draining([size] * (8_000_000 // size))
    assert stream.done.wait(GUARD)
    assert stream.missing == 0
    writes = Counter(stream.iterations)
    assert len(stream.iterations) > 2 * WRITES_PER_ITERATION
    assert max(writes.values()) <= WRITES_PER_ITERATION, writes
