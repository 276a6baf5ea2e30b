"""A PAIR has one peer at a time (RFC 31). A STREAM talks to peers that do not speak ZMTP."""

import gevent
import pytest
from gevent import socket
from guard import GUARD
from meeting import over_a_network, watching, would_wait

import zlinkcompat as zmq

# -- PAIR ----------------------------------------------------------------------------------


def test_pair_sends_both_ways_in_any_order(connected_pair):
    one, other = connected_pair(zmq.PAIR, zmq.PAIR)
    for number in range(3):
        one.send(b"%d" % number)
        other.send(b"%d" % number)
    assert [other.recv() for _ in range(3)] == [b"0", b"1", b"2"]
    assert [one.recv() for _ in range(3)] == [b"0", b"1", b"2"]


def test_second_peer_of_a_pair_is_refused(connected_pair, make):
    one, first = connected_pair(zmq.PAIR, zmq.PAIR)
    second = make(zmq.PAIR, linger=0, reconnect_ivl=-1)
    second.connect(one.last_endpoint)
    try:
        second.send(b"from the second", zmq.NOBLOCK)
    except zmq.Again:
        pass
    first.send(b"from the first")
    one.send(b"to the first")
    assert one.recv() == b"from the first"
    assert first.recv() == b"to the first"
    assert one.poll(20) == 0
    assert would_wait(second.recv)


@over_a_network
def test_pair_accepts_a_new_peer_after_the_old_one_left(connected_pair, connected):
    one, first = connected_pair(zmq.PAIR, zmq.PAIR)
    with watching(one, zmq.EVENT_DISCONNECTED):
        first.close()
    second = connected(zmq.PAIR, one)
    second.send(b"hello")
    assert one.recv() == b"hello"
    one.send(b"world")
    assert second.recv() == b"world"


def test_polled_pair_accepts_each_peer_in_turn(bound, connected):
    one = bound(zmq.PAIR)
    for number in range(4):
        peer = connected(zmq.PAIR, one)
        peer.send(b"%d" % number)
        peer.close()
        assert one.poll(GUARD * 1000)
        assert one.recv() == b"%d" % number
        with gevent.Timeout(GUARD):
            # Only call poll(): it has to remove the peer that left, without a send or recv.
            while one.core.pattern.pipes:
                assert not one.poll(1)


# -- STREAM --------------------------------------------------------------------------------


@over_a_network
def test_stream_reports_the_routing_id_of_its_latest_peer(make, transport):
    if transport != "tcp":
        pytest.skip("as in libzmq, a STREAM has raw peers only over tcp")
    server, client = make(zmq.STREAM), make(zmq.STREAM)
    server.bind("tcp://127.0.0.1:*")
    client.connect(server.last_endpoint)
    peer = client.getsockopt(zmq.ROUTING_ID)
    assert len(peer) == 5 and peer[0] == 0
    client.send_multipart([peer, b"request"])
    assert client.recv_multipart() == [peer, b""]
    ours = server.recv_multipart()[0]
    assert server.getsockopt(zmq.ROUTING_ID) == ours
    assert server.recv_multipart() == [ours, b"request"]
    client.set(zmq.CONNECT_ROUTING_ID, b"named")
    client.connect(server.last_endpoint)
    assert client.getsockopt(zmq.ROUTING_ID) == peer


@pytest.fixture
def stream(make):
    sock = make(zmq.STREAM)
    sock.bind("tcp://127.0.0.1:*")
    return sock


@pytest.fixture
def raw(stream):
    """Connect to ``stream`` with a plain TCP socket, and return the socket."""
    port = int(stream.last_endpoint.rpartition(b":")[2])
    with gevent.Timeout(GUARD):
        raw = socket.create_connection(("127.0.0.1", port), timeout=GUARD)
    yield raw
    raw.close()


def read(stream, count):
    """Return the routing id of a peer and ``count`` bytes, which may arrive in several messages."""
    data = b""
    while len(data) < count:
        peer, part = stream.recv_multipart()
        data += part
    return peer, data


class TestStream:
    def test_reports_peers_and_bytes(self, stream, raw):
        peer, empty = stream.recv_multipart()
        assert (len(peer), peer[0], empty) == (5, 0, b"")
        raw.sendall(b"hello")
        assert read(stream, 5) == (peer, b"hello")
        stream.send_multipart([peer, b"world"])
        assert raw.recv(5, socket.MSG_WAITALL) == b"world"

    def test_reports_peers_that_leave(self, stream, raw):
        peer, _ = stream.recv_multipart()
        raw.sendall(b"last words")
        raw.close()
        assert read(stream, 10) == (peer, b"last words")
        assert stream.recv_multipart() == [peer, b""]

    def test_empty_message_closes_the_connection(self, stream, raw):
        peer, _ = stream.recv_multipart()
        stream.send_multipart([peer, b""])
        assert raw.recv(1) == b""

    def test_many_bytes_arrive_unchanged(self, stream, raw):
        peer, _ = stream.recv_multipart()
        data = bytes(range(256)) * 4096
        sending = gevent.spawn(raw.sendall, data)
        assert read(stream, len(data)) == (peer, data)
        sending.get(timeout=GUARD)
        stream.send_multipart([peer, data])
        with gevent.Timeout(GUARD):
            received = b""
            while len(received) < len(data):
                received += raw.recv(65536)
        assert received == data

    def test_without_notify_only_bytes_arrive(self, make):
        stream = make(zmq.STREAM, stream_notify=0)
        stream.bind("tcp://127.0.0.1:*")
        port = int(stream.last_endpoint.rpartition(b":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=GUARD) as raw:
            raw.sendall(b"x")
            assert stream.recv_multipart()[1] == b"x"
        assert stream.poll(20) == 0

    def test_stream_talks_to_another_stream(self, stream, make):
        other = make(zmq.STREAM)
        other.connect(stream.last_endpoint)
        here, there = stream.recv_multipart()[0], other.recv_multipart()[0]
        other.send_multipart([there, b"hello"])
        assert read(stream, 5) == (here, b"hello")
        stream.send_multipart([here, b"world"])
        assert read(other, 5) == (there, b"world")

    def test_connect_sets_the_routing_id_of_the_peer(self, stream, make):
        other = make(zmq.STREAM)
        other.set(zmq.CONNECT_ROUTING_ID, b"peer")
        other.connect(stream.last_endpoint)
        assert other.recv_multipart() == [b"peer", b""]
        other.send_multipart([b"peer", b"hello"])
        stream.recv_multipart()
        assert read(stream, 5)[1] == b"hello"
