"""A subscriber gets each message that begins with a subscribed prefix, once (RFC 29).

Equal subscriptions are counted.
"""

import pytest
from guard import GUARD
from meeting import connect, hear, until_subscribed, would_wait

import zlinkcompat as zmq

END = b"\xfeend"

publishers = pytest.mark.parametrize("publisher", [zmq.PUB, zmq.XPUB], ids=lambda one: one.name)


def publish(pub, *messages):
    for message in messages:
        pub.send(message)
    pub.send(END)


def received(sub):
    """Return the messages that arrive before END, to which the socket has subscribed."""
    messages = []
    while (message := sub.recv()) != END:
        messages.append(message)
    return messages


@pytest.fixture
def subscribed(connected_pair):
    """``subscribed(publisher, *topics)`` returns a publisher and a SUB.

    When it returns, the publisher has received the SUB's subscriptions.
    """

    def subscribed(publisher, *topics, **options):
        pub, sub = connected_pair(publisher, zmq.SUB, **options)
        for topic in [END, *topics]:
            sub.subscribe(topic)
        until_subscribed(pub, sub)
        return pub, sub

    return subscribed


@publishers
@pytest.mark.parametrize(
    ("topic", "wanted"),
    [
        (b"", [b"", b"a", b"ab", b"abc", b"b", b"\0"]),
        (b"a", [b"a", b"ab", b"abc"]),
        (b"ab", [b"ab", b"abc"]),
        (b"abcd", []),
        (b"\0", [b"\0"]),
    ],
)
def test_prefix(subscribed, publisher, topic, wanted):
    pub, sub = subscribed(publisher, topic)
    publish(pub, b"", b"a", b"ab", b"abc", b"b", b"\0")
    assert received(sub) == wanted


@publishers
def test_nothing_is_received_without_a_subscription(subscribed, publisher):
    pub, sub = subscribed(publisher)
    publish(pub, b"", b"a", b"\xff")
    assert received(sub) == []


@publishers
def test_long_topic(subscribed, publisher):
    topic = bytes(range(256)) * 20
    pub, sub = subscribed(publisher, topic)
    publish(pub, topic[:-1], topic, topic + b"more", topic[1:])
    assert received(sub) == [topic, topic + b"more"]


@publishers
def test_message_matching_twice_is_received_once(subscribed, publisher):
    pub, sub = subscribed(publisher, b"", b"a", b"ab")
    publish(pub, b"abc", b"ab", b"a", b"")
    assert received(sub) == [b"abc", b"ab", b"a", b""]


@publishers
def test_subscriptions_are_counted(subscribed, publisher):
    pub, sub = subscribed(publisher, b"a", b"a")
    sub.unsubscribe(b"a")
    until_subscribed(pub, sub)
    publish(pub, b"a1")
    assert received(sub) == [b"a1"]
    sub.unsubscribe(b"a")
    until_subscribed(pub, sub)
    publish(pub, b"a2")
    assert received(sub) == []
    sub.subscribe(b"a")
    until_subscribed(pub, sub)
    publish(pub, b"a3")
    assert received(sub) == [b"a3"]


@publishers
def test_unsubscribing_works_at_once(subscribed, publisher):
    # Matching messages that are already on their way are not received either.
    pub, sub = subscribed(publisher, b"a")
    publish(pub, b"a")
    assert sub.poll(GUARD * 1000)
    assert received(sub) == [b"a"]
    sub.unsubscribe(b"a")
    publish(pub, b"a")
    assert received(sub) == []


@publishers
def test_unsubscribing_leaves_the_other_topics(subscribed, publisher):
    pub, sub = subscribed(publisher, b"a", b"ab", b"b")
    sub.unsubscribe(b"a")
    until_subscribed(pub, sub)
    publish(pub, b"a", b"ab", b"abc", b"ac", b"b")
    assert received(sub) == [b"ab", b"abc", b"b"]


@publishers
def test_unsubscribing_an_unknown_topic_has_no_effect(subscribed, publisher):
    pub, sub = subscribed(publisher, b"a")
    for topic in b"", b"b", b"ab":
        sub.unsubscribe(topic)
    until_subscribed(pub, sub)
    publish(pub, b"a", b"b")
    assert received(sub) == [b"a"]


@publishers
def test_each_subscriber_gets_its_own_topics(bound, connected, publisher):
    pub = bound(publisher)
    subs = {topic: connected(zmq.SUB, pub) for topic in (b"a", b"b", b"")}
    for topic, sub in subs.items():
        sub.subscribe(topic)
        sub.subscribe(END)
        until_subscribed(pub, sub)
    publish(pub, b"a", b"b", b"c")
    for topic, wanted in (b"a", [b"a"]), (b"b", [b"b"]):
        assert received(subs[topic]) == wanted
    # The subscriber of everything also received the topics of the other subscribers.
    assert received(subs[b""])[-3:] == [b"a", b"b", b"c"]


@publishers
def test_subscriptions_before_connecting(make, bound, publisher):
    pub, sub = bound(publisher), make(zmq.SUB)
    for topic in b"a", b"a", b"b", END:
        sub.subscribe(topic)
    sub.unsubscribe(b"a")
    sub.unsubscribe(b"b")
    connect(sub, pub)
    until_subscribed(pub, sub)
    publish(pub, b"a", b"b", b"c")
    assert received(sub) == [b"a"]


@publishers
def test_subscriber_of_two_publishers(make, bound, publisher):
    sub = make(zmq.SUB)
    sub.subscribe(b"a")
    pubs = [bound(publisher) for _ in range(2)]
    for number, pub in enumerate(pubs):
        connect(sub, pub)
        until_subscribed(pub, sub)
        pub.send(b"a%d" % number)
        assert sub.recv() == b"a%d" % number
    for number, pub in enumerate(pubs):
        pub.send(b"b")
        pub.send(b"a%d" % number)
    assert {sub.recv() for _ in pubs} == {b"a0", b"a1"}


# -- INVERT_MATCHING, set on both sides ----------------------------------------------------


@publishers
def test_inverted_subscriber_receives_non_matching_messages(connected_pair, publisher):
    pub, sub = connected_pair(publisher, zmq.SUB, invert_matching=1)
    sub.subscribe(b"a")
    publish(pub, b"a", b"ab", b"b", b"")
    assert received(sub) == [b"b", b""]


def test_inverted_publisher_sends_non_matching_messages(connected_pair):
    # The peer is an XSUB, which does not filter what it receives.
    xpub, xsub = connected_pair(zmq.XPUB, zmq.XSUB, invert_matching=1)
    xsub.send(b"\1a")
    hear(xpub, b"\1a")
    publish(xpub, b"a", b"ab", b"b", b"")
    assert received(xsub) == [b"b", b""]


def test_inverted_publisher_sends_all_without_subscriptions(connected_pair):
    xpub, xsub = connected_pair(zmq.XPUB, zmq.XSUB, invert_matching=1)
    publish(xpub, b"a", b"b", b"")
    assert received(xsub) == [b"a", b"b", b""]


# -- XSUB ----------------------------------------------------------------------------------


@publishers
def test_xsub_subscribes_by_messages(connected_pair, publisher):
    pub, xsub = connected_pair(publisher, zmq.XSUB)
    for message in b"\1a", b"\1b", b"\0b", b"\1" + END:
        xsub.send(message)
    while not xsub.poll(1):
        pub.send(END)
    while xsub.poll(1):
        assert xsub.recv() == END
    publish(pub, b"a", b"b", b"c")
    assert received(xsub) == [b"a"]


def test_xsub_counts_its_subscriptions(connected_pair):
    xpub, xsub = connected_pair(zmq.XPUB, zmq.XSUB)
    for message in b"\1a", b"\1a", b"\0a", b"\1b", b"\0a", b"\0a", b"\1c":
        xsub.send(message)
    assert [xpub.recv() for _ in range(4)] == [b"\1a", b"\1b", b"\0a", b"\1c"]
    assert would_wait(xpub.recv)


def test_xsub_receives_unfiltered_messages(bound, connected, make):
    # Unlike a SUB, an XSUB does not filter. So it receives what an XPUB in manual mode sends it.
    xpub, xsub = bound(zmq.XPUB, xpub_manual=1), make(zmq.XSUB)
    connect(xsub, xpub)
    xsub.send(b"\1a")
    assert xpub.recv() == b"\1a"
    xpub.set(zmq.SUBSCRIBE, b"b")
    xpub.send(b"a")
    xpub.send(b"b")
    assert xsub.recv() == b"b"


def test_xsub_sends_messages_upstream(bound, make):
    xpubs = [bound(zmq.XPUB) for _ in range(2)]
    xsub = make(zmq.XSUB)
    for xpub in xpubs:
        connect(xsub, xpub)
    xsub.send(b"hello")
    xsub.send_multipart([b"two", b"parts"])
    for xpub in xpubs:
        assert xpub.recv_multipart() == [b"hello"]
        assert xpub.recv_multipart() == [b"two", b"parts"]


@pytest.mark.parametrize("later", [b"\1BC", b"\0BC"])
def test_multipart_message_of_an_xsub_stays_whole(connected_pair, later):
    xpub, xsub = connected_pair(zmq.XPUB, zmq.XSUB)
    xsub.send_multipart([b"ABC", later, b"end"])
    assert xpub.recv_multipart() == [b"ABC", later, b"end"]
    xsub.send_multipart([b"next", b"message"])
    assert xpub.recv_multipart() == [b"next", b"message"]


def test_send_applies_more_subscriptions_than_the_mark(phases, connected_pair):
    pub, sub = connected_pair(zmq.PUB, zmq.SUB, a={"rcvhwm": 10})
    for number in range(500):
        sub.subscribe(b"%d." % number)
    while not sub.poll(1):
        # A send first applies all subscriptions that have arrived, even if they exceed RCVHWM.
        pub.send(b"499.")
    assert sub.recv() == b"499."


def test_forwarder_passes_subscriptions_on(bound, connected):
    xpub = bound(zmq.XPUB)
    front = connected(zmq.XSUB, xpub)
    back = bound(zmq.XPUB)
    sub = connected(zmq.SUB, back)
    sub.subscribe(b"a")
    front.send(back.recv())
    hear(xpub, b"\1a")
    xpub.send_multipart([b"a", b"body"])
    back.send_multipart(front.recv_multipart())
    assert sub.recv_multipart() == [b"a", b"body"]
