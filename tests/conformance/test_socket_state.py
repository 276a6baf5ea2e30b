"""The options that report a socket's state: TYPE, EVENTS, FD, RCVMORE and LAST_ENDPOINT."""

import select

import pytest
from guard import GUARD
from meeting import LARGE, connect, fill, hear, narrow, would_wait

import zlinkcompat as zmq

IN, OUT = zmq.POLLIN, zmq.POLLOUT
#: EVENTS of a socket without peers: POLLOUT unless a send would wait.
FRESH = {
    zmq.PAIR: 0, zmq.PUB: OUT, zmq.SUB: 0, zmq.REQ: 0, zmq.REP: 0, zmq.DEALER: 0,
    zmq.ROUTER: OUT, zmq.PULL: 0, zmq.PUSH: 0, zmq.XPUB: OUT, zmq.XSUB: OUT, zmq.STREAM: OUT,
}  # fmt: skip

#: Maps (type, type of the peer) to EVENTS once the peer is connected, and EVENTS once the peer has
#: sent a message (None if the peer cannot send at that time).
MET = {
    (zmq.PAIR, zmq.PAIR): (OUT, IN | OUT),
    (zmq.DEALER, zmq.DEALER): (OUT, IN | OUT),
    (zmq.ROUTER, zmq.DEALER): (OUT, IN | OUT),
    (zmq.PULL, zmq.PUSH): (0, IN),
    (zmq.PUSH, zmq.PULL): (OUT, None),
    (zmq.REQ, zmq.REP): (OUT, None),
    (zmq.REP, zmq.REQ): (0, IN),
}


def name(value):
    return getattr(value, "name", None)


each_type = pytest.mark.parametrize("socket_type", FRESH, ids=name)


@each_type
def test_type(make, socket_type):
    sock = make(socket_type)
    assert sock.get(zmq.TYPE) == socket_type
    assert sock.type == socket_type


# -- EVENTS --------------------------------------------------------------------------------


@each_type
def test_events_without_peers(make, socket_type):
    sock = make(socket_type)
    assert sock.get(zmq.EVENTS) == FRESH[socket_type]
    assert sock.poll(0, IN | OUT) == FRESH[socket_type]


@pytest.mark.parametrize(("socket_type", "peer_type"), MET, ids=name)
def test_events_with_a_peer(connected_pair, socket_type, peer_type):
    sock, peer = connected_pair(socket_type, peer_type)
    before, after = MET[socket_type, peer_type]
    assert sock.get(zmq.EVENTS) == before
    if after is not None:
        peer.send(b"x")
        assert sock.poll(GUARD * 1000) == IN
        assert sock.get(zmq.EVENTS) == after


def test_events_of_req_and_rep(connected_pair):
    rep, req = connected_pair(zmq.REP, zmq.REQ)
    req.send(b"?")
    assert req.events == 0
    assert rep.poll(GUARD * 1000) == IN
    assert rep.events == IN
    rep.recv()
    assert rep.events == OUT
    rep.send(b"!")
    assert rep.events == 0
    assert req.poll(GUARD * 1000) == IN
    assert req.events == IN
    req.recv()
    assert req.events == OUT


def test_events_of_publisher_and_subscriber(connected_pair):
    xpub, sub = connected_pair(zmq.XPUB, zmq.SUB)
    sub.subscribe(b"a")
    assert xpub.poll(GUARD * 1000) == IN
    assert xpub.events == IN | OUT
    assert xpub.recv() == b"\1a"
    assert xpub.events == OUT
    xpub.send(b"b")
    xpub.send(b"a")
    assert sub.poll(GUARD * 1000) == IN
    assert sub.recv() == b"a"
    assert sub.events == 0


def test_events_ignore_filtered_messages(make, bound):
    # The publisher sends a message that the subscriber filters out.
    xpub, sub = bound(zmq.XPUB, xpub_welcome_msg=b"welcome"), make(zmq.SUB)
    sub.subscribe(b"a")
    connect(sub, xpub)
    hear(xpub, b"\1a")
    assert sub.poll(10) == 0
    xpub.send(b"a")
    assert sub.poll(GUARD * 1000) == IN


def test_events_of_a_full_socket(connected_pair):
    push, pull = connected_pair(zmq.PUSH, zmq.PULL, **narrow(1, 1))
    accepted = fill(push, lambda number: [LARGE])
    assert push.events == 0
    for _ in accepted:
        pull.recv()
    assert push.poll(GUARD * 1000, OUT) == OUT
    assert push.events == OUT
    assert pull.events == 0


def test_events_within_a_message(connected_pair):
    one, other = connected_pair(zmq.PAIR, zmq.PAIR)
    one.send(b"1", zmq.SNDMORE)
    assert one.events & OUT
    one.send(b"2")
    assert other.recv() == b"1"
    assert other.events & IN
    assert other.recv() == b"2"
    assert not other.events & IN


def test_mandatory_router_is_writable_when_a_peer_is(connected_pair):
    router, dealer = connected_pair(
        zmq.ROUTER, zmq.DEALER, **narrow(1, 1),
        a={"router_mandatory": 1}, b={"routing_id": b"peer"},
    )  # fmt: skip
    assert router.events == OUT
    accepted = fill(router, lambda number: [b"peer", LARGE])
    assert router.events == 0
    for _ in accepted:
        dealer.recv()
    assert router.poll(GUARD * 1000, OUT) == OUT


def test_mandatory_router_without_peers_is_not_writable(make):
    assert make(zmq.ROUTER, router_mandatory=1).events == 0


# -- FD ------------------------------------------------------------------------------------


def is_readable(fd):
    return bool(select.select([fd], [], [], 0)[0])


@each_type
def test_each_socket_has_a_descriptor(make, socket_type):
    sock = make(socket_type)
    assert sock.get(zmq.FD) >= 0
    assert sock.FD == sock.fileno() == sock.get(zmq.FD)


def test_descriptors_differ(make):
    socks = [make(zmq.PULL) for _ in range(3)]
    assert len({sock.FD for sock in socks}) == 3


def test_descriptor_signals_messages(connected_pair):
    # The descriptor is edge-triggered, so read EVENTS whenever it is readable.
    pull, push = connected_pair(zmq.PULL, zmq.PUSH)
    while is_readable(pull.FD):
        assert pull.events == 0
    for number in range(3):
        push.send(b"%d" % number)
        assert pull.poll(GUARD * 1000) == IN
        assert pull.recv() == b"%d" % number
        assert pull.events == 0


def test_descriptor_becomes_readable_when_a_message_arrives(connected_pair):
    pull, push = connected_pair(zmq.PULL, zmq.PUSH)
    while is_readable(pull.FD):
        assert pull.events == 0
    push.send(b"x")
    poller = zmq.Poller()
    poller.register(pull.FD, zmq.POLLIN)
    assert poller.poll(GUARD * 1000) == [(pull.FD, zmq.POLLIN)]
    assert pull.events == IN
    assert pull.recv(zmq.NOBLOCK) == b"x"


def test_descriptor_becomes_readable_when_there_is_room(connected_pair):
    push, pull = connected_pair(zmq.PUSH, zmq.PULL, **narrow(1, 1))
    accepted = fill(push, lambda number: [LARGE])
    while is_readable(push.FD):
        assert push.events == 0
    for _ in accepted:
        pull.recv()
    poller = zmq.Poller()
    poller.register(push.FD, zmq.POLLIN)
    assert poller.poll(GUARD * 1000) == [(push.FD, zmq.POLLIN)]
    assert push.poll(GUARD * 1000, OUT) == OUT


# -- RCVMORE -------------------------------------------------------------------------------


@each_type
def test_new_socket_has_no_rcvmore(make, socket_type):
    assert make(socket_type).get(zmq.RCVMORE) == 0


def test_rcvmore_describes_the_last_received_frame(connected_pair):
    push, pull = connected_pair(zmq.PUSH, zmq.PULL)
    push.send_multipart([b"1", b"2"])
    assert pull.poll(GUARD * 1000)
    assert pull.rcvmore == 0
    pull.recv()
    assert pull.rcvmore == 1
    pull.recv()
    assert pull.rcvmore == 0
    assert would_wait(pull.recv)
    assert pull.rcvmore == 0


# -- LAST_ENDPOINT -------------------------------------------------------------------------


@each_type
def test_new_socket_has_no_last_endpoint(make, socket_type):
    assert make(socket_type).last_endpoint == b""


def test_endpoint_bound_last(make, endpoints):
    sock = make(zmq.PULL)
    for _ in range(3):
        endpoint = endpoints.fixed()
        sock.bind(endpoint)
        assert sock.last_endpoint == endpoint.encode()
        assert sock.get_string(zmq.LAST_ENDPOINT) == endpoint


def test_wildcards_are_resolved(make):
    endpoints = set()
    for wildcard in "tcp://127.0.0.1:*", "tcp://127.0.0.1:0":
        sock = make(zmq.PULL)
        sock.bind(wildcard)
        host, _, port = sock.last_endpoint.rpartition(b":")
        assert host == b"tcp://127.0.0.1"
        assert int(port) > 0
        endpoints.add(sock.last_endpoint)
    assert len(endpoints) == 2


def test_endpoint_connected_last(make, endpoints):
    sock = make(zmq.PUSH)
    for _ in range(3):
        endpoint = endpoints.fixed()
        sock.connect(endpoint)
        assert sock.last_endpoint == endpoint.encode()


def test_failed_bind_does_not_change_last_endpoint(make, endpoints):
    sock = make(zmq.PULL)
    sock.bind(endpoints.any())
    endpoint = sock.last_endpoint
    with pytest.raises(zmq.ZMQError):
        sock.bind("carrier-pigeon://x")
    assert sock.last_endpoint == endpoint
