"""If a message is sent frame by frame, its first frame decides whether it is accepted.

A failure at a later frame drops the whole message.
"""

import gevent
import pytest
from guard import GUARD
from meeting import (
    connect,
    fill,
    inproc_only,
    narrow,
    over_a_network,
    raises,
    raises_again,
    raises_terminated,
    until_subscribed,
    waiting,
    watching,
    would_wait,
)

import zlinkcompat as zmq
from zlinkcompat import sockopt

NEXT = [b"next", b"message"]


def name(value):
    return value.name


def leave(sock, peer):
    """Close ``peer``; wait until ``sock`` has noticed the disconnect."""
    if sock.last_endpoint.startswith(b"inproc:"):
        peer.close(linger=0)
        sock.events
        return
    with watching(sock, zmq.EVENT_DISCONNECTED):
        peer.close(linger=0)
    sock.events


BALANCED = pytest.mark.parametrize(
    ("sender", "receiver"),
    [(zmq.PUSH, zmq.PULL), (zmq.DEALER, zmq.DEALER), (zmq.PAIR, zmq.PAIR)], ids=name,
)  # fmt: skip


@BALANCED
@pytest.mark.parametrize("flags", [0, zmq.NOBLOCK])
def test_message_is_dropped_when_its_only_peer_leaves(bound, connected, sender, receiver, flags):
    sock = bound(sender)
    first = connected(receiver, sock)
    sock.send(b"1", zmq.SNDMORE)
    leave(sock, first)
    sock.send(b"2", zmq.SNDMORE | flags)
    sock.send(b"3", flags)
    second = connected(receiver, sock)
    sock.send_multipart(NEXT)
    assert second.recv_multipart() == NEXT
    assert would_wait(second.recv)


@pytest.mark.parametrize(
    ("sender", "receiver"), [(zmq.PUSH, zmq.PULL), (zmq.DEALER, zmq.DEALER)], ids=name
)
def test_whole_message_goes_to_another_peer(bound, connected, sender, receiver):
    sock = bound(sender)
    peers = [connected(receiver, sock) for _ in range(2)]
    sock.send_multipart([b"one", b"each"])
    sock.send_multipart([b"one", b"each"])
    for peer in peers:
        assert peer.recv_multipart() == [b"one", b"each"]
    sock.send(b"1", zmq.SNDMORE)
    leave(sock, peers[0])
    sock.send(b"2")
    assert peers[1].recv_multipart() == [b"1", b"2"]


def test_request_whose_peer_left_counts_as_sent(bound, connected):
    req = bound(zmq.REQ)
    rep = connected(zmq.REP, req)
    req.send(b"1", zmq.SNDMORE)
    leave(req, rep)
    req.send(b"2")
    with raises(zmq.EFSM):
        req.send(b"3")


def test_reply_whose_peer_left_is_dropped(bound, connected):
    rep = bound(zmq.REP)
    first = connected(zmq.REQ, rep)
    first.send(b"question")
    assert rep.recv() == b"question"
    rep.send(b"1", zmq.SNDMORE)
    leave(rep, first)
    rep.send(b"2")
    second = connected(zmq.REQ, rep)
    second.send(b"question")
    assert rep.recv() == b"question"
    rep.send_multipart(NEXT)
    assert second.recv_multipart() == NEXT


@pytest.mark.parametrize("mandatory", [0, 1])
def test_router_sends_no_frames_to_another_peer(bound, connected, mandatory):
    router = bound(zmq.ROUTER, router_mandatory=mandatory)
    ann = connected(zmq.DEALER, router, routing_id=b"ann")
    bob = connected(zmq.DEALER, router, routing_id=b"bob")
    for dealer in ann, bob:
        dealer.send(b"hello")
        router.recv_multipart()
    router.send(b"ann", zmq.SNDMORE)
    router.send(b"for ann", zmq.SNDMORE)
    leave(router, ann)
    router.send(b"last frame")
    for number in range(3):
        router.send(b"bob", zmq.SNDMORE)
        router.send(b"%d" % number)
        assert bob.recv_multipart() == [b"%d" % number]
    ann = connected(zmq.DEALER, router, routing_id=b"ann")
    ann.send(b"hello")
    assert router.recv_multipart() == [b"ann", b"hello"]
    router.send_multipart([b"ann", b"x"])
    assert ann.recv_multipart() == [b"x"]


def test_router_finds_its_peer_by_the_first_frame(bound, connected):
    router = bound(zmq.ROUTER)
    router.send(b"late", zmq.SNDMORE)
    late = connected(zmq.DEALER, router, routing_id=b"late")
    late.send(b"hello")
    router.recv_multipart()
    router.send(b"x")
    router.send_multipart([b"late", b"y"])
    assert late.recv_multipart() == [b"y"]


def test_mandatory_refuses_the_first_frame_only(bound, connected):
    router = bound(zmq.ROUTER, router_mandatory=1)
    peer = connected(zmq.DEALER, router, routing_id=b"peer")
    peer.send(b"hello")
    router.recv_multipart()
    with raises(zmq.EHOSTUNREACH):
        router.send(b"nobody", zmq.SNDMORE)
    router.send(b"peer", zmq.SNDMORE)
    router.send(b"x")
    assert peer.recv_multipart() == [b"x"]


@over_a_network
def test_mandatory_first_frame_wait_ends_when_peer_leaves(connected_pair, connected):
    router, dealer = connected_pair(
        zmq.ROUTER, zmq.DEALER, **narrow(1, 1),
        a={"router_mandatory": 1}, b={"routing_id": b"peer"},
    )  # fmt: skip
    fill(router, lambda number: [b"peer", bytes(256 * 1024)])
    sending = waiting(router.send, b"peer", zmq.SNDMORE)
    dealer.close(linger=0)
    error = sending.get(timeout=GUARD)
    assert error.errno == zmq.EHOSTUNREACH
    other = connected(zmq.DEALER, router, routing_id=b"other")
    other.send(b"hello")
    router.recv_multipart()
    router.send_multipart([b"other", b"x"])
    assert other.recv_multipart() == [b"x"]


def test_stream_drops_data_for_a_peer_that_left(context, make, transport, engine):
    if transport != "tcp":
        pytest.skip("as in libzmq, a STREAM has raw peers only over tcp")
    server, clients = make(zmq.STREAM), [make(zmq.STREAM) for _ in range(2)]
    server.bind("tcp://127.0.0.1:*")
    ids = []
    for client in clients:
        client.connect(server.last_endpoint)
        ids.append(server.recv_multipart()[0])
        client.recv_multipart()
    server.send(ids[0], zmq.SNDMORE)
    clients[0].close(linger=0)
    assert server.recv_multipart() == [ids[0], b""]
    server.send(b"lost")
    with raises(zmq.EHOSTUNREACH):
        server.send(ids[0], zmq.SNDMORE)
    server.send_multipart([ids[1], b"data"])
    assert clients[1].recv_multipart()[1] == b"data"


# -- publishers ----------------------------------------------------------------------------


@inproc_only
def test_nodrop_refuses_the_first_frame(connected_pair):
    xpub, sub = connected_pair(zmq.XPUB, zmq.SUB, sndhwm=2, rcvhwm=2, a={"xpub_nodrop": 1})
    sub.subscribe(b"")
    assert xpub.recv() == b"\1"
    sent = 0
    with raises_again():
        while True:
            xpub.send(b"topic", zmq.SNDMORE | zmq.NOBLOCK)
            # The first frame was accepted, so later frames must not be refused.
            xpub.send(b"%d" % sent, zmq.NOBLOCK)
            sent += 1
    assert sent == 4
    assert [sub.recv_multipart() for _ in range(sent)] == [
        [b"topic", b"%d" % number] for number in range(sent)
    ]
    xpub.send_multipart([b"topic", b"again"])
    assert sub.recv_multipart() == [b"topic", b"again"]


@inproc_only
@pytest.mark.provokes("another greenlet began")
def test_nodrop_waits_with_the_first_frame(connected_pair):
    xpub, sub = connected_pair(zmq.XPUB, zmq.SUB, sndhwm=1, rcvhwm=1, a={"xpub_nodrop": 1})
    sub.subscribe(b"")
    assert xpub.recv() == b"\1"
    xpub.send(b"1")
    xpub.send(b"2")
    sending = waiting(xpub.send, b"3", zmq.SNDMORE)
    assert [sub.recv(), sub.recv()] == [b"1", b"2"]
    assert sending.get(timeout=GUARD) is None
    xpub.send(b"end")
    assert sub.recv_multipart() == [b"3", b"end"]


def test_subscribers_are_chosen_by_the_first_frame(bound, connected):
    pub = bound(zmq.XPUB)
    subs = [connected(zmq.SUB, pub) for _ in range(2)]
    subs[0].subscribe(b"a")
    until_subscribed(pub, subs[0])
    pub.send(b"a", zmq.SNDMORE)
    subs[1].subscribe(b"a")
    assert pub.recv() == b"\1a"
    pub.send(b"1")
    pub.send_multipart([b"a", b"2"])
    assert [subs[0].recv_multipart() for _ in range(2)] == [[b"a", b"1"], [b"a", b"2"]]


# -- every kind of failure -----------------------------------------------------------------


@pytest.fixture
def full(make):
    """Return a PUSH without a peer, which cannot accept a first frame."""
    return make(zmq.PUSH)


def finishes(push, make, endpoints):
    """Return whether the next message of ``push`` arrives unchanged."""
    pull = make(zmq.PULL)
    pull.bind(endpoints.any())
    connect(push, pull)
    push.send_multipart(NEXT)
    received = pull.recv_multipart()
    return received == NEXT and would_wait(pull.recv)


SEND = {
    "send": lambda push, flags: push.send(b"x", zmq.SNDMORE | flags),
    "send_multipart": lambda push, flags: push.send_multipart([b"x", b"y"], zmq.SNDMORE | flags),
}


@pytest.fixture(params=SEND)
def send(request):
    return SEND[request.param]


def test_again_drops_the_message(full, make, endpoints, send):
    with raises_again():
        send(full, zmq.NOBLOCK)
    full.sndtimeo = 1
    with raises_again():
        send(full, 0)
    full.sndtimeo = GUARD * 1000
    assert finishes(full, make, endpoints)


def test_kill_drops_the_message(full, make, endpoints, send):
    sending = waiting(send, full, 0)
    sending.kill()
    assert finishes(full, make, endpoints)


def test_gevent_timeout_drops_the_message(full, make, endpoints, send):
    with pytest.raises(gevent.Timeout), gevent.Timeout(0.01):
        send(full, 0)
    assert finishes(full, make, endpoints)


def test_interrupt_drops_the_message(full, make, endpoints, send):
    sending = waiting(send, full, 0)
    sending.kill(KeyboardInterrupt, block=False)
    with pytest.raises(KeyboardInterrupt):
        sending.get(timeout=GUARD)
    assert finishes(full, make, endpoints)


def test_termination_drops_the_message(bound, connected):
    pull = bound(zmq.PULL)
    push = connected(zmq.PUSH, pull)
    tracked = zmq.Frame(b"x" * 100_000, track=True, copy=False)
    push.send(tracked, zmq.SNDMORE)
    tracker = tracked.tracker
    del tracked
    terminating = gevent.spawn(push.context.term)
    with raises_terminated():
        while True:
            push.poll(1)
            gevent.sleep(0)
    tracker.wait(GUARD)
    with raises_terminated():
        push.send(b"y")
    push.close()
    pull.close()
    terminating.get(timeout=GUARD)


class Unmeasurable:
    """A frame that raises when the socket reads its size."""

    @property
    def buffer(self):
        raise MemoryError


@over_a_network  # inproc has no limit in bytes
def test_memory_error_drops_the_message(bound, make):
    pull = bound(zmq.PULL)
    push = make(zmq.PUSH)
    push.setsockopt(sockopt.SNDBYTES_MAX, 1 << 20)
    connect(push, pull)
    for more in (True, False):
        push.send(b"1", zmq.SNDMORE)
        if more:
            push.send(b"2", zmq.SNDMORE)
        with pytest.raises(MemoryError):
            push.core.sender.send_frame(Unmeasurable(), 0)
    push.send_multipart(NEXT)
    assert pull.recv_multipart() == NEXT


def test_lowered_mark_does_not_refuse_a_later_frame(connected_pair):
    push, pull = connected_pair(zmq.PUSH, zmq.PULL)
    push.send(b"1", zmq.SNDMORE)
    push.sndhwm = 1
    push.send(b"2", zmq.NOBLOCK)
    assert pull.recv_multipart() == [b"1", b"2"]


def test_refused_type_stays_refused(make):
    for kind in zmq.PULL, zmq.SUB:
        sock = make(kind)
        for flags in zmq.SNDMORE, 0:
            with raises(zmq.ENOTSUP):
                sock.send(b"x", flags)
    with raises(zmq.EFSM):
        make(zmq.REP).send(b"x", zmq.SNDMORE)
