"""A socket may connect before its peer binds, have many endpoints, unbind and disconnect."""

import errno

import gevent
import pytest
from guard import GUARD
from meeting import (
    connect,
    hear,
    inproc_only,
    name,
    over_a_network,
    raises,
    raises_again,
    until_subscribed,
    values,
    waiting,
    watching,
    would_wait,
)

import zlinkcompat as zmq

# -- connecting before binding -------------------------------------------------------------


@pytest.mark.parametrize(
    ("early", "late"),
    [
        (zmq.PAIR, zmq.PAIR), (zmq.PUSH, zmq.PULL), (zmq.DEALER, zmq.DEALER), (zmq.REQ, zmq.REP),
        (zmq.DEALER, zmq.REP),
    ],
    ids=name,
)  # fmt: skip
def test_connecter_may_send_before_the_bind(make, endpoints, early, late):
    one, other = make(early), make(late)
    endpoint = endpoints.fixed()
    one.connect(endpoint)
    envelope = [b""] if (early, late) == (zmq.DEALER, zmq.REP) else []
    one.send_multipart([*envelope, b"early", b"message"])
    other.bind(endpoint)
    assert other.recv_multipart() == [b"early", b"message"]
    if late != zmq.PULL:
        other.send(b"back")
        assert one.recv_multipart() == [*envelope, b"back"]


@pytest.mark.parametrize(
    ("early", "late"), [(zmq.PULL, zmq.PUSH), (zmq.DEALER, zmq.DEALER), (zmq.PAIR, zmq.PAIR)],
    ids=name,
)  # fmt: skip
def test_connecter_may_wait_before_the_bind(make, endpoints, early, late):
    one, other = make(early), make(late)
    endpoint = endpoints.fixed()
    one.connect(endpoint)
    receiving = waiting(one.recv)
    other.bind(endpoint)
    other.send(b"x")
    assert values([receiving]) == [b"x"]


@pytest.mark.parametrize("publisher", [zmq.PUB, zmq.XPUB], ids=name)
def test_subscriber_may_connect_before_the_publisher_binds(make, endpoints, publisher):
    pub, sub = make(publisher), make(zmq.SUB)
    endpoint = endpoints.fixed()
    sub.subscribe(b"a")
    sub.connect(endpoint)
    sub.subscribe(b"b")
    pub.bind(endpoint)
    until_subscribed(pub, sub)
    for message in b"a", b"b", b"c":
        pub.send(message)
    assert [sub.recv(), sub.recv()] == [b"a", b"b"]


@pytest.mark.parametrize("publisher", [zmq.PUB, zmq.XPUB], ids=name)
def test_publisher_may_connect_before_the_subscriber_binds(make, endpoints, publisher):
    pub, sub = make(publisher), make(zmq.SUB)
    endpoint = endpoints.fixed()
    pub.connect(endpoint)
    sub.subscribe(b"a")
    sub.bind(endpoint)
    while not sub.poll(1):
        pub.send(b"b")
        pub.send(b"a")
    assert sub.recv() == b"a"


def test_router_may_connect_before_the_dealer_binds(make, endpoints):
    router, dealer = make(zmq.ROUTER), make(zmq.DEALER, routing_id=b"peer")
    endpoint = endpoints.fixed()
    router.connect(endpoint)
    dealer.bind(endpoint)
    dealer.send(b"x")
    assert router.recv_multipart() == [b"peer", b"x"]
    router.send_multipart([b"peer", b"y"])
    assert dealer.recv() == b"y"


def test_many_sockets_may_connect_before_the_bind(make, endpoints):
    endpoint = endpoints.fixed()
    pushes = [make(zmq.PUSH) for _ in range(10)]
    for number, push in enumerate(pushes):
        push.connect(endpoint)
        push.send(b"%d" % number)
    pull = make(zmq.PULL)
    pull.bind(endpoint)
    assert sorted(pull.recv() for _ in pushes) == [b"%d" % number for number in range(10)]


# -- many endpoints of one socket ----------------------------------------------------------


def test_one_socket_binds_many_endpoints(make, endpoints):
    pull = make(zmq.PULL)
    places = []
    for _ in range(5):
        pull.bind(endpoints.any())
        places.append(pull.last_endpoint)
    assert len(set(places)) == 5
    for number, place in enumerate(places):
        push = make(zmq.PUSH)
        push.connect(place)
        push.send(b"%d" % number)
        assert pull.recv() == b"%d" % number


def test_one_socket_connects_to_many_endpoints(make, bound):
    pull, pushes = make(zmq.PULL), [bound(zmq.PUSH) for _ in range(5)]
    for push in pushes:
        pull.connect(push.last_endpoint)
    for number, push in enumerate(pushes):
        push.send(b"%d" % number)
        assert pull.recv() == b"%d" % number


def test_one_socket_binds_and_connects(make, bound, endpoint):
    middle, binder, connecter = make(zmq.DEALER), bound(zmq.DEALER), make(zmq.DEALER)
    middle.bind(endpoint)
    connecter.connect(middle.last_endpoint)
    middle.connect(binder.last_endpoint)
    for peer in binder, connecter:
        peer.send(b"x")
        assert middle.recv() == b"x"


def test_one_socket_uses_many_transports(make, tmp_path):
    pull = make(zmq.PULL)
    for endpoint in "tcp://127.0.0.1:*", f"ipc://{tmp_path}/x", "inproc://x":
        pull.bind(endpoint)
        push = make(zmq.PUSH)
        push.connect(pull.last_endpoint)
        push.send(endpoint.encode())
        assert pull.recv() == endpoint.encode()


@over_a_network
def test_subscriber_connected_twice_receives_each_message_once(make, bound):
    # As in libzmq (src/socket_base.cpp), the second connect is ignored, since the subscriber would
    # receive each message twice.
    xpub, sub = bound(zmq.XPUB, xpub_verboser=1), make(zmq.SUB)
    connect(sub, xpub)
    sub.connect(xpub.last_endpoint)
    sub.subscribe(b"a")
    sub.subscribe(b"end")
    assert [xpub.recv(), xpub.recv()] == [b"\1a", b"\1end"]
    xpub.send(b"a")
    xpub.send(b"end")
    assert [sub.recv(), sub.recv()] == [b"a", b"end"]


@over_a_network
def test_disconnect_undoes_all_connects_of_an_endpoint(make, bound):
    push, pull = make(zmq.PUSH), bound(zmq.PULL)
    for _ in range(2):
        connect(push, pull)
    push.disconnect(pull.last_endpoint)
    assert would_wait(push.send, b"x")


# -- unbind and disconnect -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("sender", "receiver"), [(zmq.PUSH, zmq.PULL), (zmq.DEALER, zmq.DEALER)], ids=name
)
def test_disconnected_socket_has_no_peer(connected_pair, sender, receiver):
    other, one = connected_pair(receiver, sender)
    one.send(b"x")
    assert other.recv() == b"x"
    one.disconnect(other.last_endpoint)
    with raises_again():
        one.send(b"y", zmq.NOBLOCK)
    connect(one, other)
    one.send(b"z")
    assert other.recv() == b"z"


def test_disconnected_receiver_receives_nothing(connected_pair):
    push, pull = connected_pair(zmq.PUSH, zmq.PULL)
    push.send(b"x")
    assert pull.recv() == b"x"
    pull.disconnect(push.last_endpoint)
    with raises_again():
        pull.recv(zmq.NOBLOCK)
    push.sndtimeo = 1
    with raises_again():
        # Until the sender has noticed the disconnect, it may accept messages.
        while True:
            push.send(b"y")


@over_a_network
def test_unbound_socket_has_no_peer(connected_pair):
    push, pull = connected_pair(zmq.PUSH, zmq.PULL)
    with watching(pull, zmq.EVENT_DISCONNECTED):
        push.unbind(push.last_endpoint)
    with raises_again():
        push.send(b"x", zmq.NOBLOCK)


def test_unbound_endpoint_accepts_no_peers(make, endpoints):
    first, second, push = make(zmq.PULL), make(zmq.PULL), make(zmq.PUSH)
    endpoint = endpoints.fixed()
    first.bind(endpoint)
    first.unbind(endpoint)
    push.connect(endpoint)
    push.send(b"x")
    second.bind(endpoint)
    assert second.recv() == b"x"
    assert would_wait(first.recv)


def test_unbound_endpoint_can_be_bound_again(make, endpoints):
    pull = make(zmq.PULL)
    endpoint = endpoints.fixed()
    for number in range(3):
        pull.bind(endpoint)
        push = make(zmq.PUSH)
        push.connect(endpoint)
        push.send(b"%d" % number)
        assert pull.recv() == b"%d" % number
        push.close()
        pull.unbind(endpoint)


def test_unbind_and_disconnect_keep_other_endpoints(make, bound):
    push, pulls = make(zmq.PUSH), [bound(zmq.PULL) for _ in range(3)]
    for pull in pulls:
        connect(push, pull)
    push.disconnect(pulls[1].last_endpoint)
    for _ in range(4):
        push.send(b"x")
    for pull in pulls[0], pulls[2]:
        assert [pull.recv(), pull.recv()] == [b"x", b"x"]
    assert would_wait(pulls[1].recv)


def test_accepted_messages_are_delivered_after_disconnect(make, bound):
    push, pull = make(zmq.PUSH), bound(zmq.PULL)
    connect(push, pull)
    for number in range(50):
        push.send(b"%d" % number)
    push.disconnect(pull.last_endpoint)
    assert [pull.recv() for _ in range(50)] == [b"%d" % number for number in range(50)]


def test_addresses_are_free_when_the_binder_closes(make, endpoints):
    endpoint = endpoints.fixed()
    for _ in range(3):
        sock = make(zmq.PULL)
        sock.bind(endpoint)
        sock.close()


def test_context_manager_unbinds_and_disconnects(make, endpoints):
    pull, push = make(zmq.PULL), make(zmq.PUSH)
    endpoint = endpoints.fixed()
    with pull.bind(endpoint), push.connect(endpoint):
        push.send(b"x")
        assert pull.recv() == b"x"
    with raises_again():
        push.send(b"y", zmq.NOBLOCK)
    with pytest.raises(zmq.ZMQError):
        pull.unbind(endpoint)


@over_a_network
def test_disconnected_socket_does_not_reconnect(make, endpoints):
    sub, xpub = make(zmq.SUB), make(zmq.XPUB)
    endpoint = endpoints.fixed()
    sub.subscribe(b"a")
    sub.connect(endpoint)
    sub.disconnect(endpoint)
    xpub.bind(endpoint)
    assert xpub.poll(20) == 0
    with raises(errno.ENOENT):
        sub.disconnect(endpoint)
    sub.connect(endpoint)
    hear(xpub, b"\1a")


# -- messages received before the disconnect -----------------------------------------------


SENT = [b"%d.%d" % (number, word) for number in range(3) for word in range(3)]


def send_and_wait(phases, sources, sink):
    """Send three messages from each source; wait until the sink's pipes hold all of them."""
    before = phases.of(sink, "messages_in")
    for number, source in enumerate(sources):
        for word in range(3):
            source.send(b"%d.%d" % (number, word))
    with gevent.Timeout(GUARD):
        while phases.of(sink, "messages_in") < before + len(SENT):
            gevent.sleep(0.001)


def all_that_comes(sink):
    received = []
    while sink.poll(5):
        received.append(sink.recv_multipart()[-1])
    return sorted(received)


@over_a_network
@pytest.mark.parametrize(
    ("kind", "peer"),
    [(zmq.PULL, zmq.PUSH), (zmq.ROUTER, zmq.DEALER), (zmq.DEALER, zmq.DEALER), (zmq.SUB, zmq.PUB)],
    ids=name,
)  # fmt: skip
def test_unbind_keeps_received_messages(phases, bound, connected, kind, peer):
    sink = bound(kind)
    sources = [connected(peer, sink) for _ in range(3)]
    if kind == zmq.SUB:
        sink.subscribe(b"")
        for source in sources:
            while sink.poll(1) == 0:
                source.send(b"subscribed?")
            while sink.poll(5):
                sink.recv()
    send_and_wait(phases, sources, sink)
    sink.unbind(sink.last_endpoint)
    assert all_that_comes(sink) == SENT


@over_a_network
def test_disconnect_keeps_received_messages(phases, make, bound):
    sources, sink = [bound(zmq.PUSH) for _ in range(3)], make(zmq.PULL)
    for source in sources:
        connect(sink, source)
    send_and_wait(phases, sources, sink)
    for source in sources:
        sink.disconnect(source.last_endpoint)
    assert all_that_comes(sink) == SENT


@inproc_only
def test_inproc_disconnect_keeps_received_messages(make, bound):
    sources, sink = [bound(zmq.PUSH) for _ in range(3)], make(zmq.PULL)
    for number, source in enumerate(sources):
        connect(sink, source)
        for word in range(3):
            source.send(b"%d.%d" % (number, word))
        sink.disconnect(source.last_endpoint)
    assert all_that_comes(sink) == SENT


@over_a_network
def test_wildcard_cannot_be_unbound(make, endpoints):
    sock = make(zmq.PUSH)
    wildcard = endpoints.any() if endpoints.transport != "ipc" else "ipc://*"
    sock.bind(wildcard)
    first = sock.last_endpoint
    sock.bind(wildcard)
    with raises(errno.ENOENT):
        sock.unbind(wildcard)
    sock.unbind(first)
    sock.unbind(sock.last_endpoint)
