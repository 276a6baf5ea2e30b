"""A socket with CONFLATE keeps only the last message. With IMMEDIATE it queues messages only for
connections whose handshake is done."""

import pytest
from guard import GUARD
from meeting import (
    connect,
    inproc_only,
    over_a_network,
    raises_again,
    values,
    waiting,
    watching,
    would_wait,
)

import zlinkcompat as zmq


def name(value):
    return value.name


# -- CONFLATE ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sender", "receiver"), [(zmq.PUSH, zmq.PULL), (zmq.DEALER, zmq.DEALER)], ids=name
)
def test_conflating_sender_keeps_the_last_message(make, endpoints, sender, receiver):
    one, other = make(sender, conflate=1), make(receiver)
    endpoint = endpoints.fixed()
    one.connect(endpoint)
    for number in range(2000):
        # Never full: with CONFLATE the high-water mark has no effect.
        one.send(b"%d" % number, zmq.NOBLOCK)
    other.bind(endpoint)
    assert other.recv() == b"1999"
    assert other.poll(10) == 0
    one.send(b"next")
    assert other.recv() == b"next"


@pytest.mark.parametrize(
    ("sender", "receiver"), [(zmq.PUSH, zmq.PULL), (zmq.DEALER, zmq.DEALER)], ids=name
)
def test_conflating_receiver_gets_the_last_message_last(connected_pair, sender, receiver):
    one, other = connected_pair(sender, receiver, b={"conflate": 1})
    for number in range(500):
        one.send(b"%03d" % number)
    received = [other.recv()]
    while received[-1] != b"499":
        received.append(other.recv())
    assert received == sorted(set(received))
    assert would_wait(other.recv)


def test_conflating_subscriber_gets_the_last_message_last(connected_pair):
    xpub, sub = connected_pair(zmq.XPUB, zmq.SUB, b={"conflate": 1})
    sub.subscribe(b"")
    assert xpub.recv() == b"\1"
    for number in range(500):
        xpub.send(b"%03d" % number)
    received = [sub.recv()]
    while received[-1] != b"499":
        received.append(sub.recv())
    assert received == sorted(set(received))
    assert would_wait(sub.recv)


@pytest.mark.parametrize("conflating", ["publisher", "subscriber"])
def test_conflate_keeps_all_subscriptions(make, endpoints, conflating):
    pub = make(zmq.PUB, conflate=conflating == "publisher")
    sub = make(zmq.SUB, conflate=conflating == "subscriber")
    pub.bind(endpoints.any())
    for topic in b"a", b"b", b"c":
        sub.subscribe(topic)
    sub.connect(pub.last_endpoint)
    for topic in b"c", b"b", b"a":
        # Once the last topic arrives, the publisher has all subscriptions.
        while not sub.poll(1):
            pub.send(topic)
        while sub.poll(1):
            assert sub.recv() == topic


@over_a_network
def test_conflating_subscriber_resends_all_after_reconnect(make, endpoints):
    endpoint = endpoints.fixed()
    sub = make(zmq.SUB, conflate=1)
    sub.connect(endpoint)
    for topic in b"a", b"b", b"c":
        sub.subscribe(topic)
    for _ in range(2):
        pub = make(zmq.PUB)
        pub.bind(endpoint)
        for topic in b"c", b"b", b"a":
            while not sub.poll(1):
                pub.send(topic)
            while sub.poll(1):
                assert sub.recv() == topic
        pub.close()


@inproc_only
def test_conflating_receiver_holds_one_message(connected_pair):
    push, pull = connected_pair(zmq.PUSH, zmq.PULL, conflate=1)
    for number in range(100):
        push.send(b"%d" % number, zmq.NOBLOCK)
    assert pull.recv() == b"99"
    assert would_wait(pull.recv)


def test_conflating_sender_keeps_last_message_per_peer(make, endpoints):
    push = make(zmq.PUSH, conflate=1)
    places = [endpoints.fixed() for _ in range(2)]
    for place in places:
        push.connect(place)
    for number in range(10):
        push.send(b"%d" % number)
    pulls = [make(zmq.PULL) for _ in places]
    for pull, place in zip(pulls, places, strict=True):
        pull.bind(place)
    assert {pull.recv() for pull in pulls} == {b"8", b"9"}
    assert [pull.poll(10) for pull in pulls] == [0, 0]


@pytest.mark.parametrize("socket_type", [zmq.PAIR, zmq.ROUTER, zmq.REQ, zmq.REP], ids=name)
def test_other_types_do_not_conflate(make, socket_type):
    # As in libzmq, these types accept the option, but it has no effect.
    make(socket_type, conflate=1)


def test_pair_does_not_conflate(make, endpoints):
    one, other = make(zmq.PAIR, conflate=1), make(zmq.PAIR)
    endpoint = endpoints.fixed()
    one.connect(endpoint)
    one.send(b"1")
    one.send(b"2")
    other.bind(endpoint)
    assert [other.recv(), other.recv()] == [b"1", b"2"]


# -- IMMEDIATE -----------------------------------------------------------------------------

senders = pytest.mark.parametrize(
    ("sender", "receiver"),
    [(zmq.PUSH, zmq.PULL), (zmq.DEALER, zmq.DEALER), (zmq.PAIR, zmq.PAIR), (zmq.REQ, zmq.REP)],
    ids=name,
)


@over_a_network
@senders
def test_immediate_queues_nothing_for_an_absent_peer(make, endpoints, sender, receiver):
    one, other = make(sender, immediate=1), make(receiver)
    endpoint = endpoints.fixed()
    one.connect(endpoint)
    with raises_again():
        one.send(b"too early", zmq.NOBLOCK)
    assert one.poll(0, zmq.POLLOUT) == 0
    other.bind(endpoint)
    assert one.poll(GUARD * 1000, zmq.POLLOUT) == zmq.POLLOUT
    one.send(b"in time", zmq.NOBLOCK)
    assert other.recv() == b"in time"


@over_a_network
@senders
def test_immediate_sender_waits_for_the_connection(make, endpoints, sender, receiver):
    one, other = make(sender, immediate=1), make(receiver)
    endpoint = endpoints.fixed()
    one.connect(endpoint)
    sending = waiting(one.send, b"x")
    other.bind(endpoint)
    assert other.recv() == b"x"
    values([sending])


@over_a_network
def test_immediate_sends_all_to_connected_peers(make, bound, endpoints):
    push, pull = make(zmq.PUSH, immediate=1), bound(zmq.PULL)
    push.connect(endpoints.fixed())
    connect(push, pull)
    for number in range(10):
        push.send(b"%d" % number)
    assert [pull.recv() for _ in range(10)] == [b"%d" % number for number in range(10)]


@over_a_network
def test_without_immediate_absent_peers_get_their_share(make, bound, endpoints):
    push, pull = make(zmq.PUSH), bound(zmq.PULL)
    push.connect(endpoints.fixed())
    connect(push, pull)
    for number in range(10):
        push.send(b"%d" % number)
    assert len([pull.recv() for _ in range(5)]) == 5
    assert pull.poll(10) == 0


@over_a_network
def test_immediate_queues_nothing_after_disconnect(make, endpoints):
    push, pull = make(zmq.PUSH, immediate=1), make(zmq.PULL)
    endpoint = endpoints.fixed()
    push.connect(endpoint)
    pull.bind(endpoint)
    push.send(b"1")
    assert pull.recv() == b"1"
    with watching(push, zmq.EVENT_DISCONNECTED):
        pull.close()
    assert would_wait(push.send, b"2")
    back = make(zmq.PULL)
    back.bind(endpoint)
    push.send(b"3")
    assert back.recv() == b"3"


@over_a_network
def test_subscriptions_reach_a_publisher_that_binds_later(make, endpoints):
    sub, xpub = make(zmq.SUB, immediate=1), make(zmq.XPUB)
    endpoint = endpoints.fixed()
    sub.connect(endpoint)
    sub.subscribe(b"a")
    xpub.bind(endpoint)
    # On the thread engine a socket learns of a new peer only in its own calls, as in libzmq.
    while not xpub.poll(1):
        assert not sub.poll(1)
    assert xpub.recv() == b"\1a"
    xpub.send(b"a")
    assert sub.recv() == b"a"


@inproc_only
def test_inproc_connects_at_once_with_immediate(make, endpoint):
    push, pull = make(zmq.PUSH, immediate=1), make(zmq.PULL)
    push.connect(endpoint)
    push.send(b"x", zmq.NOBLOCK)
    pull.bind(endpoint)
    assert pull.recv() == b"x"
