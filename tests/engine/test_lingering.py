"""close() never waits. term() waits until accepted messages are delivered or LINGER expires."""

import time

import gevent
import pytest
from guard import GUARD
from rawpeer import message
from watching import E

import zlinkcompat as zmq

MB = 1 << 20
BODY = bytes(range(256)) * (5 * MB // 256)


@pytest.fixture
def term(context):
    """``term()`` terminates the context in a greenlet of its own, and returns the greenlet."""
    return lambda: gevent.spawn(context.term)


def waits(terminating):
    """Return whether term() still waits after a time in which it could have returned."""
    return terminating.join(0.05) is None and not terminating.ready()


@pytest.fixture
def closed_port(raw_listener):
    return raw_listener(listens=False)


# -- the peer is absent --------------------------------------------------------------------


def test_without_linger_messages_to_absent_peers_are_dropped(make, closed_port, term):
    sock = make(zmq.PUSH, reconnect_ivl=1)
    sock.connect(closed_port.endpoint)
    sock.send(b"dropped")
    sock.close(linger=0)
    term().get(timeout=GUARD)
    closed_port.listen()
    assert closed_port.nobody_comes(0.05)


@pytest.mark.parametrize("linger", [-1, 60000])
def test_term_waits_for_absent_peers(linger, make, closed_port, term):
    sock = make(zmq.PUSH, reconnect_ivl=1, linger=linger)
    sock.connect(closed_port.endpoint)
    sock.send(b"1")
    sock.send_multipart([b"2", b"2"])
    sock.close()
    terminating = term()
    assert waits(terminating)
    closed_port.listen()
    peer = closed_port.accept()
    peer.handshake(b"PULL")
    assert [peer.read_message(), peer.read_message()] == [[b"1"], [b"2", b"2"]]
    assert peer.read_to_end() == b""
    terminating.get(timeout=GUARD)


def test_term_returns_after_a_finite_linger(make, closed_port, term):
    sock = make(zmq.PUSH, reconnect_ivl=1, linger=80)
    sock.connect(closed_port.endpoint)
    sock.send(b"given up")
    began = time.monotonic()
    other = gevent.spawn(lambda: None)
    sock.close()
    assert not other.ready()  # had close() waited, this greenlet would have run
    term().get(timeout=GUARD)
    assert time.monotonic() - began >= 0.075  # a timer may be early by its granularity
    closed_port.listen()
    assert closed_port.nobody_comes(0.05)


@pytest.mark.parametrize("set_by", ["option", "close"])
def test_linger_may_be_set_after_connect(set_by, make, closed_port, term):
    """LINGER takes effect at once and for all endpoints, as zmq_setsockopt(3) says."""
    sock = make(zmq.PUSH, reconnect_ivl=1)
    sock.connect(closed_port.endpoint)
    sock.send(b"dropped")
    if set_by == "option":
        sock.linger = 0
        sock.close()
    else:
        sock.close(linger=0)
    term().get(timeout=GUARD)


def test_term_does_not_wait_without_messages(make, closed_port, term):
    sock = make(zmq.PUSH, reconnect_ivl=1, linger=-1)
    sock.connect(closed_port.endpoint)
    sock.close()
    term().get(timeout=GUARD)


def test_term_does_not_wait_for_subscriptions(make, closed_port, term):
    sock = make(zmq.SUB, reconnect_ivl=1)
    sock.connect(closed_port.endpoint)
    sock.subscribe(b"topic")
    sock.close()
    term().get(timeout=GUARD)


@pytest.mark.parametrize("linger", [0, 50])
def test_linger_with_a_server_that_never_handshakes(linger, make, raw_listener, term):
    listener = raw_listener()
    sock = make(zmq.PUSH, linger=linger)
    sock.connect(listener.endpoint)
    sock.send(b"dropped")
    peer = listener.accept()
    peer.read(10)
    sock.close()
    term().get(timeout=GUARD)
    assert peer.read_to_end() == b""


@pytest.mark.parametrize("linger", [0, -1])
def test_linger_with_an_accepted_peer_that_never_handshakes(linger, bound, raw, term):
    sock = bound(zmq.PUSH, linger=linger)
    peer = raw(sock.last_endpoint)
    peer.read(10)
    sock.close()
    assert peer.read_to_end() == b""
    term().get(timeout=GUARD)


# -- the peer is connected -----------------------------------------------------------------


@pytest.fixture(params=["binds", "connects"])
def pair_up(request, bound, make, raw, raw_listener, monitor):
    """``pair_up(PUSH, b"PULL")`` returns our socket and a raw peer, with the handshake done."""

    def pair_up(socket_type, peer_type, **options):
        if request.param == "binds":
            sock = bound(socket_type, **options)
            events = monitor(sock)
            peer = raw(sock.last_endpoint)
        else:
            listener = raw_listener()
            sock = make(socket_type, **options)
            events = monitor(sock)
            sock.connect(listener.endpoint)
            peer = listener.accept()
        peer.handshake(peer_type)
        events.wait_for(E.HANDSHAKE_SUCCEEDED)
        events.close()
        return sock, peer

    return pair_up


@pytest.mark.parametrize("linger", [-1, 60000])
def test_everything_is_written_before_term_returns(pair_up, linger, term):
    sock, peer = pair_up(zmq.PUSH, b"PULL", linger=linger)
    for number in range(3):
        sock.send_multipart([b"%d" % number, BODY])
    sock.close()
    terminating = term()
    assert waits(terminating)
    for number in range(3):
        assert peer.read_message() == [b"%d" % number, BODY]
    assert peer.read_to_end() == b""
    terminating.get(timeout=GUARD)


def test_close_and_exit_of_the_greenlet_at_once(pair_up):
    """Messages arrive although the hub does not run between the last send and close()."""
    sock, peer = pair_up(zmq.PUSH, b"PULL")
    for number in range(1000):
        sock.send(b"%d" % number)
    sock.close()
    assert [peer.read_message() for _ in range(1000)] == [[b"%d" % n] for n in range(1000)]
    assert peer.read_to_end() == b""


def test_peer_that_reads_too_late_loses_the_rest(pair_up, term):
    sock, peer = pair_up(zmq.PUSH, b"PULL", linger=50)
    for _ in range(3):
        sock.send(BODY)
    sock.close()
    term().get(timeout=GUARD)
    assert len(peer.read_to_end()) < 3 * len(BODY)


def test_without_linger_unsent_messages_are_dropped(pair_up, term):
    sock, peer = pair_up(zmq.PUSH, b"PULL", linger=0)
    for _ in range(3):
        sock.send(BODY)
    sock.close()
    term().get(timeout=GUARD)
    assert len(peer.read_to_end()) < 3 * len(BODY)


def test_without_linger_the_peer_is_disconnected(pair_up, term):
    sock, peer = pair_up(zmq.DEALER, b"DEALER", linger=0)
    peer.send(message(b"never received"))
    sock.close()
    assert peer.read_to_end() == b""
    term().get(timeout=GUARD)


def test_term_does_not_wait_for_a_peer_that_keeps_sending(pair_up, term):
    sock, peer = pair_up(zmq.DEALER, b"DEALER", linger=-1)
    sock.send(BODY)
    sock.close()
    terminating = term()
    sending = gevent.spawn(peer.send, message(BODY))
    assert peer.read_message() == [BODY]
    terminating.get(timeout=GUARD)
    peer.read_to_end()
    sending.join()  # the write may fail, since the other end does not read any more


def test_term_does_not_wait_for_a_peer_that_left(bound, raw, monitor, term):
    """Messages for an accepted peer that disconnected can never be delivered, so term() returns."""
    sock = bound(zmq.PUSH, linger=-1)
    events = monitor(sock)
    peer = raw(sock.last_endpoint)
    peer.handshake(b"PULL")
    events.wait_for(E.HANDSHAKE_SUCCEEDED)
    events.close()
    sock.send(BODY)
    sock.close()
    terminating = term()
    assert waits(terminating)
    peer.close()
    terminating.get(timeout=GUARD)


def test_lingering_connecter_reconnects(make, raw_listener, term):
    listener = raw_listener()
    sock = make(zmq.PUSH, reconnect_ivl=1, linger=-1)
    sock.connect(listener.endpoint)
    first = listener.accept()
    first.handshake(b"PULL")
    sock.send(BODY)
    sock.send(b"the next")
    assert first.read(9)[0] == 2  # the message is partly written now
    sock.close()
    terminating = term()
    first.close()
    second = listener.accept()
    second.handshake(b"PULL")
    # The partly written message was lost with its connection.
    assert second.read_message() == [b"the next"]
    assert second.read_to_end() == b""
    terminating.get(timeout=GUARD)


def test_each_of_many_peers_gets_its_own_messages(bound, raw, term):
    sock = bound(zmq.ROUTER, linger=-1)
    peers = [raw(sock.last_endpoint) for _ in range(10)]
    for number, peer in enumerate(peers):
        peer.handshake(b"DEALER", identity=b"%d" % number)
        peer.send(message(b"here"))
    for _ in peers:
        name, _ = sock.recv_multipart()
        sock.send_multipart([name, name + BODY[: 300 * 1024]])
    sock.close()
    terminating = term()
    for number, peer in enumerate(peers):
        assert peer.read_message() == [b"%d" % number + BODY[: 300 * 1024]]
        assert peer.read_to_end() == b""
    terminating.get(timeout=GUARD)


def test_disconnect_delivers_within_linger(make, raw_listener, monitor):
    listener = raw_listener()
    sock = make(zmq.PUSH)
    events = monitor(sock)
    sock.connect(listener.endpoint)
    peer = listener.accept()
    peer.handshake(b"PULL")
    events.wait_for(E.HANDSHAKE_SUCCEEDED)
    sock.send(BODY)
    sock.disconnect(listener.endpoint)
    assert peer.read_message() == [BODY]
    assert peer.read_to_end() == b""


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def test_address_is_free_directly_after_close(bound, raw, tmp_path, transport):
    """The address can be bound again even while the closed socket still delivers messages."""
    place = "tcp://127.0.0.1:*" if transport == "tcp" else f"ipc://{tmp_path}/socket"
    sock = bound(zmq.ROUTER, place, linger=-1)
    endpoint = sock.last_endpoint
    peer = raw(endpoint)
    peer.handshake(b"DEALER", identity=b"old")
    peer.send(message(b"here"))
    sock.recv_multipart()
    sock.send_multipart([b"old", BODY])
    sock.close()
    successor = bound(zmq.PULL, endpoint.decode())
    new = raw(successor.last_endpoint)
    new.handshake(b"PUSH")
    new.send(message(b"x"))
    assert successor.recv() == b"x"
    assert peer.read_message() == [BODY]


# -- term ----------------------------------------------------------------------------------


def test_term_waits_for_open_sockets(bound, term):
    sock = bound(zmq.PULL)
    terminating = term()
    assert waits(terminating)
    sock.close()
    terminating.get(timeout=GUARD)


@pytest.mark.parametrize("call", [
    lambda sock: sock.recv(), lambda sock: sock.recv_multipart(), lambda sock: sock.poll(),
    lambda sock: sock.send(b"x" * 100000) or call_again(sock),
], ids=["recv", "recv_multipart", "poll", "send"])  # fmt: skip
def test_term_ends_waiting_calls(call, bound, raw, term):
    sock = bound(zmq.DEALER, sndhwm=1, linger=0)
    raw(sock.last_endpoint).handshake(b"DEALER")
    waiting = gevent.spawn(call, sock)
    assert waits(waiting)
    terminating = term()
    with pytest.raises(zmq.ContextTerminated):
        waiting.get(timeout=GUARD)
    with pytest.raises(zmq.ContextTerminated):
        sock.send(b"x", zmq.NOBLOCK)
    assert not terminating.ready()
    sock.close()
    terminating.get(timeout=GUARD)


def call_again(sock):
    while True:
        sock.send(b"x" * 100000)


def test_interrupted_term_can_be_called_again(bound, context):
    sock = bound(zmq.PULL)
    with pytest.raises(gevent.Timeout), gevent.Timeout(0.02):
        context.term()
    with pytest.raises(zmq.ZMQError):
        context.socket(zmq.PULL)
    sock.close()
    with gevent.Timeout(GUARD):
        context.term()


def test_peers_are_served_while_term_waits(bound, make, raw, term):
    """While term() waits for a lingering socket, sockets that are still open keep working."""
    sock = bound(zmq.PUSH)
    peer = raw(sock.last_endpoint)
    peer.handshake(b"PULL")
    sock.send(BODY)
    other = make(zmq.PULL)
    sock.close()
    terminating = term()
    assert peer.read_message() == [BODY]
    assert waits(terminating)
    other.close()
    terminating.get(timeout=GUARD)


def test_unreferenced_sockets_are_closed(raw_listener):
    """The messages of a socket that was collected without close() are delivered.

    Collecting the socket does not block.
    """
    listener = raw_listener()

    def send_and_forget():
        context = zmq.Context()
        sock = context.socket(zmq.PUSH)
        sock.connect(listener.endpoint)
        sock.send(b"forgotten")

    with pytest.warns(ResourceWarning):
        send_and_forget()
    peer = listener.accept()
    peer.handshake(b"PULL")
    assert peer.read_message() == [b"forgotten"]
    assert peer.read_to_end() == b""
