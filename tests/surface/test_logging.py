"""The logger of each layer logs one line per event; without a handler nothing is printed."""

import logging
from time import monotonic_ns

import gevent
import pytest
from rawpeer import message
from watching import E

import zlinkcompat as zmq
from zlinkcompat._runtime import log_limiter


@pytest.fixture
def lines(caplog):
    """``lines("routing")`` returns the log of that layer as (level, text), and clears it."""
    caplog.set_level(logging.DEBUG, "zlinkcompat")

    def lines(layer):
        told = [
            (each.levelname, each.getMessage())
            for each in caplog.records
            if each.name == f"zlinkcompat.{layer}"
        ]
        caplog.clear()
        assert not any("\n" in text for _, text in told)
        return told

    return lines


def test_core_logs_sockets_endpoints_and_contexts(lines):
    context = zmq.Context()
    whole = f"{context.underlying:#x}"
    sock = context.socket(zmq.ROUTER)
    address = f"{sock.underlying:#x}"
    sock.bind("tcp://127.0.0.1:*")
    endpoint = sock.last_endpoint.decode()
    sock.connect("inproc://there")
    sock.unbind(endpoint)
    sock.close(0)
    context.term()
    assert lines("core") == [
        ("DEBUG", text)
        for text in (
            f"context {whole}: socket {address} made, a ROUTER",
            f"socket {address}: bound to {endpoint}",
            f"socket {address}: connects to inproc://there",
            f"socket {address}: unbind {endpoint}",
            f"socket {address}: closed, LINGER 0",
            f"context {whole}: terminates, sockets left: 0",
            f"context {whole}: terminated",
        )
    ]


@pytest.mark.parametrize("connected", [False, True])
def test_messages_dropped_after_linger_are_a_warning(connected, lines, raw_listener):
    listener = raw_listener(listens=connected)
    context = zmq.Context()
    sock = context.socket(zmq.PUSH)
    sock.linger, sock.reconnect_ivl = 20, 1
    sock.connect(listener.endpoint)
    if connected:
        # This peer accepts the connection but sends nothing.
        listener.accept()
    for _ in range(3):
        sock.send(b"x")
    sock.close()
    context.term()
    (told,) = [each for each in lines("engine") if each[0] == "WARNING"]
    assert listener.endpoint in told[1] and "LINGER is over, messages dropped: 3" in told[1]


def test_interpreter_exit_logs_dropped_messages(program, raw_listener):
    listener = raw_listener()
    one = program(
        """
        import logging
        logging.basicConfig(level=logging.WARNING, stream=sys.stdout, format="%(name)s %(message)s")
        from zlinkcompat.core import context as contexts
        contexts.EXIT_FLUSH = 0.05
        context = zmq.Context()
        sock = context.socket(zmq.PUSH)
        monitor = sock.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
        sock.connect(sys.argv[1])
        monitor.recv_multipart()
        for _ in range(200):
            sock.send(bytes(100000))
    """,
        listener.endpoint,
    )
    listener.accept().handshake(b"PULL")
    assert one.ends() == (
        "zlinkcompat.core interpreter exit: given up after 0.05 s, with messages on their way\n"
    )


def test_duplicate_routing_id_is_logged(bound, raw, lines, monitor):
    sock = bound(zmq.ROUTER)
    events = monitor(sock, E.HANDSHAKE_SUCCEEDED)
    for number in range(3):
        peer = raw(sock.last_endpoint)
        peer.handshake(b"DEALER", identity=b"me")
        events.next()
        # A refused peer causes one line, however many messages it sends.
        peer.send(message(b"%d" % number))
    assert sock.recv_multipart() == [b"me", b"0"]
    assert not sock.poll(20)
    told = lines("routing")
    assert [level for level, _ in told] == ["WARNING", "DEBUG"]
    assert all(
        sock.last_endpoint.decode() in text and "127.0.0.1" in text and "b'me'" in text
        for _, text in told
    )


def test_routing_id_handover_is_logged(bound, raw, lines):
    sock = bound(zmq.ROUTER, router_handover=1)
    for number in range(2):
        peer = raw(sock.last_endpoint)
        peer.handshake(b"DEALER", identity=b"me")
        peer.send(message(b"%d" % number))
        assert sock.recv_multipart() == [b"me", b"%d" % number]
    ((level, text),) = lines("routing")
    assert level == "INFO" and "takes over the routing id b'me'" in text


def test_unroutable_messages_are_logged(make, bound, lines):
    sock = bound(zmq.ROUTER, sndhwm=1)
    sock.send_multipart([b"nobody", b"a secret"])
    assert lines("routing") == [
        ("DEBUG", "dropped: a message to a routing id that no peer has: b'nobody'")
    ]
    dealer = make(zmq.DEALER, routing_id=b"full", rcvhwm=1)
    sock.bind("inproc://full")
    dealer.connect("inproc://full")
    for _ in range(3):
        sock.send_multipart([b"full", b"x"])
    ((level, text),) = lines("routing")
    assert level == "DEBUG" and text.startswith("inproc://full: peer in this process: dropped")


def test_second_peer_of_a_pair_is_logged(bound, make, lines, monitor):
    sock = bound(zmq.PAIR)
    first = make(zmq.PAIR)
    first.connect(sock.last_endpoint)
    first.send(b"x")
    assert sock.recv() == b"x"
    second = make(zmq.PAIR, reconnect_ivl=-1)
    events = monitor(second, E.DISCONNECTED)
    second.connect(sock.last_endpoint)
    while not events.poll(1):
        sock.poll(0)
    ((level, text),) = lines("routing")
    assert level == "WARNING" and text.endswith("refused: this PAIR has a peer")


def test_further_peers_of_a_pair_are_one_warning(bound, make, lines, monitor):
    sock = bound(zmq.PAIR)
    first = make(zmq.PAIR)
    first.connect(sock.last_endpoint)
    first.send(b"x")
    assert sock.recv() == b"x"
    stubborn = make(zmq.PAIR, reconnect_ivl=1)
    events = monitor(stubborn, E.DISCONNECTED)
    stubborn.connect(sock.last_endpoint)
    for _ in range(3):
        while not events.poll(1):
            sock.poll(0)
        events.next()
    levels = [level for level, text in lines("routing") if "this PAIR has a peer" in text]
    assert levels[0] == "WARNING" and len(levels) >= 3 and set(levels[1:]) == {"DEBUG"}


def test_further_duplicate_routing_ids_are_counted(bound, raw, lines, monitor, monkeypatch):
    now = monotonic_ns()
    monkeypatch.setattr(log_limiter, "monotonic_ns", lambda: now)
    monkeypatch.setattr(log_limiter, "INTERVAL", 60.0)
    sock = bound(zmq.ROUTER)
    events = monitor(sock, E.HANDSHAKE_SUCCEEDED)

    def arrive():
        peer = raw(sock.last_endpoint)
        peer.handshake(b"DEALER", identity=b"me")
        events.next()
        sock.poll(0)
        return peer

    peers = [arrive() for _ in range(4)]
    assert [level for level, _ in lines("routing")] == ["WARNING", "DEBUG", "DEBUG"]
    now += 61 * 10**9
    peers.append(arrive())
    ((level, text),) = lines("routing")
    assert level == "WARNING" and text.endswith("(2 more in the last 61 s)")


def test_malformed_requests_are_logged(bound, raw, make, lines):
    rep = bound(zmq.REP)
    peer = raw(rep.last_endpoint)
    peer.handshake(b"REQ")
    peer.send(message(b"no envelope"), message(b"nor", b"here"), message(b"", b"question"))
    assert rep.recv() == b"question"
    told = lines("routing")
    assert [level for level, _ in told] == ["DEBUG"] * 2
    assert all("dropped: a request without an empty frame" in text for _, text in told)
    assert not any("nor" in text for _, text in told)


def test_refused_inproc_subscription_is_logged(make, lines):
    sub, pub = make(zmq.SUB), make(zmq.XPUB, subscriptions_max=1)
    pub.bind("inproc://topics")
    sub.connect("inproc://topics")
    sub.subscribe(b"one")
    assert pub.recv() == b"\1one"
    sub.subscribe(b"two")
    assert not pub.poll(0)
    sub.poll(0)
    assert lines("routing") == [
        (
            "WARNING",
            "inproc://topics: refused by the peer in this process: "
            "more subscriptions than SUBSCRIPTIONS_MAX, 1",
        )
    ]


def test_nothing_is_printed_without_a_log_handler(program, raw_listener):
    """Without a handler nothing is printed, not even by logging's handler of last resort."""
    listener = raw_listener(listens=False)
    assert (
        program(
            """
        context = zmq.Context()
        pair = context.socket(zmq.PAIR)
        pair.linger = 10
        pair.connect(sys.argv[1])
        pair.send(b"dropped")
        pair.close()
        context.term()
    """,
            listener.endpoint,
        ).ends()
        == ""
    )


@pytest.mark.both_engines
def test_waiting_term_logs_its_reason_once(lines, raw_listener, monkeypatch):
    monkeypatch.setenv("ZLINK_TERM_WARNING", "10")
    listener = raw_listener(listens=False)
    context = zmq.Context()
    open_one, lingering = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    lingering.linger = 200
    lingering.connect(listener.endpoint)
    for _ in range(3):
        lingering.send(b"x")
    lingering.close()
    closing = gevent.spawn_later(0.05, open_one.close)
    context.term()
    closing.join()
    ((_, text),) = [each for each in lines("core") if each[0] == "WARNING"]
    assert "term() still waits after 0.01 s" in text
    assert "(PULL, not closed, LINGER -1, messages unsent: 0, endpoints: none)" in text
    assert f"(PUSH, closed, LINGER 200, messages unsent: 3, endpoints: {listener.endpoint})" in text
