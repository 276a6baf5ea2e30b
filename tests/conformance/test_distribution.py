"""Sockets send to their peers round-robin, and receive from them by fair queueing (RFC 28, 30)."""

import pytest
from guard import GUARD
from meeting import (
    LARGE,
    connect,
    fill,
    narrow,
    over_a_network,
    raises_again,
    watching,
    would_wait,
)

import zlinkcompat as zmq

PEERS = 3


def name(value):
    return value.name


# -- round robin ---------------------------------------------------------------------------

senders = pytest.mark.parametrize(
    ("sender", "receiver"),
    [(zmq.PUSH, zmq.PULL), (zmq.DEALER, zmq.DEALER)],
    ids=name,
)


@pytest.fixture(params=["binds", "connects"])
def one_to_many(request, make, bound, connected):
    """``one_to_many(type, peer_type, **options)`` returns one socket and its peers.

    The one socket is bound, or connects to each peer.
    """

    def one_to_many(one_type, peer_type, **options):
        if request.param == "binds":
            one = bound(one_type, **options)
            return one, [connected(peer_type, one, **options) for _ in range(PEERS)]
        one = make(one_type, **options)
        peers = [bound(peer_type, **options) for _ in range(PEERS)]
        for peer in peers:
            connect(one, peer)
        return one, peers

    return one_to_many


@senders
def test_messages_go_to_each_peer_in_turn(one_to_many, sender, receiver):
    one, peers = one_to_many(sender, receiver)
    for number in range(4 * PEERS):
        one.send(b"%d" % number)
    shares = []
    for peer in peers:
        numbers = [int(peer.recv()) for _ in range(4)]
        assert would_wait(peer.recv)
        # Each peer got every third message.
        assert numbers == list(range(numbers[0], 4 * PEERS, PEERS))
        shares.append(numbers[0])
    assert sorted(shares) == list(range(PEERS))


def test_requests_go_to_each_server_in_turn(one_to_many):
    req, reps = one_to_many(zmq.REQ, zmq.REP)
    served = []
    for number in range(2 * PEERS):
        req.send(b"%d" % number)
        while (ready := [rep for rep in reps if rep.poll(1)]) == []:
            pass
        (rep,) = ready
        served.append(reps.index(rep))
        rep.send(rep.recv())
        assert req.recv() == b"%d" % number
    assert sorted(served[:PEERS]) == list(range(PEERS))
    assert served[:PEERS] == served[PEERS:]


@senders
def test_full_peer_is_skipped(one_to_many, sender, receiver):
    one, peers = one_to_many(sender, receiver, **narrow(2, 2))
    fill(one, lambda number: [b"%d" % number, LARGE])
    reader = peers[1]
    # All peers are full. Only this peer reads, and the sender does not wait for the other peers.
    received = []
    while received.count(b"more") < 20:
        while reader.poll(1):
            received.append(reader.recv_multipart()[0])
        one.send_multipart([b"more", LARGE])


@senders
def test_later_peer_gets_its_share(bound, connected, sender, receiver):
    one = bound(sender)
    early = connected(receiver, one)
    one.send(b"1")
    assert early.recv() == b"1"
    late = connected(receiver, one)
    one.send(b"2")
    one.send(b"3")
    assert {early.recv(), late.recv()} == {b"2", b"3"}


@senders
def test_disconnected_peer_gets_no_messages(make, bound, sender, receiver):
    one = make(sender)
    peers = [bound(receiver) for _ in range(PEERS)]
    for peer in peers:
        connect(one, peer)
    one.disconnect(peers[0].last_endpoint)
    for number in range(4):
        one.send(b"%d" % number)
    for peer in peers[1:]:
        peer.recv()
        peer.recv()
    assert would_wait(peers[0].recv)


@pytest.mark.parametrize("transport", ["inproc"], indirect=True)
@senders
def test_last_peer_takes_the_turn_of_a_disconnected_one(make, bound, sender, receiver):
    """When a peer disconnects, the last peer of the rotation takes its turn, as in libzmq.

    This test runs over inproc only, since the peers are in a known order there.
    """
    one = bound(sender)
    first, second, third = peers = [make(receiver) for _ in range(PEERS)]
    for peer in peers:
        peer.connect(one.last_endpoint)
    first.disconnect(one.last_endpoint)
    one.send(b"to the third")
    one.send(b"to the second")
    assert [third.recv(), second.recv()] == [b"to the third", b"to the second"]


@over_a_network
@senders
def test_closed_peer_gets_no_messages(bound, connected, sender, receiver):
    one = bound(sender)
    peers = [connected(receiver, one) for _ in range(PEERS)]
    with watching(one, zmq.EVENT_DISCONNECTED):
        peers[0].close()
    for number in range(4):
        one.send(b"%d" % number)
    for peer in peers[1:]:
        peer.recv()
        peer.recv()


@senders
def test_send_waits_after_the_last_peer_left(bound, connected, sender, receiver):
    one = bound(sender)
    peer = connected(receiver, one)
    peer.close()
    one.sndtimeo = 1
    with raises_again():
        # Until the socket has noticed the disconnect, it may accept messages.
        while True:
            one.send(b"x")
    one.sndtimeo = GUARD * 1000
    other = connected(receiver, one)
    one.send(b"y")
    assert other.recv() == b"y"


# -- fair queueing -------------------------------------------------------------------------

receivers = pytest.mark.parametrize(
    ("receiver", "sender"),
    [
        (zmq.PULL, zmq.PUSH), (zmq.DEALER, zmq.DEALER), (zmq.ROUTER, zmq.DEALER),
        (zmq.REP, zmq.DEALER),
    ],
    ids=name,
)  # fmt: skip


def numbered(sender):
    return lambda number: [b"", b"%d" % sender, b"%d" % number, LARGE]


@receivers
def test_full_peers_are_received_from_in_turn(one_to_many, receiver, sender):
    one, peers = one_to_many(receiver, sender, **narrow(4, 4))
    for number, peer in enumerate(peers):
        # When the peer is full, the receiver holds at least RCVHWM messages of it.
        fill(peer, numbered(number))
    order = []
    for _ in range(4 * PEERS):
        *_, peer, _, _ = one.recv_multipart()
        order.append(int(peer))
        if receiver == zmq.REP:
            one.send(b"")
    turn = order[:PEERS]
    assert sorted(turn) == list(range(PEERS))
    assert order == turn * 4


@receivers
def test_messages_of_each_peer_keep_their_order(one_to_many, receiver, sender):
    one, peers = one_to_many(receiver, sender, **narrow(4, 4))
    sent = {
        b"%d" % number: [message[2] for message in fill(peer, numbered(number))]
        for number, peer in enumerate(peers)
    }
    received = {key: [] for key in sent}
    for _ in range(sum(map(len, sent.values()))):
        *_, peer, number, _ = one.recv_multipart()
        received[peer].append(number)
        if receiver == zmq.REP:
            one.send(b"")
    assert received == sent


def test_receives_from_more_peers_than_it_reads_directly(bound, make):
    # With many connections a receiver does not read them itself, but leaves that to the hub.
    pull = bound(zmq.PULL)
    pushes = [make(zmq.PUSH) for _ in range(20)]
    for push in pushes:
        connect(push, pull)
    for round_ in range(3):
        for number, push in enumerate(pushes):
            push.send(b"%d" % number)
        assert sorted(int(pull.recv()) for _ in pushes) == list(range(20)), round_
    assert would_wait(pull.recv)


def test_several_binds_and_connects_share_one_queue(bound, make):
    # A socket that has bound and connected receives from the peers of both and sends to them.
    dealer, binder, connecter = bound(zmq.DEALER), bound(zmq.DEALER), make(zmq.DEALER)
    connect(connecter, dealer)
    connect(dealer, binder)
    dealer.send(b"1")
    dealer.send(b"2")
    assert {binder.recv(), connecter.recv()} == {b"1", b"2"}
    binder.send(b"3")
    connecter.send(b"4")
    assert {dealer.recv(), dealer.recv()} == {b"3", b"4"}
