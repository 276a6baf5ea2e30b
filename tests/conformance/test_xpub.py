"""XPUB reports subscriptions to its user, and lets the user decide on them."""

import pytest
from meeting import (
    LARGE,
    connect,
    fill,
    hear,
    narrow,
    over_a_network,
    raises_again,
    until_subscribed,
    values,
    waiting,
    watching,
    would_wait,
)

import zlinkcompat as zmq


@pytest.fixture
def xpub_and_subs(bound, connected):
    """``xpub_and_subs(count, **options)`` returns an XPUB with these options and ``count`` SUBs."""

    def xpub_and_subs(count, **options):
        xpub = bound(zmq.XPUB, **options)
        return xpub, [connected(zmq.SUB, xpub) for _ in range(count)]

    return xpub_and_subs


def told(xpub, sub):
    """Return the reports of the XPUB that come before a new subscription of ``sub``."""
    sub.subscribe(b"end")
    messages = []
    while (message := xpub.recv()) != b"\1end":
        messages.append(message)
    sub.unsubscribe(b"end")
    assert xpub.recv() == b"\0end"
    return messages


# -- reports -------------------------------------------------------------------------------


def test_first_subscription_and_last_cancellation_are_reported(xpub_and_subs):
    xpub, (one, other) = xpub_and_subs(2)
    one.subscribe(b"a")
    assert told(xpub, one) == [b"\1a"]
    other.subscribe(b"a")
    assert told(xpub, other) == []
    one.unsubscribe(b"a")
    assert told(xpub, one) == []
    other.unsubscribe(b"a")
    assert told(xpub, other) == [b"\0a"]


def test_repeated_subscription_is_reported_once(xpub_and_subs):
    xpub, (sub,) = xpub_and_subs(1)
    sub.subscribe(b"a")
    sub.subscribe(b"a")
    assert told(xpub, sub) == [b"\1a"]
    sub.unsubscribe(b"a")
    assert told(xpub, sub) == []
    sub.unsubscribe(b"a")
    assert told(xpub, sub) == [b"\0a"]


def test_topics_are_reported_whole(xpub_and_subs):
    xpub, (sub,) = xpub_and_subs(1)
    topics = [b"", b"\0", b"\1", b"a" * 255, b"a" * 5000]
    for topic in topics:
        sub.subscribe(topic)
    assert told(xpub, sub) == [b"\1" + topic for topic in topics]


def test_verbose_reports_every_subscription(xpub_and_subs):
    xpub, (one, other) = xpub_and_subs(2, xpub_verbose=1)
    one.subscribe(b"a")
    one.subscribe(b"a")
    assert told(xpub, one) == [b"\1a", b"\1a"]
    other.subscribe(b"a")
    assert told(xpub, other) == [b"\1a"]
    one.unsubscribe(b"a")
    one.unsubscribe(b"a")
    assert told(xpub, one) == []
    other.unsubscribe(b"a")
    assert told(xpub, other) == [b"\0a"]


def test_verboser_also_reports_every_cancellation(xpub_and_subs):
    xpub, (one, other) = xpub_and_subs(2, xpub_verboser=1)
    for sub in one, other:
        sub.subscribe(b"a")
        assert told(xpub, sub) == [b"\1a"]
    for sub in one, other:
        sub.unsubscribe(b"a")
        assert told(xpub, sub) == [b"\0a"]


def test_verbose_after_verboser_reports_only_subscriptions(xpub_and_subs):
    xpub, (one, other) = xpub_and_subs(2, xpub_verboser=1)
    xpub.xpub_verbose = 1
    for sub in one, other:
        sub.subscribe(b"a")
        assert told(xpub, sub) == [b"\1a"]
    one.unsubscribe(b"a")
    assert told(xpub, one) == []


def test_leaving_subscriber_cancels_topics_only_it_had(xpub_and_subs):
    xpub, (one, other) = xpub_and_subs(2)
    one.subscribe(b"a")
    one.subscribe(b"b")
    hear(xpub, b"\1a", b"\1b")
    other.subscribe(b"b")
    assert told(xpub, other) == []
    one.close()
    assert xpub.recv() == b"\0a"
    assert told(xpub, other) == []


def test_verboser_reports_all_topics_of_a_leaving_subscriber(xpub_and_subs):
    xpub, (one, other) = xpub_and_subs(2, xpub_verboser=1)
    for sub in one, other:
        sub.subscribe(b"a")
        assert told(xpub, sub) == [b"\1a"]
    one.close()
    assert xpub.recv() == b"\0a"


def test_disconnect_cancels_the_subscriptions(xpub_and_subs):
    xpub, (sub,) = xpub_and_subs(1)
    sub.subscribe(b"a")
    assert xpub.recv() == b"\1a"
    sub.disconnect(xpub.last_endpoint)
    assert xpub.recv() == b"\0a"
    connect(sub, xpub)
    assert xpub.recv() == b"\1a"


# -- XPUB_MANUAL ---------------------------------------------------------------------------


@pytest.fixture
def manual(connected_pair):
    """Return an XPUB in manual mode and an XSUB, which does not filter what it receives."""
    return connected_pair(zmq.XPUB, zmq.XSUB, a={"xpub_manual": 1})


def test_manual_subscribes_to_the_topic_that_the_user_sets(manual):
    xpub, xsub = manual
    xsub.send(b"\1a")
    assert xpub.recv() == b"\1a"
    xpub.send(b"a")
    xpub.set(zmq.SUBSCRIBE, b"xa")
    xpub.send(b"a")
    xpub.send(b"xa")
    assert xsub.recv() == b"xa"
    assert would_wait(xsub.recv)


def test_manual_cancels_the_topic_that_the_user_sets(manual):
    xpub, xsub = manual
    xsub.send(b"\1a")
    assert xpub.recv() == b"\1a"
    xpub.set(zmq.SUBSCRIBE, b"xa")
    xpub.set(zmq.SUBSCRIBE, b"end")
    xsub.send(b"\0a")
    assert xpub.recv() == b"\0a"
    xpub.send(b"xa 1")
    xpub.set(zmq.UNSUBSCRIBE, b"xa")
    xpub.send(b"xa 2")
    xpub.send(b"end")
    assert [xsub.recv(), xsub.recv()] == [b"xa 1", b"end"]


def test_manual_subscription_applies_to_the_last_reported_peer(bound, connected):
    xpub = bound(zmq.XPUB, xpub_manual=1)
    one, other = [connected(zmq.XSUB, xpub) for _ in range(2)]
    for number, xsub in enumerate([one, other]):
        xsub.send(b"\1a")
        assert xpub.recv() == b"\1a"
        xpub.set(zmq.SUBSCRIBE, b"%d" % number)
    xpub.send(b"0")
    xpub.send(b"1")
    assert one.recv() == b"0"
    assert other.recv() == b"1"
    assert would_wait(one.recv)
    assert would_wait(other.recv)


def test_manual_reports_every_message(manual):
    xpub, xsub = manual
    for message in b"\1a", b"\1a", b"\1b":
        xsub.send(message)
    assert [xpub.recv() for _ in range(3)] == [b"\1a", b"\1a", b"\1b"]


def test_manual_reports_requested_topics_of_a_leaving_peer(manual):
    xpub, xsub = manual
    xsub.send(b"\1a")
    assert xpub.recv() == b"\1a"
    xpub.set(zmq.SUBSCRIBE, b"xa")
    xsub.close()
    assert xpub.recv() == b"\0a"
    # The peer of this report has left. A subscription for the peer must do no harm.
    xpub.set(zmq.SUBSCRIBE, b"xb")
    xpub.send(b"xa")
    xpub.send(b"xb")


def test_manual_last_value_goes_only_to_the_last_reported_peer(bound, connected):
    xpub = bound(zmq.XPUB)
    xpub.set(zmq.XPUB_MANUAL_LAST_VALUE, 1)
    one, other = [connected(zmq.XSUB, xpub) for _ in range(2)]
    for xsub in one, other:
        xsub.send(b"\1a")
        assert xpub.recv() == b"\1a"
        xpub.set(zmq.SUBSCRIBE, b"a")
        xpub.send(b"a last value")
        xpub.send(b"a for all")
        assert xsub.recv() == b"a last value"
        assert xsub.recv() == b"a for all"
    # The first peer must not receive the message for the second peer.
    assert one.recv() == b"a for all"
    assert would_wait(one.recv)


# -- XPUB_NODROP ---------------------------------------------------------------------------


def numbered(number):
    return [b"%d" % number, LARGE]


@pytest.mark.parametrize("publisher", [zmq.XPUB, zmq.PUB], ids=lambda one: one.name)
def test_nodrop_waits_for_the_slowest_subscriber(bound, connected, publisher):
    pub = bound(publisher, xpub_nodrop=1, sndhwm=4)
    subs = [connected(zmq.SUB, pub, rcvhwm=4) for _ in range(2)]
    for sub in subs:
        sub.subscribe(b"a")
        until_subscribed(pub, sub)
    accepted = fill(pub, lambda number: [b"a", *numbered(number)])
    with raises_again():
        pub.send(b"a", zmq.NOBLOCK)
    sending = waiting(pub.send, b"a last")
    for sub in subs:
        assert [sub.recv_multipart() for _ in accepted] == accepted
    values([sending])
    assert [sub.recv() for sub in subs] == [b"a last"] * 2


def test_nodrop_does_not_wait_for_subscribers_of_other_topics(connected_pair):
    xpub, xsub = connected_pair(zmq.XPUB, zmq.XSUB, **narrow(2, 2), a={"xpub_nodrop": 1})
    xsub.send(b"\1a")
    assert xpub.recv() == b"\1a"
    accepted = fill(xpub, lambda number: [b"a", LARGE])
    for _ in range(100):
        xpub.send(b"b", zmq.NOBLOCK)
    assert [xsub.recv_multipart() for _ in accepted] == accepted


def test_nodrop_without_subscribers_drops(bound):
    xpub = bound(zmq.XPUB, xpub_nodrop=1, sndhwm=1)
    for _ in range(10):
        xpub.send(b"x", zmq.NOBLOCK)


@over_a_network
def test_nodrop_continues_when_the_slow_subscriber_leaves(connected_pair):
    xpub, xsub = connected_pair(zmq.XPUB, zmq.XSUB, **narrow(2, 2), a={"xpub_nodrop": 1})
    xsub.send(b"\1")
    assert xpub.recv() == b"\1"
    fill(xpub, numbered)
    sending = waiting(xpub.send, b"x")
    with watching(xpub, zmq.EVENT_DISCONNECTED):
        xsub.close(linger=0)
    values([sending])


# -- XPUB_WELCOME_MSG ----------------------------------------------------------------------


def test_welcome_message_arrives_first(bound, make):
    xpub, sub = bound(zmq.XPUB, xpub_welcome_msg=b"welcome"), make(zmq.SUB)
    sub.subscribe(b"welcome")
    sub.subscribe(b"a")
    connect(sub, xpub)
    assert sub.recv() == b"welcome"
    hear(xpub, b"\1a")
    xpub.send(b"a")
    assert sub.recv() == b"a"


def test_every_new_peer_gets_the_welcome_message(bound, make):
    xpub = bound(zmq.XPUB, xpub_welcome_msg=b"welcome")
    for _ in range(3):
        sub = make(zmq.SUB)
        sub.subscribe(b"")
        connect(sub, xpub)
        assert sub.recv() == b"welcome"


def test_subscriber_filters_the_welcome_message(bound, make):
    xpub, sub = bound(zmq.XPUB, xpub_welcome_msg=b"welcome"), make(zmq.SUB)
    sub.subscribe(b"a")
    connect(sub, xpub)
    hear(xpub, b"\1a")
    xpub.send(b"a")
    assert sub.recv() == b"a"


def test_welcome_message_can_be_removed(bound, make):
    xpub, xsub = bound(zmq.XPUB, xpub_welcome_msg=b"welcome"), make(zmq.XSUB)
    xpub.set(zmq.XPUB_WELCOME_MSG, b"")
    connect(xsub, xpub)
    xsub.send(b"\1a")
    assert xpub.recv() == b"\1a"
    xpub.send(b"a")
    assert xsub.recv() == b"a"
