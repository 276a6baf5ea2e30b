"""``debug.records`` reports which peer is slow, what is queued for it, and failed connections."""

import contextlib
import time

import gevent
import pytest
from guard import GUARD
from rawpeer import greeting, message, ready
from watching import E

import zlinkcompat as zmq
from zlinkcompat.core.registry import number_of
from zlinkcompat.debug.records import snapshot

KB = 1024


def record(sock):
    """Return the record of a socket."""
    number = number_of(sock.underlying)
    return next(each for each in snapshot().sockets if each.number == number)


def until(is_so, *socks):
    """Wait until ``is_so()`` is true; poll ``socks`` so that they process pending commands."""
    with gevent.Timeout(GUARD):
        while not is_so():
            for sock in socks:
                sock.get(zmq.EVENTS)
            gevent.sleep(0.001)


@pytest.mark.both_engines
def test_record_of_a_connection(bound, make, monitor):
    router = bound(zmq.ROUTER, rcvhwm=70, sndhwm=90)
    dealer = make(zmq.DEALER, routing_id=b"me")
    dealer.connect(router.last_endpoint)
    dealer.send(bytes(1000))
    router.recv_multipart()
    (one,), (other,) = record(router).peers, record(dealer).peers
    assert (one.endpoint, one.routing_id) == (router.last_endpoint.decode(), b"me")
    assert (one.socket_type, one.mechanism, other.socket_type) == ("DEALER", "NULL", "ROUTER")
    assert (one.local, one.remote) == (other.remote, other.local)
    assert one.local == router.last_endpoint.decode()[len("tcp://") :]
    assert (one.hwm_in, one.hwm_out) == (70, 90)
    assert (one.bytes_in, one.bytes_out) == (other.bytes_out, other.bytes_in)
    assert 1000 < one.bytes_in < 1300
    assert (one.messages_in, other.messages_out) == (1, 1)
    assert 0 < one.handshake_seconds < GUARD
    assert abs(snapshot().time - one.connected_since) < GUARD
    assert one.connection != other.connection and one.connection > 0
    assert one.waits_for == other.waits_for == ""


@pytest.mark.both_engines
def test_peer_that_does_not_read_is_named(bound, raw, monitor):
    sock = bound(zmq.PUB, sndbuf=4 * KB, sndhwm=5)
    events = monitor(sock, E.HANDSHAKE_SUCCEEDED)
    quick, stuck = (raw(sock.last_endpoint, rcvbuf=4 * KB) for _ in range(2))
    for peer, topic in ((quick, b"q"), (stuck, b"s")):
        peer.handshake(b"SUB")
        events.next()
        peer.send(message(b"\1" + topic))
    until(lambda: sock.get(zmq.TOPICS_COUNT) == 2, sock)
    for _ in range(100):
        sock.send(b"s" + bytes(100 * KB))
    sock.send(b"q")
    assert quick.read_message() == [b"q"]
    until(lambda: any(each.oldest_waiting > 0.001 for each in record(sock).peers))
    first, second = record(sock).peers
    assert (first.queued_out, first.drops, first.waits_for) == (0, {}, "")
    assert (first.bytes_waiting, first.oldest_waiting) == (0, 0.0)
    assert second.queued_out == 5 and second.waits_for == "peer to read"
    assert second.bytes_waiting == 5 * (100 * KB + 1)
    assert second.messages_out + second.queued_out + second.drops["hwm"] == 100


def test_messages_for_an_absent_peer_wait_for_a_connection(make):
    push = make(zmq.PUSH, linger=0)
    push.connect("tcp://127.0.0.1:1")
    push.send(b"x" * 10)
    push.send(b"x" * 20)
    until(lambda: record(push).peers[0].oldest_waiting > 0.001)
    (peer,) = record(push).peers
    assert (peer.queued_out, peer.bytes_waiting, peer.waits_for) == (2, 30, "connection")
    assert (peer.connection, peer.local, peer.remote, peer.connected_since) == (0, "", "", 0.0)


def test_application_that_does_not_receive(bound, make):
    pull = bound(zmq.PULL, rcvhwm=3)
    push = make(zmq.PUSH)
    push.connect(pull.last_endpoint)
    for _ in range(5):
        push.send(b"x")
    until(lambda: record(pull).peers and record(pull).peers[0].queued_in == 3)
    assert record(pull).peers[0].waits_for == "application to receive"


@pytest.mark.both_engines
def test_age_of_messages_that_the_application_has_not_read(bound, make):
    pull = bound(zmq.PULL)
    push = make(zmq.PUSH)
    push.connect(pull.last_endpoint)
    before = time.monotonic()
    push.send(b"first")
    until(lambda: record(pull).peers and record(pull).peers[0].oldest_unread > 0.2)
    assert record(pull).peers[0].waits_for == "application to receive"
    between = time.monotonic()
    push.send(b"second")
    until(lambda: record(pull).peers[0].queued_in == 2)
    assert record(pull).peers[0].oldest_unread <= time.monotonic() - before
    assert pull.recv() == b"first"
    until(lambda: record(pull).peers[0].oldest_unread > 0.001)
    assert record(pull).peers[0].oldest_unread <= time.monotonic() - between
    assert pull.recv() == b"second"
    assert record(pull).peers[0].oldest_unread == 0.0


@pytest.mark.both_engines
def test_unread_rest_of_what_one_read_brought_has_an_age(bound, raw):
    pull = bound(zmq.PULL)
    peer = raw(pull.last_endpoint)
    peer.handshake(b"PUSH")
    peer.send(message(b"1") + message(b"2") + message(b"3"))
    assert pull.recv() == b"1"
    until(lambda: record(pull).peers[0].oldest_unread > 0.001)
    assert record(pull).peers[0].queued_in == 2


def test_ages_over_inproc_begin_with_the_message(make):
    pull = make(zmq.PULL)
    pull.bind("inproc://ages")
    push = make(zmq.PUSH)
    push.connect("inproc://ages")
    before = time.monotonic()
    push.send(b"1")
    push.send(b"2")
    until(lambda: record(push).peers[0].oldest_waiting > 0.5)
    between = time.monotonic()
    push.send(b"3")
    until(lambda: time.monotonic() - between > 0.4)  # the time is noted each 0.25 s
    told = record(push).peers[0].oldest_waiting
    assert told == pytest.approx(record(pull).peers[0].oldest_unread, abs=0.1)
    assert told <= time.monotonic() - before
    assert [pull.recv(), pull.recv()] == [b"1", b"2"]
    told = record(push).peers[0].oldest_waiting
    assert 0 < told <= time.monotonic() - between


@pytest.mark.both_engines
def test_bytes_are_those_of_transports_that_move_bytes(make, bound):
    pair = make(zmq.PAIR)
    assert (record(pair).bytes_in, record(pair).bytes_out) == (None, None)
    pair.bind("inproc://objects")
    other = make(zmq.PAIR)
    other.connect("inproc://objects")
    pair.send(b"x")
    assert other.recv() == b"x"
    for found in (record(pair), record(pair).peers[0], record(other).peers[0]):
        assert (found.bytes_in, found.bytes_out) == (None, None)
    pull = bound(zmq.PULL)
    assert record(pull).bytes_in == 0
    push = make(zmq.PUSH)
    push.connect(pull.last_endpoint)
    push.connect("inproc://later")
    push.send(b"x")
    until(lambda: None in [each.bytes_out for each in record(push).peers])
    assert record(push).bytes_out is not None


@pytest.mark.both_engines
def test_reconnects_continue_the_counts_of_an_endpoint(raw_listener, make):
    listener = raw_listener()
    push = make(zmq.PUSH, reconnect_ivl=1)
    push.connect(listener.endpoint)
    numbers = []
    for count in range(1, 4):
        peer = listener.accept()
        peer.handshake(b"PULL")
        push.send(b"x")
        assert peer.read_message() == [b"x"]
        until(lambda count=count: record(push).messages_out == count, push)
        number = record(push).peers[0].connection
        numbers.append(number)
        peer.close()
        until(lambda number=number: record(push).peers[0].connection != number)
    found = record(push)
    assert found.reconnects == 2 and found.handshakes_failed == {}
    assert len(set(numbers)) == 3 and found.bytes_out > 3 * 64


def failing(name, peer):
    """Make the handshake of a raw peer fail in the way that ``name`` says."""
    if name == "protocol":
        peer.send(b"this is not a greeting of ZMTP, and it is long enough to be one" * 2)
    elif name == "closed":
        peer.send(greeting())
        peer.close()
    # For "timeout" the peer sends nothing.


@pytest.mark.parametrize("name", ["protocol", "closed", "timeout"])
def test_failed_handshakes_are_counted_by_reason(bound, raw, name):
    sock = bound(zmq.PULL, handshake_ivl=50 if name == "timeout" else 10_000)
    failing(name, raw(sock.last_endpoint))
    until(lambda: record(sock).handshakes_failed == {name: 1})
    assert record(sock).peers == ()


def test_lost_heartbeats_are_counted(bound, raw):
    sock = bound(zmq.PULL, heartbeat_ivl=20, heartbeat_timeout=20)
    peer = raw(sock.last_endpoint)
    peer.send(greeting() + ready(b"PUSH"))
    until(lambda: record(sock).heartbeats_lost == 1, sock)
    assert record(sock).handshakes_failed == {} and record(sock).peers == ()


def test_requests_that_are_in_hand_at_close_are_counted(bound, make):
    rep = bound(zmq.REP)
    req = make(zmq.REQ)
    req.connect(rep.last_endpoint)
    req.send(b"question")
    assert rep.poll(GUARD * 1000)
    before = {each.type: each.drops.get("unread", 0) for each in snapshot().ended}
    rep.close()
    until(lambda: ended_unread() == before.get("REP", 0) + 1)


def ended_unread():
    return sum(each.drops.get("unread", 0) for each in snapshot().ended if each.type == "REP")


@pytest.mark.both_engines
def test_every_message_is_counted_while_peers_come_and_go(bound, make):
    push = bound(zmq.PUSH, sndhwm=50, sndtimeo=0)
    pub = bound(zmq.PUB, sndhwm=50)
    sent = published = 0
    for number in range(40):
        pull, sub = make(zmq.PULL, rcvhwm=5), make(zmq.SUB, rcvhwm=5)
        pull.connect(push.last_endpoint)
        sub.subscribe(b"")
        sub.connect(pub.last_endpoint)
        until(lambda: record(push).peers and record(pub).peers, push, pub)
        for _ in range(200):
            pub.send(bytes(50))
            published += 1
            try:
                push.send(bytes(50))
                sent += 1
            except zmq.Again:
                gevent.sleep(0)
        if number % 3 == 0:
            with contextlib.suppress(zmq.Again):
                pull.recv(zmq.NOBLOCK)
        pull.close(linger=0)
        sub.close(linger=0)
    until(lambda: not (record(push).peers or record(pub).peers), push, pub)
    found = record(push)
    assert found.messages_out + sum(found.drops.values()) == sent
    # Each publication was sent to every connected subscriber. A publication without a subscriber
    # counts as a drop.
    found = record(pub)
    assert found.messages_out + sum(found.drops.values()) >= published
