"""A ROUTER identifies each peer by a routing id: the peer's own, or one that the ROUTER assigns.

See RFC 28.
"""

import gevent
import pytest
from guard import GUARD
from meeting import (
    LARGE,
    connect,
    inproc_only,
    narrow,
    over_a_network,
    raises,
    raises_again,
    values,
    waiting,
    watching,
    would_wait,
)

import zlinkcompat as zmq


@pytest.fixture
def router_and_dealer(connected_pair):
    """``router_and_dealer(**options)`` returns a ROUTER with these options, and a DEALER.

    The routing id of the DEALER is ``b"peer"``.
    """

    def router_and_dealer(**options):
        return connected_pair(zmq.ROUTER, zmq.DEALER, a=options, b={"routing_id": b"peer"})

    return router_and_dealer


# -- routing ids ---------------------------------------------------------------------------


@pytest.mark.parametrize("routing_id", [b"a", b"\1\0\xff", b"a" * 255])
def test_peer_is_addressed_by_its_own_id(connected_pair, routing_id):
    router, dealer = connected_pair(zmq.ROUTER, zmq.DEALER, b={"routing_id": routing_id})
    dealer.send(b"hello")
    assert router.recv_multipart() == [routing_id, b"hello"]
    router.send_multipart([routing_id, b"world"])
    assert dealer.recv_multipart() == [b"world"]


def test_peers_without_an_id_get_five_byte_ids(bound, connected):
    router = bound(zmq.ROUTER)
    dealers = [connected(zmq.DEALER, router) for _ in range(3)]
    ids = {}
    for number, dealer in enumerate(dealers):
        dealer.send(b"%d" % number)
        peer, message = router.recv_multipart()
        assert len(peer) == 5
        assert peer[0] == 0
        ids[peer] = dealer, message
    assert len(ids) == 3
    for peer, (dealer, message) in ids.items():
        router.send_multipart([peer, message])
        assert dealer.recv() == message


def test_id_stays_while_the_connection_lasts(router_and_dealer, connected):
    router, _ = router_and_dealer()
    nameless = connected(zmq.DEALER, router)
    nameless.send(b"1")
    peer, _ = router.recv_multipart()
    nameless.send(b"2")
    assert router.recv_multipart() == [peer, b"2"]


@pytest.mark.parametrize("flags", [0, zmq.NOBLOCK])
def test_router_may_send_first_to_a_peer_with_an_id(router_and_dealer, flags):
    router, dealer = router_and_dealer()
    router.send_multipart([b"peer", b"first"], flags)
    assert dealer.recv() == b"first"


def test_empty_body_is_a_message(router_and_dealer):
    router, dealer = router_and_dealer()
    router.send_multipart([b"peer", b""])
    assert dealer.recv_multipart() == [b""]
    dealer.send(b"")
    assert router.recv_multipart() == [b"peer", b""]


def test_parts_come_one_by_one(router_and_dealer):
    router, dealer = router_and_dealer()
    dealer.send_multipart([b"1", b"2"])
    assert [(router.recv(), router.rcvmore) for _ in range(3)] == [
        (b"peer", 1), (b"1", 1), (b"2", 0),
    ]  # fmt: skip
    router.send(b"peer", zmq.SNDMORE)
    router.send(b"1", zmq.SNDMORE)
    router.send(b"2")
    assert dealer.recv_multipart() == [b"1", b"2"]


# -- dropped messages ----------------------------------------------------------------------


@pytest.mark.parametrize("mandatory", [0, 1])
@pytest.mark.parametrize("frame", [b"", b"peer", b"nobody"])
def test_message_of_one_frame_is_ignored(router_and_dealer, mandatory, frame):
    router, dealer = router_and_dealer(router_mandatory=mandatory)
    router.send(frame)
    router.send_multipart([frame])
    router.send_multipart([b"peer", b"next"])
    assert dealer.recv_multipart() == [b"next"]
    assert would_wait(dealer.recv)


def test_message_to_an_unknown_peer_is_dropped(router_and_dealer):
    router, dealer = router_and_dealer()
    router.send_multipart([b"nobody", b"x", b"y"])
    router.send(b"nobody", zmq.SNDMORE)
    router.send(b"x")
    router.send_multipart([b"peer", b"next"])
    assert dealer.recv_multipart() == [b"next"]


@over_a_network
def test_message_to_a_peer_that_left_is_dropped(router_and_dealer):
    router, dealer = router_and_dealer()
    with watching(router, zmq.EVENT_DISCONNECTED):
        dealer.close()
    router.send_multipart([b"peer", b"x"])


def test_messages_of_a_peer_that_left_are_received(router_and_dealer):
    router, dealer = router_and_dealer()
    for number in range(5):
        dealer.send(b"%d" % number)
    dealer.close()
    for number in range(5):
        assert router.recv_multipart() == [b"peer", b"%d" % number]


# -- ROUTER_MANDATORY ----------------------------------------------------------------------


def test_mandatory_reports_an_unknown_peer_and_sends_nothing(router_and_dealer):
    router, dealer = router_and_dealer(router_mandatory=1)
    with raises(zmq.EHOSTUNREACH):
        router.send_multipart([b"nobody", b"x"])
    with raises(zmq.EHOSTUNREACH):
        router.send(b"nobody", zmq.SNDMORE)
    router.send_multipart([b"peer", b"next"])
    assert dealer.recv_multipart() == [b"next"]


@over_a_network
def test_mandatory_reports_a_peer_that_left(router_and_dealer):
    router, dealer = router_and_dealer(router_mandatory=1)
    dealer.close()
    with raises(zmq.EHOSTUNREACH):
        # Until the router has noticed the disconnect, a send may succeed or wait for room.
        while True:
            router.send_multipart([b"peer", b"x"])
            gevent.idle()


@inproc_only
def test_mandatory_waits_at_the_mark(connected_pair):
    router, dealer = connected_pair(
        zmq.ROUTER, zmq.DEALER, **narrow(1, 1),
        a={"router_mandatory": 1}, b={"routing_id": b"peer"},
    )  # fmt: skip
    router.send_multipart([b"peer", b"1"])
    router.send_multipart([b"peer", b"2"])
    for send in (
        lambda: router.send_multipart([b"peer", b"3"], zmq.NOBLOCK),
        lambda: router.send(b"peer", zmq.SNDMORE | zmq.NOBLOCK),
    ):
        with raises_again():
            send()
    sending = waiting(router.send_multipart, [b"peer", b"3"])
    assert [dealer.recv() for _ in range(3)] == [b"1", b"2", b"3"]
    values([sending])


@over_a_network
def test_mandatory_wait_ends_when_the_peer_leaves(connected_pair):
    router, dealer = connected_pair(
        zmq.ROUTER, zmq.DEALER, **narrow(1, 1),
        a={"router_mandatory": 1}, b={"routing_id": b"peer"},
    )  # fmt: skip
    router.sndtimeo = 20
    with raises_again():
        while True:
            router.send_multipart([b"peer", LARGE])
    router.sndtimeo = GUARD * 1000
    sending = waiting(router.send_multipart, [b"peer", b"x"])
    dealer.close(linger=0)
    with raises(zmq.EHOSTUNREACH):
        values([sending])


# -- ROUTER_HANDOVER -----------------------------------------------------------------------


def test_second_peer_with_the_same_id_is_ignored(router_and_dealer, connected):
    router, first = router_and_dealer()
    second = connected(zmq.DEALER, router, routing_id=b"peer")
    second.send(b"from the second")
    first.send(b"from the first")
    assert router.recv_multipart() == [b"peer", b"from the first"]
    assert router.poll(20) == 0
    router.send_multipart([b"peer", b"to the first"])
    assert first.recv() == b"to the first"
    assert would_wait(second.recv)


def test_handover_gives_the_id_to_the_second_peer(connected_pair, connected):
    # The first peer must not reconnect, since it would take the id back, and the messages for the
    # second peer with it.
    router, first = connected_pair(
        zmq.ROUTER,
        zmq.DEALER,
        a={"router_handover": 1},
        b={"routing_id": b"peer", "reconnect_ivl": -1},
    )
    first.send(b"from the first")
    assert router.recv_multipart() == [b"peer", b"from the first"]
    second = connected(zmq.DEALER, router, routing_id=b"peer")
    second.send(b"from the second")
    assert router.recv_multipart() == [b"peer", b"from the second"]
    router.send_multipart([b"peer", b"to the second"])
    assert second.recv() == b"to the second"
    assert would_wait(first.recv)


def test_handover_delivers_messages_of_the_first_peer(connected_pair, connected):
    router, first = connected_pair(
        zmq.ROUTER, zmq.DEALER, a={"router_handover": 1}, b={"routing_id": b"peer"}
    )
    for word in b"1", b"2", b"3":
        first.send(word)
    received = [router.recv_multipart()]
    second = connected(zmq.DEALER, router, routing_id=b"peer")
    second.send(b"4")
    while len(received) < 4:
        received.append(router.recv_multipart())
    assert [body for _, body in received] == [b"1", b"2", b"3", b"4"]
    assert received[-1][0] == b"peer"


@over_a_network
def test_handover_does_not_disconnect_the_older_peer(connected_pair, connected):
    """The older peer stays connected.

    If it were disconnected, it would reconnect and take the id back.
    """
    router, first = connected_pair(
        zmq.ROUTER, zmq.DEALER, a={"router_handover": 1}, b={"routing_id": b"peer"}
    )
    second = connected(zmq.DEALER, router, routing_id=b"peer")
    monitor = router.get_monitor_socket(zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED)
    for number in range(20):
        first.send(b"not read")
        second.send(b"%d" % number)
        assert router.recv_multipart() == [b"peer", b"%d" % number]
        router.send_multipart([b"peer", b"%d" % number])
        assert second.recv() == b"%d" % number
    assert would_wait(first.recv)
    assert monitor.poll(20) == 0
    router.disable_monitor()
    monitor.close()
    # When the newer peer has left, the older peer has the id again.
    second.close()
    for _ in range(20):
        assert router.recv_multipart() == [b"peer", b"not read"]
    router.send_multipart([b"peer", b"back"])
    assert first.recv() == b"back"


@over_a_network
def test_waiting_peer_is_served_once_its_id_is_free(router_and_dealer, connected):
    router, first = router_and_dealer()
    second = connected(zmq.DEALER, router, routing_id=b"peer")
    second.send(b"waits")
    first.send(b"unread")
    assert router.poll(GUARD * 1000)
    first.close()
    assert router.recv_multipart() == [b"peer", b"unread"]
    assert router.recv_multipart() == [b"peer", b"waits"]
    router.send_multipart([b"peer", b"served"])
    assert second.recv() == b"served"


@over_a_network
def test_id_is_free_after_its_peer_left(router_and_dealer, connected):
    router, first = router_and_dealer()
    with watching(router, zmq.EVENT_DISCONNECTED):
        first.close()
    second = connected(zmq.DEALER, router, routing_id=b"peer")
    second.send(b"x")
    assert router.recv_multipart() == [b"peer", b"x"]
    router.send_multipart([b"peer", b"y"])
    assert second.recv() == b"y"


# -- PROBE_ROUTER, CONNECT_ROUTING_ID ------------------------------------------------------


@pytest.mark.parametrize(
    "prober", [zmq.DEALER, zmq.REQ, zmq.ROUTER], ids=lambda socket_type: socket_type.name
)
def test_probe_router_announces_the_peer(bound, connected, prober):
    router = bound(zmq.ROUTER)
    connected(prober, router, probe_router=1, routing_id=b"prober")
    assert router.recv_multipart() == [b"prober", b""]
    assert would_wait(router.recv)


def test_probe_announces_to_each_router(make, bound):
    dealer = make(zmq.DEALER, probe_router=1, routing_id=b"prober")
    for _ in range(2):
        router = bound(zmq.ROUTER)
        connect(dealer, router)
        assert router.recv_multipart() == [b"prober", b""]


def test_probe_precedes_messages(bound, make):
    router, dealer = bound(zmq.ROUTER), make(zmq.DEALER, probe_router=1, routing_id=b"prober")
    dealer.connect(router.last_endpoint)
    dealer.send(b"x")
    assert router.recv_multipart() == [b"prober", b""]
    assert router.recv_multipart() == [b"prober", b"x"]


def test_router_with_probe_reaches_a_router(bound, connected):
    server = bound(zmq.ROUTER, routing_id=b"server")
    client = connected(zmq.ROUTER, server, probe_router=1, routing_id=b"client")
    assert server.recv_multipart() == [b"client", b""]
    server.send_multipart([b"client", b"hello"])
    assert client.recv_multipart() == [b"server", b"hello"]


def test_connect_routing_id_names_the_peer_of_the_next_connect(bound, make):
    one, other = bound(zmq.DEALER), bound(zmq.DEALER, routing_id=b"own name")
    router = make(zmq.ROUTER)
    for name, dealer in (b"one", one), (b"other", other):
        router.set(zmq.CONNECT_ROUTING_ID, name)
        router.connect(dealer.last_endpoint)
        # A program can use the id at once, before the peer has sent anything.
        router.send_multipart([name, b"hello " + name])
        assert dealer.recv() == b"hello " + name
        dealer.send(b"x")
        assert router.recv_multipart() == [name, b"x"]


def test_connect_routing_id_applies_to_one_connect(bound, make):
    one, other = bound(zmq.DEALER), bound(zmq.DEALER)
    router = make(zmq.ROUTER)
    router.set(zmq.CONNECT_ROUTING_ID, b"one")
    connect(router, one)
    connect(router, other)
    other.send(b"x")
    peer, _ = router.recv_multipart()
    assert peer != b"one"


def test_connect_routing_id_works_before_the_bind(make, endpoints):
    router, dealer = make(zmq.ROUTER, router_mandatory=1), make(zmq.DEALER)
    endpoint = endpoints.fixed()
    router.set(zmq.CONNECT_ROUTING_ID, b"peer")
    router.connect(endpoint)
    router.send_multipart([b"peer", b"waits"])
    dealer.bind(endpoint)
    assert dealer.recv() == b"waits"


@over_a_network
def test_connect_routing_id_survives_a_reconnect(make, endpoints):
    router, endpoint = make(zmq.ROUTER), endpoints.fixed()
    router.set(zmq.CONNECT_ROUTING_ID, b"peer")
    first = make(zmq.DEALER)
    first.bind(endpoint)
    with watching(router, zmq.EVENT_HANDSHAKE_SUCCEEDED):
        router.connect(endpoint)
    with watching(router, zmq.EVENT_DISCONNECTED):
        first.close()
    second = make(zmq.DEALER)
    second.bind(endpoint)
    second.send(b"x")
    assert router.recv_multipart() == [b"peer", b"x"]
    router.send_multipart([b"peer", b"y"])
    assert second.recv() == b"y"
