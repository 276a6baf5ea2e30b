"""A connected socket reconnects when its peer closes and another socket binds the endpoint."""

import pytest
from meeting import (
    handshakes,
    name,
    over_a_network,
    until_subscribed,
    values,
    waiting,
    watching,
)

import zlinkcompat as zmq


@pytest.fixture
def restart(make, endpoints):
    """``restart(type, connecter)`` binds a new socket at a fixed endpoint, and returns it.

    It first closes the socket that it bound before, if any.
    """
    endpoint = endpoints.fixed()
    current = []

    def restart(socket_type, connecter, **options):
        if current:
            with watching(connecter, zmq.EVENT_DISCONNECTED):
                current.pop().close()
        sock = make(socket_type, **options)
        with handshakes(sock, connecter):
            sock.bind(endpoint)
            if connecter.last_endpoint == b"":
                connecter.connect(endpoint)
        current.append(sock)
        return sock

    return restart


@over_a_network
@pytest.mark.parametrize(
    ("connecter", "binder"),
    [(zmq.PUSH, zmq.PULL), (zmq.DEALER, zmq.DEALER), (zmq.PAIR, zmq.PAIR), (zmq.REQ, zmq.REP)],
    ids=name,
)
def test_sender_reconnects_to_its_peer(make, restart, connecter, binder):
    one = make(connecter)
    for number in range(3):
        other = restart(binder, one)
        one.send(b"%d" % number)
        assert other.recv() == b"%d" % number
        if binder == zmq.REP:
            other.send(b"!")
            assert one.recv() == b"!"


@over_a_network
@pytest.mark.parametrize(
    ("connecter", "binder"),
    [(zmq.PULL, zmq.PUSH), (zmq.DEALER, zmq.DEALER), (zmq.PAIR, zmq.PAIR)],
    ids=name,
)
def test_receiver_reconnects_to_its_peer(make, restart, connecter, binder):
    one = make(connecter)
    for number in range(3):
        other = restart(binder, one)
        other.send(b"%d" % number)
        assert one.recv() == b"%d" % number


@over_a_network
@pytest.mark.parametrize("publisher", [zmq.PUB, zmq.XPUB], ids=name)
def test_subscriptions_are_sent_again_after_reconnect(make, restart, publisher):
    sub = make(zmq.SUB)
    for topic in b"a", b"b", b"b":
        sub.subscribe(topic)
    sub.unsubscribe(b"a")
    for number in range(3):
        pub = restart(publisher, sub)
        until_subscribed(pub, sub)
        pub.send(b"a")
        pub.send(b"b%d" % number)
        assert sub.recv() == b"b%d" % number


@over_a_network
def test_subscription_is_sent_once_to_each_publisher(make, restart):
    sub = make(zmq.SUB)
    sub.subscribe(b"a")
    for number in range(3):
        xpub = restart(zmq.XPUB, sub, xpub_verboser=1)
        sub.subscribe(b"%d" % number)
        heard = []
        while not heard or heard[-1] != b"\1%d" % number:
            heard.append(xpub.recv())
        assert heard.count(b"\1a") == 1


@over_a_network
def test_router_recognises_a_reconnected_peer(make, restart):
    dealer = make(zmq.DEALER, routing_id=b"peer")
    for _ in range(3):
        router = restart(zmq.ROUTER, dealer, router_mandatory=1)
        router.send_multipart([b"peer", b"hello"])
        assert dealer.recv() == b"hello"
        dealer.send(b"world")
        assert router.recv_multipart() == [b"peer", b"world"]


@over_a_network
def test_messages_sent_while_disconnected_are_delivered_later(make, endpoints):
    push, first, second = make(zmq.PUSH), make(zmq.PULL), make(zmq.PULL)
    endpoint = endpoints.fixed()
    first.bind(endpoint)
    with watching(push, zmq.EVENT_HANDSHAKE_SUCCEEDED):
        push.connect(endpoint)
    with watching(push, zmq.EVENT_DISCONNECTED):
        first.close()
    for number in range(10):
        push.send(b"%d" % number)
    second.bind(endpoint)
    assert [second.recv() for _ in range(10)] == [b"%d" % number for number in range(10)]


@over_a_network
def test_waiting_receiver_survives_a_restart_of_the_binder(make, restart):
    pull = make(zmq.PULL)
    restart(zmq.PUSH, pull)
    receiving = waiting(pull.recv)
    restart(zmq.PUSH, pull).send(b"x")
    assert values([receiving]) == [b"x"]
