"""All parts of a message arrive at one receiver and in order, or no part arrives."""

import pytest
from meeting import connect, raises_again, until_subscribed, would_wait

import zlinkcompat as zmq

PARTS = [b"first", b"", b"third"]


def name(value):
    return value.name


def test_nothing_is_seen_before_the_last_part(bound, connected):
    pull = bound(zmq.PULL)
    slow, quick = connected(zmq.PUSH, pull), connected(zmq.PUSH, pull)
    slow.send(b"first", zmq.SNDMORE)
    slow.send(b"", zmq.SNDMORE)
    quick.send(b"whole")
    assert pull.recv_multipart() == [b"whole"]
    assert pull.poll(10) == 0
    slow.send(b"third")
    assert pull.recv_multipart() == PARTS


@pytest.mark.parametrize(
    ("sender", "receiver"),
    [(zmq.PAIR, zmq.PAIR), (zmq.DEALER, zmq.DEALER), (zmq.REQ, zmq.REP), (zmq.PUSH, zmq.PULL)],
    ids=name,
)
def test_no_receiver_sees_a_message_before_its_last_part(connected_pair, sender, receiver):
    other, one = connected_pair(receiver, sender)
    for part in PARTS[:-1]:
        one.send(part, zmq.SNDMORE)
        assert other.poll(1) == 0
    with raises_again():
        other.recv(zmq.NOBLOCK)
    one.send(PARTS[-1])
    assert other.recv_multipart() == PARTS


def test_parts_have_more_until_the_last(connected_pair):
    push, pull = connected_pair(zmq.PUSH, zmq.PULL)
    push.send_multipart(PARTS)
    push.send(b"single")
    for part, more in (b"first", 1), (b"", 1), (b"third", 0), (b"single", 0):
        assert pull.recv() == part
        assert pull.rcvmore == more
        assert pull.get(zmq.RCVMORE) == more


def test_frames_know_whether_they_have_more(connected_pair):
    push, pull = connected_pair(zmq.PUSH, zmq.PULL)
    push.send_multipart(PARTS)
    frames = pull.recv_multipart(copy=False)
    assert [(frame.bytes, frame.more) for frame in frames] == [
        (b"first", True), (b"", True), (b"third", False),
    ]  # fmt: skip


def test_all_parts_are_readable_at_once(connected_pair):
    push, pull = connected_pair(zmq.PUSH, zmq.PULL)
    push.send_multipart(PARTS)
    assert pull.recv() == b"first"
    assert pull.poll(0) == zmq.POLLIN
    assert pull.recv(zmq.NOBLOCK) == b""
    assert pull.recv_multipart(zmq.NOBLOCK) == [b"third"]
    assert would_wait(pull.recv)


def test_parts_of_two_messages_do_not_mix(bound, connected):
    pull = bound(zmq.PULL)
    pushes = [connected(zmq.PUSH, pull) for _ in range(2)]
    for part in range(3):
        for sender, push in enumerate(pushes):
            push.send(b"%d.%d" % (sender, part), zmq.SNDMORE if part < 2 else 0)
    messages = sorted(pull.recv_multipart() for _ in range(2))
    assert messages == [[b"0.0", b"0.1", b"0.2"], [b"1.0", b"1.1", b"1.2"]]


def test_all_parts_go_to_one_receiver(bound, connected):
    push = bound(zmq.PUSH)
    pulls = [connected(zmq.PULL, push) for _ in range(3)]
    for number in range(9):
        for part in range(3):
            push.send(b"%d.%d" % (number, part), zmq.SNDMORE if part < 2 else 0)
    for pull in pulls:
        for _ in range(3):
            parts = pull.recv_multipart()
            number = parts[0].split(b".")[0]
            assert parts == [number + b".%d" % part for part in range(3)]


def test_send_multipart_continues_a_begun_message(connected_pair):
    push, pull = connected_pair(zmq.PUSH, zmq.PULL)
    push.send(b"1", zmq.SNDMORE)
    push.send_multipart([b"2", b"3"], zmq.SNDMORE)
    push.send_multipart([b"4", b"5"])
    assert pull.recv_multipart() == [b"1", b"2", b"3", b"4", b"5"]


def test_unfinished_message_is_dropped_with_its_socket(bound, connected):
    pull = bound(zmq.PULL)
    one = connected(zmq.PUSH, pull)
    one.send(b"whole")
    one.send(b"never finished", zmq.SNDMORE)
    one.close()
    assert pull.recv_multipart() == [b"whole"]
    other = connected(zmq.PUSH, pull)
    other.send_multipart(PARTS)
    assert pull.recv_multipart() == PARTS


@pytest.mark.parametrize("publisher", [zmq.PUB, zmq.XPUB], ids=name)
def test_first_part_decides_the_receiver(connected_pair, publisher):
    pub, sub = connected_pair(publisher, zmq.SUB)
    sub.subscribe(b"a")
    until_subscribed(pub, sub)
    pub.send_multipart([b"b", b"a", b"a"])
    pub.send(b"b", zmq.SNDMORE)
    pub.send(b"a")
    pub.send_multipart([b"a", b"b", b"b"])
    assert sub.recv_multipart() == [b"a", b"b", b"b"]
    assert would_wait(sub.recv)


@pytest.mark.parametrize("publisher", [zmq.PUB, zmq.XPUB], ids=name)
def test_subscriber_joining_mid_message_gets_no_part_of_it(bound, connected, make, publisher):
    pub = bound(publisher)
    early, late = connected(zmq.SUB, pub), make(zmq.SUB)
    early.subscribe(b"")
    until_subscribed(pub, early)
    pub.send(b"first", zmq.SNDMORE)
    late.subscribe(b"")
    connect(late, pub)
    pub.send(b"last")
    assert early.recv_multipart() == [b"first", b"last"]
    received = []
    while received[-1:] != [[b"end"]]:
        pub.send(b"end")
        if late.poll(1):
            received.append(late.recv_multipart())
    assert received[0] in ([b"first", b"last"], [b"end"])


def test_receivers_may_change_the_lists_they_get(bound, connected):
    pub = bound(zmq.XPUB)
    subs = [connected(zmq.SUB, pub) for _ in range(2)]
    for sub in subs:
        sub.subscribe(b"")
        until_subscribed(pub, sub)
    mine = list(PARTS)
    pub.send_multipart(mine)
    mine.clear()
    for sub in subs:
        while True:
            parts = sub.recv_multipart()
            if parts == PARTS:
                parts.clear()
                break
