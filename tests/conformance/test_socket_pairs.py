"""Every valid pair of socket types exchanges messages, whichever socket binds."""

import pytest
from meeting import over_a_network, raises_again, until_subscribed, watching

import zlinkcompat as zmq

REQUEST = [b"request", b"", b"second part"]
REPLY = [b"", b"reply"]

ONE_WAY = [(zmq.PUSH, zmq.PULL), (zmq.PUB, zmq.SUB), (zmq.XPUB, zmq.SUB)]
BOTH_WAYS = [
    (zmq.PAIR, zmq.PAIR),
    (zmq.DEALER, zmq.DEALER),
    (zmq.REQ, zmq.REP),
]
BINDS = pytest.mark.parametrize("binds", ["first", "second"])


@pytest.fixture
def met(connected_pair, binds):
    """``met(type_a, type_b)`` returns two connected sockets; ``binds`` says which one is bound."""

    def met(type_a, type_b):
        if binds == "first":
            return connected_pair(type_a, type_b)
        return connected_pair(type_b, type_a)[::-1]

    return met


def name(socket_type):
    return socket_type.name


@BINDS
@pytest.mark.parametrize(("sender", "receiver"), ONE_WAY, ids=name)
def test_one_way(met, sender, receiver):
    one, other = met(sender, receiver)
    if receiver == zmq.SUB:
        other.subscribe(b"r")
        until_subscribed(one, other)
    one.send_multipart(REQUEST)
    assert other.recv_multipart() == REQUEST


@BINDS
@pytest.mark.parametrize("publisher", [zmq.PUB, zmq.XPUB], ids=name)
def test_xsub_subscribes_by_sending(met, publisher):
    one, other = met(publisher, zmq.XSUB)
    other.send(b"\1r")
    while not other.poll(1):
        one.send_multipart(REQUEST)
    assert other.recv_multipart() == REQUEST


@BINDS
@pytest.mark.parametrize(("asker", "answerer"), BOTH_WAYS, ids=name)
def test_both_ways(met, asker, answerer):
    one, other = met(asker, answerer)
    for _ in range(3):
        one.send_multipart(REQUEST)
        assert other.recv_multipart() == REQUEST
        other.send_multipart(REPLY)
        assert one.recv_multipart() == REPLY


@BINDS
def test_req_and_router_exchange_an_envelope(met):
    req, router = met(zmq.REQ, zmq.ROUTER)
    req.send_multipart(REQUEST)
    peer, *rest = router.recv_multipart()
    assert rest == [b"", *REQUEST]
    router.send_multipart([peer, b"", *REPLY])
    assert req.recv_multipart() == REPLY


@BINDS
def test_dealer_sends_the_envelope_for_rep_itself(met):
    dealer, rep = met(zmq.DEALER, zmq.REP)
    dealer.send_multipart([b"hop 1", b"hop 2", b"", *REQUEST])
    assert rep.recv_multipart() == REQUEST
    rep.send_multipart(REPLY)
    assert dealer.recv_multipart() == [b"hop 1", b"hop 2", b"", *REPLY]


@BINDS
def test_dealer_and_router(met):
    dealer, router = met(zmq.DEALER, zmq.ROUTER)
    dealer.send_multipart(REQUEST)
    peer, *rest = router.recv_multipart()
    assert rest == REQUEST
    router.send_multipart([peer, *REPLY])
    assert dealer.recv_multipart() == REPLY


def test_router_and_router(bound, make):
    one = bound(zmq.ROUTER, routing_id=b"one")
    other = make(zmq.ROUTER, routing_id=b"other", probe_router=1)
    other.connect(one.last_endpoint)
    assert one.recv_multipart() == [b"other", b""]
    one.send_multipart([b"other", *REQUEST])
    assert other.recv_multipart() == [b"one", *REQUEST]
    other.send_multipart([b"one", *REPLY])
    assert one.recv_multipart() == [b"other", *REPLY]


def test_messages_keep_their_order(connected_pair):
    push, pull = connected_pair(zmq.PUSH, zmq.PULL)
    messages = [b"%d" % number for number in range(500)]
    for message in messages:
        push.send(message)
    assert [pull.recv() for _ in messages] == messages


@over_a_network
@pytest.mark.parametrize(
    ("binder", "connecter"),
    [(zmq.REP, zmq.PUSH), (zmq.PULL, zmq.DEALER), (zmq.PULL, zmq.PAIR), (zmq.REQ, zmq.REQ)],
    ids=name,
)
def test_incompatible_types_never_connect(bound, make, binder, connecter):
    # Each side checks the Socket-Type of the other side, as RFC 23 says.
    one, other = bound(binder), make(connecter, immediate=1, sndtimeo=20)
    with watching(one, zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_DISCONNECTED):
        other.connect(one.last_endpoint)
    with raises_again():
        other.send(b"x")
