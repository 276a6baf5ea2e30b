"""A connecter reconnects, at growing intervals, until it is told to stop."""

import gevent
import pytest
from gevent import socket
from guard import GUARD
from rawpeer import RawPeer, greeting, message, name_of, ready
from watching import E

import zlinkcompat as zmq

#: Milliseconds that we wait for further attempts, where none must come.
LONG_AFTER = 100


@pytest.fixture
def closed_port(raw_listener):
    """Return a listener whose address refuses connections until its ``listen()``."""
    return raw_listener(listens=False)


@pytest.fixture
def dial(make, monitor):
    """``dial(listener, PUSH)`` connects a PUSH to the listener, and returns it and its monitor."""

    def dial(listener, socket_type, **options):
        sock = make(socket_type, **options)
        events = monitor(sock)
        sock.connect(listener.endpoint)
        return sock, events

    return dial


def intervals(events, count):
    return [events.wait_for(E.CONNECT_RETRIED) for _ in range(count)]


# -- when a connecter reconnects -----------------------------------------------------------


def test_refused_connection_is_retried(closed_port, dial):
    sock, events = dial(closed_port, zmq.PUSH, reconnect_ivl=1)
    for _ in range(3):
        assert events.next() == (E.CONNECT_DELAYED, 115, closed_port.endpoint)
        assert events.next()[0] == E.CLOSED
        assert events.next()[0] == E.CONNECT_RETRIED
    sock.send(b"patient")
    closed_port.listen()
    peer = closed_port.accept()
    peer.handshake(b"PULL")
    assert peer.read_message() == [b"patient"]


def test_interval_is_constant_apart_from_jitter(closed_port, dial):
    _, events = dial(closed_port, zmq.PUSH, reconnect_ivl=4)
    assert all(4 <= interval < 8 for interval in intervals(events, 8))


def test_intervals_grow_to_the_maximum(closed_port, dial):
    _, events = dial(closed_port, zmq.PUSH, reconnect_ivl=2, reconnect_ivl_max=20)
    seen = intervals(events, 7)
    for step, interval in enumerate(seen):
        assert min(2 << step, 20) <= interval <= 20, seen


def test_maximum_below_the_interval_is_ignored(closed_port, dial):
    """A RECONNECT_IVL_MAX below RECONNECT_IVL is ignored, as zmq_setsockopt(3) says."""
    _, events = dial(closed_port, zmq.PUSH, reconnect_ivl=4, reconnect_ivl_max=1)
    assert all(4 <= interval < 8 for interval in intervals(events, 4))


def test_intervals_restart_after_a_handshake(raw_listener, dial):
    listener = raw_listener()
    _, events = dial(listener, zmq.PUSH, reconnect_ivl=2, reconnect_ivl_max=200)
    for _ in range(5):
        listener.accept().close()
    grown = intervals(events, 5)[-1]
    assert grown >= 32
    peer = listener.accept()
    peer.handshake(b"PULL")
    peer.close()
    assert 2 <= intervals(events, 1)[0] < 6


def test_lost_connection_is_reestablished(raw_listener, dial):
    listener = raw_listener()
    sock, events = dial(listener, zmq.DEALER, reconnect_ivl=1)
    for number in range(3):
        peer = listener.accept()
        peer.handshake(b"DEALER")
        sock.send(b"%d" % number)
        assert peer.read_message() == [b"%d" % number]
        peer.send(message(b"back"))
        assert sock.recv() == b"back"
        peer.close()
        names = events.until(E.CONNECT_RETRIED)
        assert names[-4:] == ["CONNECTED", "HANDSHAKE_SUCCEEDED", "DISCONNECTED", "CONNECT_RETRIED"]


@pytest.mark.parametrize("said", [b"", greeting()[:20], greeting()], ids=len)
def test_broken_handshake_is_retried(said, raw_listener, dial):
    listener = raw_listener()
    sock, events = dial(listener, zmq.PUSH, reconnect_ivl=1)
    first = listener.accept()
    first.send(said)
    first.close()
    events.wait_for(E.HANDSHAKE_FAILED_NO_DETAIL)
    second = listener.accept()
    second.handshake(b"PULL")
    sock.send(b"x")
    assert second.read_message() == [b"x"]


def answers_in_the_end(listener):
    """Accept connections until one of them completes the greeting.

    On a busy machine the answer comes too late for some connections.
    """
    while True:
        try:
            return listener.accept().handshake(b"PULL")
        except (EOFError, ConnectionError):
            pass


def test_silent_server_is_retried_after_handshake_ivl(raw_listener, dial):
    listener = raw_listener()
    _, events = dial(listener, zmq.PUSH, reconnect_ivl=1, handshake_ivl=20)
    silent = listener.accept()
    events.wait_for(E.HANDSHAKE_FAILED_NO_DETAIL)
    silent.read_to_end()
    answering = gevent.spawn(answers_in_the_end, listener)
    events.wait_for(E.HANDSHAKE_SUCCEEDED)
    answering.get()


def test_connect_to_an_ipc_server_that_starts_later(make, raw_listener, monitor, tmp_path):
    endpoint = f"ipc://{tmp_path}/late"
    sock = make(zmq.PUSH, reconnect_ivl=1)
    events = monitor(sock)
    sock.connect(endpoint)
    events.wait_for(E.CONNECT_RETRIED)
    sock.send(b"x")
    peer = raw_listener(endpoint).accept()
    peer.handshake(b"PULL")
    assert peer.read_message() == [b"x"]


# -- what happens to messages until the socket has reconnected -------------------------------


def test_messages_wait_for_the_first_connection_up_to_the_hwm(closed_port, dial):
    sock, _ = dial(closed_port, zmq.PUSH, reconnect_ivl=1, sndhwm=3)
    for number in range(3):
        sock.send(b"%d" % number, zmq.NOBLOCK)
    with pytest.raises(zmq.Again):
        sock.send(b"too many", zmq.NOBLOCK)
    closed_port.listen()
    peer = closed_port.accept()
    peer.handshake(b"PULL")
    assert [peer.read_message() for _ in range(3)] == [[b"0"], [b"1"], [b"2"]]


def test_messages_sent_while_disconnected_arrive_later(raw_listener, dial):
    listener = raw_listener()
    sock, events = dial(listener, zmq.PUSH, reconnect_ivl=1)
    first = listener.accept()
    first.handshake(b"PULL")
    events.wait_for(E.HANDSHAKE_SUCCEEDED)
    first.close()
    events.wait_for(E.DISCONNECTED)
    sock.send(b"1")
    sock.send_multipart([b"2", b"2"])
    second = listener.accept()
    second.handshake(b"PULL")
    assert [second.read_message(), second.read_message()] == [[b"1"], [b"2", b"2"]]


def test_immediate_waits_for_a_connection(raw_listener, dial):
    listener = raw_listener()
    sock, events = dial(listener, zmq.PUSH, immediate=1, reconnect_ivl=1)
    peer = listener.accept()
    with pytest.raises(zmq.Again):
        sock.send(b"early", zmq.NOBLOCK)
    sending = gevent.spawn(sock.send, b"in time")
    peer.handshake(b"PULL")
    assert peer.read_message() == [b"in time"]
    sending.get()
    peer.close()
    events.wait_for(E.DISCONNECTED)
    with pytest.raises(zmq.Again):
        sock.send(b"late", zmq.NOBLOCK)


def test_subscriptions_are_sent_once_per_connection(raw_listener, dial):
    listener = raw_listener()
    sock, events = dial(listener, zmq.SUB, reconnect_ivl=1)
    sock.subscribe(b"a")
    first = listener.accept()
    first.handshake(b"PUB")
    assert first.read_command() == (b"SUBSCRIBE", b"a")
    first.close()
    events.wait_for(E.DISCONNECTED)
    sock.subscribe(b"b")
    second = listener.accept()
    second.handshake(b"PUB")
    told = sorted(second.read_command() for _ in range(2))
    assert told == [(b"SUBSCRIBE", b"a"), (b"SUBSCRIBE", b"b")]
    assert second.says_nothing()


@pytest.mark.parametrize(
    "broken",
    [greeting(mechanism=b"PLAIN"), greeting() + ready(b"PUSH")],
    ids=["mechanism", "socket-type"],
)
def test_reconnects_after_a_protocol_violation(broken, raw_listener, dial):
    """A connecter also reconnects to an address whose peer violated the protocol.

    We differ from libzmq on purpose: libzmq never reconnects then, even if another peer binds the
    address later.
    """
    listener = raw_listener()
    sock, events = dial(listener, zmq.PUSH, reconnect_ivl=1)
    listener.accept().send(broken)
    events.wait_for(E.HANDSHAKE_FAILED_PROTOCOL)
    mended = listener.accept()
    mended.handshake(b"PULL")
    sock.send(b"at last")
    assert mended.read_message() == [b"at last"]


# -- stopping ------------------------------------------------------------------------------


def refused(listener):
    pass


def fails_handshake(listener):
    listener.listen()
    listener.accept().close()


def disconnects(listener):
    listener.listen()
    peer = listener.accept()
    peer.handshake(b"PULL")
    peer.close()


REFUSED = zmq.RECONNECT_STOP_CONN_REFUSED
FAILED = zmq.RECONNECT_STOP_HANDSHAKE_FAILED
AFTER = zmq.RECONNECT_STOP_AFTER_DISCONNECT


@pytest.mark.parametrize("stop, happens, last", [
    (REFUSED, refused, E.CLOSED),
    (REFUSED | FAILED, refused, E.CLOSED),
    (FAILED, fails_handshake, E.DISCONNECTED),
    (FAILED | REFUSED, fails_handshake, E.DISCONNECTED),
], ids=["refused", "refused-both", "handshake", "handshake-both"])  # fmt: skip
def test_reconnect_stop(stop, happens, last, closed_port, dial):
    happening = gevent.spawn(happens, closed_port)
    gevent.idle()  # where the case begins with listening, the server listens before we connect
    _, events = dial(closed_port, zmq.PUSH, reconnect_ivl=1, reconnect_stop=stop)
    happening.get()
    events.wait_for(last)
    assert events.stays_silent(LONG_AFTER)


@pytest.mark.parametrize("stop, happens", [
    (FAILED, refused), (AFTER, refused), (REFUSED, fails_handshake), (AFTER, fails_handshake),
    (REFUSED | FAILED, disconnects), (AFTER, disconnects),
], ids=lambda value: getattr(value, "__name__", str(value)))  # fmt: skip
def test_reconnect_stop_has_no_effect_on_other_failures(stop, happens, closed_port, dial):
    """RECONNECT_STOP does not stop a reconnect after a failure that it does not name.

    AFTER_DISCONNECT is about zmq_disconnect(), not about a peer that disconnects.
    """
    happening = gevent.spawn(happens, closed_port)
    gevent.idle()
    _, events = dial(closed_port, zmq.PUSH, reconnect_ivl=1, reconnect_stop=stop)
    happening.get()
    events.wait_for(E.CONNECT_RETRIED)


def test_handshake_ivl_makes_a_silent_server_fail_its_handshake(raw_listener, dial):
    listener = raw_listener()
    _, events = dial(listener, zmq.PUSH, reconnect_ivl=1, handshake_ivl=20, reconnect_stop=FAILED)
    listener.accept().read_to_end()
    events.wait_for(E.DISCONNECTED)
    assert events.stays_silent(LONG_AFTER)


@pytest.mark.parametrize("stop", [0, AFTER], ids=["default", "after-disconnect"])
def test_disconnect_with_messages_left(stop, closed_port, dial):
    """After disconnect() we reconnect within LINGER to deliver the messages that are left.

    With AFTER_DISCONNECT we do not reconnect.
    """
    sock, events = dial(closed_port, zmq.PUSH, reconnect_ivl=1, reconnect_stop=stop)
    sock.send(b"left behind")
    events.wait_for(E.CONNECT_RETRIED)
    sock.disconnect(closed_port.endpoint)
    if stop:
        closed_port.listen()
        assert closed_port.nobody_comes(LONG_AFTER / 1000)
    else:
        events.wait_for(E.CONNECT_RETRIED)
        closed_port.listen()
        peer = closed_port.accept()
        peer.handshake(b"PULL")
        assert peer.read_message() == [b"left behind"]
        assert peer.read_to_end() == b""


def test_disconnect_stops_reconnecting(closed_port, dial):
    sock, events = dial(closed_port, zmq.PUSH, reconnect_ivl=1)
    events.wait_for(E.CONNECT_RETRIED)
    sock.disconnect(closed_port.endpoint)
    closed_port.listen()
    assert closed_port.nobody_comes(LONG_AFTER / 1000)


def test_stopped_socket_can_connect_again(closed_port, dial):
    sock, events = dial(closed_port, zmq.PUSH, reconnect_ivl=1, reconnect_stop=REFUSED)
    events.wait_for(E.CLOSED)
    closed_port.listen()
    sock.connect(closed_port.endpoint)
    peer = closed_port.accept()
    peer.handshake(b"PULL")
    sock.send(b"second try")
    assert peer.read_message() == [b"second try"]


@pytest.mark.parametrize("happens, last", [
    (refused, E.CLOSED), (fails_handshake, E.DISCONNECTED), (disconnects, E.DISCONNECTED),
])  # fmt: skip
def test_interval_of_minus_1_never_reconnects(happens, last, closed_port, dial):
    happening = gevent.spawn(happens, closed_port)
    gevent.idle()
    _, events = dial(closed_port, zmq.PUSH, reconnect_ivl=-1)
    happening.get()
    events.wait_for(last)
    assert events.stays_silent(LONG_AFTER)


# -- connections that are neither made nor refused -----------------------------------------


@pytest.fixture
def black_hole(raw_listener):
    """Return a listener whose backlog is full: the kernel leaves SYNs unanswered."""
    listener = raw_listener(backlog=0)
    family, address = name_of(listener.endpoint)
    waiting = []
    for _ in range(8):
        sock = socket.socket(family)
        sock.setblocking(False)
        sock.connect_ex(address)
        waiting.append(sock)
    yield listener
    for sock in waiting:
        sock.close()


def test_connect_timeout(black_hole, dial):
    _, events = dial(black_hole, zmq.PUSH, connect_timeout=20, reconnect_ivl=1)
    for _ in range(2):
        assert [events.next()[0].name for _ in range(3)] == [
            "CONNECT_DELAYED", "CLOSED", "CONNECT_RETRIED"]  # fmt: skip


def test_without_connect_timeout_the_kernel_decides(black_hole, dial):
    _, events = dial(black_hole, zmq.PUSH, reconnect_ivl=1)
    assert events.next()[0] == E.CONNECT_DELAYED
    assert events.stays_silent(LONG_AFTER)


def test_no_reconnect_after_connect_timeout(black_hole, dial):
    _, events = dial(black_hole, zmq.PUSH, connect_timeout=10, reconnect_ivl=-1)
    assert events.until(E.CLOSED) == ["CONNECT_DELAYED", "CLOSED"]
    assert events.stays_silent(LONG_AFTER)


@pytest.mark.parametrize("timeout", [0, 10000])
def test_close_while_connecting(timeout, black_hole, dial, context):
    sock, events = dial(black_hole, zmq.PUSH, connect_timeout=timeout)
    events.wait_for(E.CONNECT_DELAYED)
    sock.close(linger=0)
    events.pair.close()
    with gevent.Timeout(GUARD):
        context.term()


def test_disconnect_while_connecting(black_hole, dial):
    sock, events = dial(black_hole, zmq.PUSH)
    events.wait_for(E.CONNECT_DELAYED)
    sock.disconnect(black_hole.endpoint)
    assert events.next()[0] == E.CLOSED


def test_ipc_listener_with_a_full_backlog(make, raw_listener, monitor, tmp_path):
    endpoint = f"ipc://{tmp_path}/busy"
    listener = raw_listener(endpoint, backlog=0)
    first = RawPeer.connect(endpoint)
    sock = make(zmq.PUSH, reconnect_ivl=1)
    events = monitor(sock)
    sock.connect(endpoint)
    events.wait_for(E.CONNECT_RETRIED)
    listener.accept()
    peer = listener.accept()
    peer.handshake(b"PULL")
    first.close()
    sock.send(b"x")
    assert peer.read_message() == [b"x"]
