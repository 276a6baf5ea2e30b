"""LINGER limits how long a closed socket still delivers messages; ctx.term() waits until then."""

import time

import gevent
import pytest
from guard import GUARD
from meeting import connect, inproc_only, new_socket, over_a_network, values, waiting

import zlinkcompat as zmq

MIB = 1 << 20
COUNT = 10


def bodies(count):
    return [b"%d" % number for number in range(count)]


def received(sock, count):
    return [sock.recv() for _ in range(count)]


@pytest.fixture
def elsewhere(no_descriptor_is_left):
    """``elsewhere(zmq.PULL)`` returns a socket of another context."""
    context = zmq.Context()

    sockets = []

    def elsewhere(socket_type, **options):
        sockets.append(new_socket(context, socket_type, **options))
        return sockets[-1]

    yield elsewhere
    with gevent.Timeout(GUARD):
        context.destroy(linger=0)


def test_default_linger_is_unlimited_except_for_subscribers(make):
    for socket_type in list(zmq.SocketType)[:12]:
        wanted = 0 if socket_type in (zmq.SUB, zmq.XSUB) else -1
        assert make(socket_type).linger == wanted, socket_type


# -- with a peer that reads ----------------------------------------------------------------


@pytest.mark.parametrize("linger", [-1, GUARD * 1000])
@pytest.mark.parametrize("size", [10, MIB])
def test_close_delivers_accepted_messages(connected_pair, linger, size):
    pull, push = connected_pair(zmq.PULL, zmq.PUSH)
    messages = [body.ljust(size) for body in bodies(COUNT)]
    for message in messages:
        push.send(message)
    push.close(linger=linger)
    assert received(pull, COUNT) == messages


@pytest.mark.parametrize(
    ("sender", "receiver"),
    [(zmq.PUSH, zmq.PULL), (zmq.DEALER, zmq.DEALER), (zmq.PAIR, zmq.PAIR)],
    ids=lambda socket_type: socket_type.name,
)
def test_close_of_a_binder_delivers_accepted_messages(connected_pair, sender, receiver):
    one, other = connected_pair(sender, receiver)
    for body in bodies(COUNT):
        one.send(body.ljust(MIB))
    one.close()
    assert received(other, COUNT) == [body.ljust(MIB) for body in bodies(COUNT)]


def test_reply_is_delivered_after_close(connected_pair):
    rep, req = connected_pair(zmq.REP, zmq.REQ)
    req.send(b"?")
    assert rep.recv() == b"?"
    rep.send(b"!")
    rep.close()
    assert req.recv() == b"!"


def test_published_messages_are_delivered_after_close(connected_pair):
    xpub, sub = connected_pair(zmq.XPUB, zmq.SUB)
    sub.subscribe(b"")
    assert xpub.recv() == b"\1"
    for body in bodies(COUNT):
        xpub.send(body)
    xpub.close()
    assert received(sub, COUNT) == bodies(COUNT)


def test_close_does_not_wait(connected_pair):
    pull, push = connected_pair(zmq.PULL, zmq.PUSH)
    for _ in range(COUNT):
        push.send(bytes(MIB))
    push.close(linger=-1)
    assert push.closed
    # The peer reads only now, after the close.
    assert received(pull, COUNT) == [bytes(MIB)] * COUNT


# -- with a peer that connects later -------------------------------------------------------


@over_a_network
@pytest.mark.parametrize("linger", [-1, GUARD * 1000])
def test_close_delivers_to_a_peer_that_binds_later(make, endpoints, linger):
    push, pull = make(zmq.PUSH, linger=linger), make(zmq.PULL)
    endpoint = endpoints.fixed()
    push.connect(endpoint)
    for body in bodies(COUNT):
        push.send(body)
    push.close()
    pull.bind(endpoint)
    assert received(pull, COUNT) == bodies(COUNT)


@inproc_only
@pytest.mark.parametrize("linger", [-1, 0])
def test_inproc_delivers_to_a_later_binder(make, endpoint, linger):
    # As in libzmq (tests/test_hwm.cpp, test_inproc_connect_and_close_first). LINGER does not apply
    # to messages in an inproc pipe: they count as delivered.
    push, pull = make(zmq.PUSH), make(zmq.PULL)
    push.connect(endpoint)
    for body in bodies(COUNT):
        push.send(body)
    push.close(linger=linger)
    pull.bind(endpoint)
    assert received(pull, COUNT) == bodies(COUNT)


@inproc_only
def test_inproc_delivers_to_a_later_binder_after_disconnect(make, endpoint):
    push, pull = make(zmq.PUSH), make(zmq.PULL)
    push.connect(endpoint)
    push.send(b"x")
    push.disconnect(endpoint)
    pull.bind(endpoint)
    assert pull.recv() == b"x"


@over_a_network
def test_zero_linger_drops_unsent_messages(make, endpoints):
    push, pull = make(zmq.PUSH), make(zmq.PULL)
    endpoint = endpoints.fixed()
    push.connect(endpoint)
    push.send(b"dropped")
    push.close(linger=0)
    pull.bind(endpoint)
    assert pull.poll(30) == 0


@over_a_network
def test_linger_can_be_set_after_the_connect(make, endpoints):
    push, pull = make(zmq.PUSH), make(zmq.PULL)
    endpoint = endpoints.fixed()
    push.connect(endpoint)
    push.send(b"dropped")
    push.linger = 0
    push.close()
    pull.bind(endpoint)
    assert pull.poll(30) == 0


@over_a_network
def test_closed_socket_drops_messages_after_its_linger(context, make, endpoints):
    push = make(zmq.PUSH)
    push.connect(endpoints.fixed())
    push.send(b"dropped")
    began = time.monotonic()
    push.close(linger=50)
    with gevent.Timeout(GUARD):
        context.term()
    assert time.monotonic() - began >= 0.049


# -- ctx.term() ----------------------------------------------------------------------------


@over_a_network
def test_term_waits_for_an_absent_peer(context, make, elsewhere, endpoints):
    push, pull = make(zmq.PUSH), elsewhere(zmq.PULL)
    endpoint = endpoints.fixed()
    push.connect(endpoint)
    for body in bodies(COUNT):
        push.send(body)
    push.close()
    terminating = waiting(context.term)
    pull.bind(endpoint)
    assert received(pull, COUNT) == bodies(COUNT)
    values([terminating])


@over_a_network
def test_term_waits_for_a_slow_peer(context, make, elsewhere, endpoints):
    push, pull = make(zmq.PUSH, sndhwm=0), elsewhere(zmq.PULL, rcvhwm=1)
    pull.bind(endpoints.any())
    connect(push, pull)
    for body in bodies(4 * COUNT):
        push.send(body.ljust(MIB))
    push.close()
    terminating = waiting(context.term)
    for body in bodies(4 * COUNT):
        assert pull.recv() == body.ljust(MIB)
    values([terminating])


@over_a_network
def test_term_does_not_wait_without_linger(context, make, elsewhere, endpoints):
    push, pull = make(zmq.PUSH, sndhwm=0), elsewhere(zmq.PULL, rcvhwm=1)
    pull.bind(endpoints.any())
    connect(push, pull)
    for _ in range(4 * COUNT):
        push.send(bytes(MIB))
    push.close(linger=0)
    with gevent.Timeout(GUARD):
        context.term()


@over_a_network
def test_term_waits_for_linger_at_most(context, make, endpoints):
    push = make(zmq.PUSH, linger=50)
    push.connect(endpoints.fixed())
    push.send(b"dropped")
    began = time.monotonic()
    push.close()
    with gevent.Timeout(GUARD):
        context.term()
    assert time.monotonic() - began >= 0.049


@over_a_network
def test_term_does_not_wait_for_peers_without_messages(context, make, endpoints):
    for socket_type in zmq.PUSH, zmq.DEALER, zmq.SUB, zmq.XPUB, zmq.REQ:
        sock = make(socket_type)
        sock.connect(endpoints.fixed())
        sock.close()
    with gevent.Timeout(GUARD):
        context.term()


@over_a_network
def test_term_does_not_wait_for_subscriptions(context, make, endpoints):
    sub = make(zmq.SUB)
    sub.subscribe(b"a")
    sub.connect(endpoints.fixed())
    sub.close()
    with gevent.Timeout(GUARD):
        context.term()


@inproc_only
def test_term_does_not_wait_for_a_binder(context, make, endpoint):
    push = make(zmq.PUSH)
    push.connect(endpoint)
    push.send(b"x")
    push.close()
    with gevent.Timeout(GUARD):
        context.term()


def test_term_waits_until_all_sockets_are_closed(context, make):
    socks = [make(zmq.PULL) for _ in range(3)]
    terminating = waiting(context.term)
    for sock in socks:
        assert not terminating.ready()
        sock.close()
        gevent.idle()
    values([terminating])


def test_term_does_not_wait_for_unreceived_messages(context, connected_pair):
    pull, push = connected_pair(zmq.PULL, zmq.PUSH)
    for body in bodies(COUNT):
        push.send(body)
    assert pull.recv() == b"0"
    pull.close()
    push.close(linger=0)
    with gevent.Timeout(GUARD):
        context.term()


@over_a_network
def test_binder_does_not_linger_for_a_peer_that_left(context, connected_pair):
    # The messages were accepted for a connection that has ended, and a binder cannot reconnect. So
    # term() does not wait for them.
    push, pull = connected_pair(zmq.PUSH, zmq.PULL)
    for _ in range(COUNT):
        push.send(bytes(MIB))
    pull.close(linger=0)
    push.close()
    with gevent.Timeout(GUARD):
        context.term()
