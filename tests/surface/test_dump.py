"""``debug.dump()`` shows the sockets and connections of this process at any time."""

import json
import signal
import threading

import gevent
import pytest
from guard import GUARD
from programs import python

import zlinkcompat as zmq
from zlinkcompat.debug import dump


def found(sock, picture=None):
    """Return the entry of a socket in ``debug.dump()``, now or when ``picture`` was taken.

    Other tests of this process may have left sockets that change meanwhile."""
    return next(
        each
        for context in (picture or dump())["contexts"]
        for each in context["sockets"]
        if each["address"] == sock.underlying
    )


@pytest.fixture
def pair(bound, make):
    """Connect a PUSH to a PULL and receive one message; return both sockets."""
    pull = bound(zmq.PULL, rcvhwm=7)
    push = make(zmq.PUSH, sndhwm=9)
    push.connect(pull.last_endpoint)
    push.send(b"first")
    assert pull.recv() == b"first"
    return push, pull


def test_sockets_connections_and_pipes(pair):
    push, pull = pair
    endpoint = pull.last_endpoint.decode()
    seen = found(pull)
    assert (seen["type"], seen["state"]) == ("PULL", "open")
    assert seen["listeners"] == [{"endpoint": endpoint, "paused": False, "handshakes": 0}]
    (connection,) = found(push)["connections"]
    assert connection["state"] == "active" and connection["fd"] >= 0
    assert connection["endpoint"] == endpoint and connection["peer"] == "127.0.0.1"
    (pipe,) = found(push)["pipes"]
    assert (pipe["endpoint"], pipe["out_hwm"]) == (endpoint, 9)
    assert found(pull)["pipes"][0]["in_hwm"] == 7


def test_queue_lengths(make):
    push = make(zmq.PUSH, linger=0)
    push.connect("tcp://127.0.0.1:1")
    for _ in range(3):
        push.send(b"x")
    assert found(push)["pipes"][0]["out_messages"] == 3
    assert found(push)["connections"][0]["state"] == "connecting"


def test_peers_are_in_order_with_the_worst_one_first(make, bound):
    router = bound(zmq.ROUTER, sndhwm=5)
    for number in range(3):
        dealer = make(zmq.DEALER, routing_id=b"client-%d" % number)
        dealer.connect(router.last_endpoint)
        dealer.send(b"hello")
        router.recv_multipart()
    router.name = "broker"
    assert found(router) == found(router)
    for _ in range(100):
        router.send_multipart([b"client-1", bytes(1_000_000)])
    seen = found(router)
    assert seen["name"] == "broker"
    assert [each["routing_id"] for each in seen["peers"]] == ["client-1", "client-0", "client-2"]
    worst = seen["peers"][0]
    line = next(line for line in str(dump()).splitlines() if "'client-1'" in line)
    assert f"{worst['remote']} at {router.last_endpoint.decode()}: " in line
    assert f"{worst['queued_out']}/5 out ({worst['queued_out']}000000 bytes, oldest" in line
    assert f"{worst['drops']['hwm']} dropped (hwm), waits for peer to read" in line


def test_dump_data_are_plain_and_text_names_everything(pair):
    _push, pull = pair
    picture = dump()
    assert json.loads(json.dumps(picture)) == picture
    text = str(picture)
    assert "PUSH" in text and "PULL" in text and pull.last_endpoint.decode() in text
    assert "active" in text and "0/9 out" in text


def test_dump_from_another_thread_and_from_a_signal_handler(pair):
    _push, pull = pair
    pictures = []
    take = lambda *_: pictures.append(dump())  # noqa: E731
    gevent.get_hub().threadpool.apply(take)
    thread = threading.Thread(target=take)
    thread.start()
    thread.join()
    before = signal.signal(signal.SIGUSR1, take)
    try:
        signal.raise_signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert [found(pull, each) for each in pictures] == [found(pull)] * 3


def test_age_of_unread_messages_is_in_the_text(pair):
    push, pull = pair
    for _ in range(2):
        push.send(b"x")
    with gevent.Timeout(GUARD):
        while not found(pull)["peers"][0]["oldest_unread"]:
            gevent.sleep(0.001)
    line = next(line for line in str(dump()).splitlines() if "/7 in (oldest 0." in line)
    assert line.endswith("waits for application to receive")


PROGRAM = """
import os, signal, sys, zmq
pull = zmq.Context.instance().socket(zmq.PULL)
port = pull.bind_to_random_port("tcp://127.0.0.1")
os.kill(os.getpid(), signal.SIGUSR1)
print("between", flush=True)
if sys.argv[1:]:
    sys.exit(7)
"""


@pytest.mark.parametrize("patch", [(), ("--no-patch",)], ids=["patched", "unpatched"])
@pytest.mark.parametrize("arguments, code", [((), 0), (("fail",), 7)], ids=["returns", "exits"])
def test_stats_are_printed_on_a_signal_and_at_exit(tmp_path, patch, arguments, code):
    path = tmp_path / "prog.py"
    path.write_text(PROGRAM)
    done = python("-m", "zlinkcompat", *patch, "--stats", path, *arguments)
    assert (done.returncode, done.stdout) == (code, "between\n"), done.stderr
    assert done.stderr.count("PULL") == done.stderr.count("context ") == 2, done.stderr
    assert "listening" in done.stderr
