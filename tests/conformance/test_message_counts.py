"""The records of sockets: what was sent equals what was received and what was dropped, exactly."""

import contextlib

import gevent
import pytest
from guard import GUARD
from meeting import LARGE, over_a_network, until_subscribed

import zlinkcompat as zmq
from zlinkcompat.core.registry import number_of
from zlinkcompat.debug.records import snapshot


def record(sock):
    """Return the record of a socket."""
    number = number_of(sock.underlying)
    return next(each for each in snapshot().sockets if each.number == number)


def until(is_so, *socks):
    """Return when ``is_so()`` is true; these sockets process what happens to them meanwhile."""
    with gevent.Timeout(GUARD):
        while not is_so():
            for sock in socks:
                sock.get(zmq.EVENTS)
            gevent.sleep(0.001)


def drain(sock):
    """Receive until nothing arrives any more; return the number of messages."""
    count = 0
    with contextlib.suppress(zmq.Again):
        sock.rcvtimeo = 200
        while True:
            sock.recv_multipart()
            count += 1
    return count


def accepted(found):
    """Return how many messages a socket was given, as its record tells."""
    queued = sum(each.queued_out for each in found.peers)
    return found.messages_out + queued + sum(found.drops.values())


@pytest.mark.parametrize(
    ("sender", "receiver"),
    [(zmq.PUSH, zmq.PULL), (zmq.DEALER, zmq.DEALER), (zmq.PAIR, zmq.PAIR)],
    ids=lambda each: each.name,
)
def test_sent_messages_are_received_messages(connected_pair, sender, receiver):
    one, other = connected_pair(sender, receiver)
    for number in range(100):
        one.send_multipart([b"%d" % number] * (1 + number % 3))
    assert drain(other) == 100
    assert (record(one).messages_out, record(other).messages_in) == (100, 100)
    assert record(one).drops == record(other).drops == {}
    one.close(linger=0)
    assert record(other).messages_in == 100


def test_publisher_counts_what_a_slow_subscriber_misses(connected_pair):
    pub, sub = connected_pair(zmq.PUB, zmq.SUB, sndhwm=3, rcvhwm=3)
    sub.subscribe(b"")
    until_subscribed(pub, sub)
    known = record(pub).messages_out
    for number in range(3000):
        pub.send_multipart([b"%d" % number, LARGE])
    found = record(pub)
    assert found.drops["hwm"] > 0
    (peer,) = found.peers
    assert peer.drops == found.drops
    received = drain(sub)
    assert received + found.drops["hwm"] == 3000
    assert record(pub).messages_out - known == received
    assert record(sub).messages_in - received == known


def test_publications_that_nobody_wants_are_counted(connected_pair):
    pub, sub = connected_pair(zmq.PUB, zmq.SUB)
    for _ in range(3):
        pub.send(b"before")
    sub.subscribe(b"a")
    until_subscribed(pub, sub)
    before = record(pub)
    for topic in (b"a", b"b", b"c"):
        pub.send(topic)
    pub.send(b"d", zmq.SNDMORE)
    pub.send(b"d")
    assert sub.recv() == b"a"
    assert before.drops["filter"] >= 3
    assert record(pub).drops["filter"] - before.drops["filter"] == 3
    assert record(sub).drops == {}


def test_subscriptions_are_not_messages(connected_pair):
    pub, sub = connected_pair(zmq.XPUB, zmq.XSUB)
    for number in range(5):
        sub.send(b"\1%d" % number)
    sub.send(b"upstream")
    assert [pub.recv() for _ in range(6)][-1] == b"upstream"
    assert (record(sub).messages_out, record(pub).messages_in) == (1, 1)


def test_xpub_counts_messages_for_which_its_user_has_no_room(connected_pair):
    pub, sub = connected_pair(zmq.XPUB, zmq.XSUB, a={"rcvhwm": 2})
    for number in range(9):
        sub.send(b"upstream %d" % number)
    until(lambda: record(pub).drops == {"unread": 7}, pub)
    assert record(pub).messages_in == 9
    assert drain(pub) == 2


def test_router_counts_unroutable_messages_and_full_peers(connected_pair):
    router, dealer = connected_pair(
        zmq.ROUTER, zmq.DEALER, b={"routing_id": b"slow"}, sndhwm=3, rcvhwm=3
    )
    dealer.send(b"here")
    assert router.recv_multipart() == [b"slow", b"here"]
    for _ in range(4):
        router.send_multipart([b"nobody", b"x"])
    router.send(b"nobody", zmq.SNDMORE)
    router.send(b"x")
    assert record(router).drops == {"unroutable": 5}
    for _ in range(1000):
        router.send_multipart([b"slow", LARGE])
    for _ in range(1000):
        router.send(b"slow", zmq.SNDMORE)
        router.send(LARGE)
    received = drain(dealer)
    found = record(router)
    assert found.drops["unroutable"] == 5
    assert found.drops["hwm"] == 2000 - received > 0
    assert found.messages_out == received == record(dealer).messages_in
    (peer,) = found.peers
    assert peer.routing_id == b"slow" and peer.drops == {"hwm": found.drops["hwm"]}


def test_conflated_messages_are_counted(connected_pair):
    push, pull = connected_pair(zmq.PUSH, zmq.PULL, conflate=1)
    for number in range(1000):
        push.send(b"%d" % number)
    received = drain(pull)
    dropped = record(push).drops.get("conflate", 0) + record(pull).drops.get("conflate", 0)
    assert received + dropped == 1000
    push.close(linger=0)
    pull.close(linger=0)


@over_a_network
def test_messages_that_linger_does_not_cover_are_counted(make, endpoints):
    before = ended(zmq.PUSH)
    push = make(zmq.PUSH)
    push.connect(endpoints.fixed())
    for _ in range(7):
        push.send(b"x")
    assert record(push).peers[0].queued_out == 7
    push.close(linger=0)
    until(lambda: ended(zmq.PUSH) - before == 7)


def ended(socket_type):
    """Return how many messages of ended sockets were given up because of LINGER."""
    found = [each for each in snapshot().ended if each.type == socket_type.name]
    return found[0].drops.get("linger", 0) if found else 0


def test_messages_for_a_peer_that_leaves_are_counted(connected_pair):
    push, pull = connected_pair(zmq.PUSH, zmq.PULL, rcvhwm=1)
    push.sndtimeo = 0
    sent = 0
    with contextlib.suppress(zmq.Again):
        while True:
            push.send(LARGE)
            sent += 1
    assert accepted(record(push)) == sent
    pull.close(linger=0)
    until(lambda: not record(push).peers, push)
    found = record(push)
    assert found.messages_out + found.drops["disconnect"] == sent


def test_messages_that_the_application_does_not_read_are_counted(connected_pair):
    push, pull = connected_pair(zmq.PUSH, zmq.PULL)
    before = [each for each in snapshot().ended if each.type == "PULL"]
    for _ in range(5):
        push.send(b"x")
    assert pull.poll(GUARD * 1000)
    until(lambda: record(pull).messages_in == 5)
    assert record(pull).peers[0].queued_in == 5
    pull.close()
    until(lambda: [each for each in snapshot().ended if each.type == "PULL"] != before)
    (after,) = [each for each in snapshot().ended if each.type == "PULL"]
    unread = before[0].drops.get("unread", 0) if before else 0
    assert after.drops["unread"] - unread == 5


def test_malformed_requests_are_counted(connected_pair):
    rep, dealer = connected_pair(zmq.REP, zmq.DEALER)
    for _ in range(3):
        dealer.send(b"no empty frame")
    dealer.send_multipart([b"", b"good"])
    assert rep.recv() == b"good"
    rep.send(b"answer")
    assert dealer.recv_multipart() == [b"", b"answer"]
    assert record(rep).drops == {"protocol": 3}
    assert (record(rep).messages_in, record(rep).messages_out) == (4, 1)
