"""High-water marks count whole messages. At a mark, some socket types wait and others drop.

No other message is lost. See SNDHWM and RCVHWM in zmq_setsockopt(3), and "Action in mute state" in
zmq_socket(3).
"""

import pytest
from guard import GUARD
from meeting import (
    LARGE,
    fill,
    inproc_only,
    narrow,
    over_a_network,
    raises_again,
    until_subscribed,
    values,
    waiting,
    would_wait,
)

import zlinkcompat as zmq
from zlinkcompat.debug import build_info

WAITING = [(zmq.PUSH, zmq.PULL), (zmq.DEALER, zmq.DEALER), (zmq.PAIR, zmq.PAIR)]
HUGE = 2_000_000
#: The pure-Python fallback would take too long for HUGE messages.
MANY = HUGE if build_info()["compiled"] else 50_000


def name(value):
    return getattr(value, "name", None)


def numbered(number):
    return [b"%d" % number, LARGE]


def bodies(count):
    return [b"%d" % number for number in range(count)]


waiting_types = pytest.mark.parametrize(("sender", "receiver"), WAITING, ids=name)


@pytest.mark.parametrize("socket_type", list(zmq.SocketType)[:12], ids=name)
def test_default_is_1000(make, socket_type):
    sock = make(socket_type)
    assert (sock.sndhwm, sock.rcvhwm) == (1000, 1000)


# -- before there is a peer: exactly SNDHWM ------------------------------------------------


@waiting_types
@pytest.mark.parametrize("sndhwm", [1, 2, 3, 1000])
def test_connecter_queues_sndhwm_messages_for_an_absent_peer(
    make, endpoints, sender, receiver, sndhwm
):
    one, other = make(sender, sndhwm=sndhwm), make(receiver)
    endpoint = endpoints.fixed()
    one.connect(endpoint)
    for body in bodies(sndhwm):
        one.send(body, zmq.NOBLOCK)
    assert would_wait(one.send, b"too much")
    other.bind(endpoint)
    assert [other.recv() for _ in range(sndhwm)] == bodies(sndhwm)


def test_req_has_one_request_at_most(make, endpoints):
    req, rep = make(zmq.REQ, sndhwm=1, req_relaxed=1), make(zmq.REP)
    endpoint = endpoints.fixed()
    req.connect(endpoint)
    req.send(b"1", zmq.NOBLOCK)
    with raises_again():
        req.send(b"2", zmq.NOBLOCK)
    rep.bind(endpoint)
    assert rep.recv() == b"1"


def test_zero_is_no_limit(make, endpoints):
    push, pull = make(zmq.PUSH, sndhwm=0), make(zmq.PULL, rcvhwm=0)
    endpoint = endpoints.fixed()
    push.connect(endpoint)
    for body in bodies(3000):
        push.send(body, zmq.NOBLOCK)
    pull.bind(endpoint)
    assert [pull.recv() for _ in range(3000)] == bodies(3000)


def test_multipart_message_counts_as_one(make, endpoints):
    push, pull = make(zmq.PUSH, sndhwm=2), make(zmq.PULL)
    endpoint = endpoints.fixed()
    push.connect(endpoint)
    for body in bodies(2):
        push.send_multipart([body] * 100, zmq.NOBLOCK)
    assert would_wait(push.send, b"too much")
    pull.bind(endpoint)
    assert [pull.recv_multipart() for _ in range(2)] == [[body] * 100 for body in bodies(2)]


@waiting_types
def test_sender_full_before_the_bind_continues_after_it(make, endpoints, sender, receiver):
    one, other = make(sender, sndhwm=4), make(receiver)
    endpoint = endpoints.fixed()
    one.connect(endpoint)
    accepted = fill(one, numbered)
    one.sndtimeo = -1
    sending = waiting(one.send, b"last")
    other.bind(endpoint)
    assert [other.recv_multipart() for _ in accepted] == accepted
    assert other.recv() == b"last"
    values([sending])


def test_first_part_waits_for_room_and_later_ones_do_not(make, endpoints):
    push, pull = make(zmq.PUSH, sndhwm=1), make(zmq.PULL)
    endpoint = endpoints.fixed()
    push.connect(endpoint)
    push.send(b"1a", zmq.NOBLOCK | zmq.SNDMORE)
    push.send(b"1b", zmq.NOBLOCK)
    with raises_again():
        push.send(b"2a", zmq.NOBLOCK | zmq.SNDMORE)
    pull.bind(endpoint)
    assert pull.recv_multipart() == [b"1a", b"1b"]
    push.send(b"3")
    assert pull.recv_multipart() == [b"3"]


@over_a_network
def test_sndhwm_can_be_raised_after_connect(make, endpoints):
    push = make(zmq.PUSH, sndhwm=1)
    push.connect(endpoints.fixed())
    push.sndhwm = 3
    for body in bodies(3):
        push.send(body, zmq.NOBLOCK)
    assert would_wait(push.send, b"too much")


@over_a_network
def test_sndhwm_can_be_lowered_after_connect(make, endpoints):
    push = make(zmq.PUSH, sndhwm=100)
    push.connect(endpoints.fixed())
    push.sndhwm = 2
    push.send(b"1", zmq.NOBLOCK)
    push.send(b"2", zmq.NOBLOCK)
    assert would_wait(push.send, b"too much")


# -- with a peer that does not read --------------------------------------------------------


@waiting_types
def test_accepted_messages_arrive_in_order(connected_pair, sender, receiver):
    one, other = connected_pair(sender, receiver, **narrow(3, 2))
    accepted = fill(one, numbered)
    assert len(accepted) >= 5
    assert [other.recv_multipart() for _ in accepted] == accepted
    assert not other.poll(0)
    one.send(b"room again")
    assert other.recv() == b"room again"


@waiting_types
def test_waiting_sender_is_woken_by_the_reader(connected_pair, sender, receiver):
    one, other = connected_pair(sender, receiver, **narrow(2, 2))
    accepted = fill(one, numbered)
    sending = waiting(one.send, b"last")
    assert [other.recv_multipart() for _ in accepted] == accepted
    assert other.recv() == b"last"
    values([sending])


def test_sender_waits_for_the_reader(connected_pair):
    push, pull = connected_pair(zmq.PUSH, zmq.PULL, **narrow(1, 1))
    sending = waiting(lambda: [push.send_multipart(numbered(number)) for number in range(50)])
    assert [pull.recv_multipart()[0] for _ in range(50)] == bodies(50)
    values([sending])


@waiting_types
def test_poll_for_output_reports_room(connected_pair, sender, receiver):
    one, other = connected_pair(sender, receiver, **narrow(2, 2))
    assert one.poll(0, zmq.POLLOUT) == zmq.POLLOUT
    accepted = fill(one, numbered)
    assert one.poll(0, zmq.POLLOUT) == 0
    for _ in accepted:
        other.recv_multipart()
    assert one.poll(GUARD * 1000, zmq.POLLOUT) == zmq.POLLOUT


@inproc_only
class TestInproc:
    """Over inproc one pipe connects two sockets; its limit is the sum of both high-water marks."""

    @pytest.mark.parametrize(("sndhwm", "rcvhwm"), [(1, 1), (2, 3), (3, 2)])
    def test_marks_add_up(self, connected_pair, sndhwm, rcvhwm):
        _pull, push = connected_pair(zmq.PULL, zmq.PUSH, sndhwm=sndhwm, rcvhwm=rcvhwm)
        assert len(fill(push, numbered)) == sndhwm + rcvhwm

    @pytest.mark.parametrize(("sndhwm", "rcvhwm"), [(1, 1), (2, 3), (3, 2)])
    def test_marks_add_up_when_the_binder_sends(self, connected_pair, sndhwm, rcvhwm):
        push, _pull = connected_pair(zmq.PUSH, zmq.PULL, sndhwm=sndhwm, rcvhwm=rcvhwm)
        assert len(fill(push, numbered)) == sndhwm + rcvhwm

    @pytest.mark.parametrize(("sndhwm", "rcvhwm"), [(0, 1), (1, 0), (0, 0)])
    def test_no_limit_on_one_side_means_no_limit(self, connected_pair, sndhwm, rcvhwm):
        push, pull = connected_pair(zmq.PUSH, zmq.PULL, sndhwm=sndhwm, rcvhwm=rcvhwm)
        for body in bodies(3000):
            push.send(body, zmq.NOBLOCK)
        assert [pull.recv() for _ in range(3000)] == bodies(3000)

    def test_late_binder_adds_its_mark(self, make, endpoint):
        push, pull = make(zmq.PUSH, sndhwm=2), make(zmq.PULL, rcvhwm=3)
        push.connect(endpoint)
        push.send(b"1", zmq.NOBLOCK)
        pull.bind(endpoint)
        assert len(fill(push, numbered)) == 4

    def test_room_is_reported_when_half_is_free(self, connected_pair):
        # As with libzmq's low-water mark, room for a single message does not wake a full sender.
        push, pull = connected_pair(zmq.PUSH, zmq.PULL, sndhwm=4, rcvhwm=4)
        fill(push, numbered)
        pull.recv_multipart()
        assert would_wait(push.send, b"x")
        for _ in range(3):
            pull.recv_multipart()
        assert not would_wait(push.send, b"x")


# -- dropping types ------------------------------------------------------------------------


@pytest.fixture(params=["PUB", "XPUB", "ROUTER"])
def lossy_pair(request, connected_pair):
    """``lossy_pair(**options)`` returns a sender that drops messages, and its receiver.

    It also returns the frames with which each message has to begin.
    """

    def lossy_pair(**options):
        kind = getattr(zmq, request.param)
        if kind == zmq.ROUTER:
            options = {**options, "b": {"routing_id": b"peer"}}
            return *connected_pair(kind, zmq.DEALER, **options), [b"peer"]
        sender, receiver = connected_pair(kind, zmq.SUB, **options)
        receiver.subscribe(b"")
        until_subscribed(sender, receiver)
        return sender, receiver, []

    return lossy_pair


def test_messages_that_find_no_room_are_dropped(lossy_pair):
    sender, receiver, prefix = lossy_pair(**narrow(2, 2))
    # A send never waits, however many messages came before it.
    for number in range(200):
        sender.send_multipart([*prefix, b"%d" % number, LARGE], zmq.NOBLOCK)
    received = []
    while not received or received[-1] != b"end":
        if not receiver.poll(1):
            sender.send_multipart([*prefix, b"end", LARGE])
        else:
            received.append(receiver.recv_multipart()[0])
    numbers = [int(number) for number in received if number != b"end"]
    # The first messages found room. Later ones were dropped, or arrived whole, once and in order.
    assert numbers[:2] == [0, 1]
    assert numbers == sorted(set(numbers))
    assert len(numbers) < 200


@inproc_only
def test_newest_messages_are_dropped(lossy_pair):
    sender, receiver, prefix = lossy_pair(sndhwm=2, rcvhwm=3)
    for body in bodies(100):
        sender.send_multipart([*prefix, body])
    assert [receiver.recv_multipart() for _ in range(5)] == [[body] for body in bodies(5)]
    assert would_wait(receiver.recv)


@pytest.mark.parametrize("publisher", [zmq.PUB, zmq.XPUB], ids=name)
def test_slow_subscriber_does_not_delay_the_others(bound, connected, publisher):
    pub = bound(publisher, sndhwm=50)
    slow, quick = [connected(zmq.SUB, pub, rcvhwm=50) for _ in range(2)]
    for sub in slow, quick:
        sub.subscribe(b"")
        until_subscribed(pub, sub)
    for number in range(200):
        pub.send_multipart(numbered(number))
        assert quick.recv_multipart() == numbered(number)


@pytest.mark.parametrize("publisher", [zmq.PUB, zmq.XPUB], ids=name)
def test_publisher_without_subscribers_drops(bound, publisher):
    pub = bound(publisher, sndhwm=1)
    for body in bodies(10):
        pub.send(body, zmq.NOBLOCK)
    assert pub.poll(0, zmq.POLLOUT) == zmq.POLLOUT


def test_mandatory_router_waits_for_room(connected_pair):
    router, dealer = connected_pair(
        zmq.ROUTER, zmq.DEALER, **narrow(2, 2),
        a={"router_mandatory": 1}, b={"routing_id": b"peer"},
    )  # fmt: skip
    accepted = fill(router, lambda number: [b"peer", *numbered(number)])
    with raises_again():
        router.send_multipart([b"peer", b"x"], zmq.NOBLOCK)
    sending = waiting(router.send_multipart, [b"peer", b"last"])
    assert [dealer.recv_multipart() for _ in accepted] == [message[1:] for message in accepted]
    assert dealer.recv_multipart() == [b"last"]
    values([sending])


# -- a large mark --------------------------------------------------------------------------


@pytest.mark.timeout(600)
def test_huge_mark_loses_nothing(make, endpoints):
    push, pull = make(zmq.PUSH, sndhwm=HUGE), make(zmq.PULL, rcvhwm=HUGE)
    assert (push.sndhwm, pull.rcvhwm) == (HUGE, HUGE)
    endpoint = endpoints.fixed()
    push.connect(endpoint)
    send = push.send
    for number in range(MANY):
        send(b"%d" % number, zmq.NOBLOCK)
    if MANY == HUGE:
        assert would_wait(push.send, b"too much")
    pull.bind(endpoint)
    recv = pull.recv
    for number in range(MANY):
        if recv() != b"%d" % number:
            raise AssertionError(f"message {number} is lost")
