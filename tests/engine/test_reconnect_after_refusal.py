"""A connecter that its peer keeps refusing reconnects less and less often, and logs little."""

import logging

import pytest
from rawpeer import command, greeting, ready
from watching import E

import zlinkcompat as zmq
from zlinkcompat.engine import connecter

CAP = 16


@pytest.fixture(autouse=True)
def low_cap(monkeypatch):
    """Set the longest interval to milliseconds, so that no test has to wait for long."""
    monkeypatch.setattr(connecter, "REFUSED_IVL_MAX", CAP)


@pytest.fixture
def dial(make, monitor):
    """``dial(listener, reconnect_ivl=1)`` connects a PUSH and returns its monitor."""

    def dial(listener, **options):
        sock = make(zmq.PUSH, **options)
        events = monitor(sock, E.CONNECT_RETRIED)
        sock.connect(listener.endpoint)
        return events

    return dial


@pytest.fixture
def warnings(caplog):
    """``warnings()`` returns the warnings that the engine has logged so far."""
    caplog.set_level(logging.WARNING, "zlinkcompat")
    return lambda: [
        record.getMessage() for record in caplog.records if record.name == "zlinkcompat.engine"
    ]


def wrong_mechanism(peer):
    peer.send(greeting(mechanism=b"PLAIN"))


def wrong_socket_type(peer):
    peer.send(greeting(), ready(b"PUB"))


def refusal_of_a_zap_handler(peer):
    peer.send(greeting(), command(b"ERROR", b"\x03400"))


def silent_close(peer):
    """Close without an answer, as a CURVE server does if a client uses another server's key."""
    peer.send(greeting())
    peer.read(64)
    peer.close()


def temporary_refusal(peer):
    peer.send(greeting(), command(b"ERROR", b"\x03300"))


def close_before_the_greeting(peer):
    """Close at once, as a proxy does whose backend is down."""
    peer.close()


def pauses(events, listener, refuse, count):
    """Refuse ``count`` attempts; return the milliseconds before each further attempt."""
    found = []
    for _ in range(count):
        refuse(listener.accept())
        found.append(events.wait_for(E.CONNECT_RETRIED))
    return found


REFUSALS = [wrong_mechanism, wrong_socket_type, refusal_of_a_zap_handler, silent_close]


@pytest.mark.both_engines
@pytest.mark.parametrize("refuse", REFUSALS, ids=lambda refuse: refuse.__name__)
def test_pauses_double_up_to_the_cap(refuse, dial, raw_listener):
    listener = raw_listener()
    events = dial(listener, reconnect_ivl=1)
    assert pauses(events, listener, refuse, 7) == [1, 2, 4, 8, 16, 16, 16]


@pytest.mark.parametrize(
    "refuse", [temporary_refusal, close_before_the_greeting], ids=lambda refuse: refuse.__name__
)
def test_temporary_failure_is_retried_at_the_normal_rate(refuse, dial, raw_listener):
    listener = raw_listener()
    events = dial(listener, reconnect_ivl=1)
    assert pauses(events, listener, refuse, 6) == [1] * 6


@pytest.mark.parametrize("most, expected", [(4, [1, 2, 4, 4]), (1, [1, 1, 1, 1])])
def test_reconnect_ivl_max_overrides_the_cap(most, expected, dial, raw_listener):
    listener = raw_listener()
    events = dial(listener, reconnect_ivl=1, reconnect_ivl_max=most)
    assert pauses(events, listener, wrong_mechanism, 4) == expected


def test_interval_above_the_cap_is_kept(dial, raw_listener):
    listener = raw_listener()
    events = dial(listener, reconnect_ivl=CAP + 1)
    assert all(
        CAP < pause < 2 * (CAP + 1) for pause in pauses(events, listener, wrong_mechanism, 4)
    )


def test_disconnect_without_refusal_resets_the_backoff(dial, raw_listener):
    listener = raw_listener()
    events = dial(listener, reconnect_ivl=1)
    assert pauses(events, listener, wrong_mechanism, 5)[-1] == CAP
    assert pauses(events, listener, close_before_the_greeting, 2) == [1, 1]
    assert pauses(events, listener, wrong_mechanism, 3) == [1, 2, 4]


@pytest.mark.both_engines
def test_refused_client_logs_one_line(dial, raw_listener, warnings):
    listener = raw_listener()
    events = dial(listener, reconnect_ivl=1)
    pauses(events, listener, wrong_mechanism, 20)
    (line,) = warnings()
    assert line.startswith(f"{listener.endpoint}: peer 127.0.0.1: handshake failed: ")
    assert "b'PLAIN'" in line and "up to 0.016 s apart" in line


@pytest.mark.both_engines
def test_refusing_server_logs_one_line(bound, make, monitor, warnings):
    server = bound(zmq.PULL)
    events = monitor(server, E.HANDSHAKE_FAILED_PROTOCOL)
    client = make(zmq.SUB, reconnect_ivl=1)
    client.connect(server.last_endpoint)
    for _ in range(20):
        events.next()
    ours, theirs = warnings()
    assert "is not compatible with our" in ours and "is not compatible with our" in theirs


def test_different_reasons_are_logged_separately(bound, raw, monitor, warnings):
    server = bound(zmq.PULL)
    events = monitor(server, E.HANDSHAKE_FAILED_PROTOCOL)
    for _ in range(3):
        for refused in (wrong_mechanism, wrong_socket_type):
            refused(raw(server.last_endpoint))
            events.next()
    assert len(warnings()) == 2


def test_suppressed_lines_are_logged_at_debug(bound, raw, monitor, caplog):
    caplog.set_level(logging.DEBUG, "zlinkcompat.engine")
    server = bound(zmq.PULL)
    events = monitor(server, E.HANDSHAKE_FAILED_PROTOCOL)
    for _ in range(3):
        wrong_mechanism(raw(server.last_endpoint))
        events.next()
    levels = [record.levelname for record in caplog.records if "failed" in record.getMessage()]
    assert levels == ["WARNING", "DEBUG", "DEBUG"]


def test_client_with_wrong_server_key_gets_a_hint(make, bound, raw_listener, warnings, monitor):
    pytest.importorskip("nacl")
    public, secret = zmq.curve_keypair()
    server = bound(zmq.PULL, curve_server=1, curve_secretkey=secret, curve_publickey=public)
    other, _ = zmq.curve_keypair()
    client = make(
        zmq.PUSH,
        reconnect_ivl=1,
        curve_serverkey=other,
        curve_publickey=public,
        curve_secretkey=secret,
    )
    events = monitor(client, E.CONNECT_RETRIED)
    client.connect(server.last_endpoint)
    for _ in range(3):
        events.next()
    assert len([line for line in warnings() if "CURVE_SERVERKEY may not be the key" in line]) == 1
