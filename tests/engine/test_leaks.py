"""After a million messages of every form, no object, reference or descriptor is left."""

import gc
import sys

import gevent
import pytest
from guard import GUARD
from rawpeer import command, greeting, message, ready

import zlinkcompat as zmq
from zlinkcompat.debug import build_info

KB = 1024
#: The pure-Python fallback would take minutes for so many messages.
MESSAGES = 1_000_000 if build_info()["compiled"] else 60_000
#: Number of messages sent at a time; it is below the high-water marks.
BURST = 500

FORMS = {
    "small": (lambda sock, body: sock.send(body), b"s" * 64, 70),
    "frame": (lambda sock, body: sock.send(body, copy=False), b"f" * 64, 10),
    "parts": (lambda sock, body: sock.send_multipart([body, b"", body]), b"p" * 300, 10),
    "large": (lambda sock, body: sock.send(body), b"l" * (9 * KB), 5),
    "pinned": (lambda sock, body: sock.send(body, copy=False), bytearray(9 * KB), 5),
}


@pytest.mark.parametrize("transport", ["tcp", "ipc", "inproc"])
def test_million_messages_leak_nothing(make, endpoint_of, transport):
    push, pull = make(zmq.PUSH), make(zmq.PULL)
    pull.bind("inproc://leaks" if transport == "inproc" else endpoint_of(transport))
    push.connect(pull.last_endpoint)

    def move(count, form, body):
        for _ in range(count // BURST):
            for _ in range(BURST):
                form(push, body)
            for number in range(BURST):
                # Alternate between the two ways to receive.
                parts = pull.recv_multipart(copy=number % 2 == 0)
            assert len(parts[0]) == len(body)

    def settle():
        gevent.idle()
        gc.collect()
        return sys.getallocatedblocks()

    bodies = {name: body for name, (_, body, _) in FORMS.items()}
    for form, body, _ in FORMS.values():
        move(2 * BURST, form, body)
    blocks = settle()
    references = {name: sys.getrefcount(body) for name, body in bodies.items()}
    for form, body, share in FORMS.values():
        move(MESSAGES // 3 * share // 100, form, body)
    left = settle() - blocks
    assert {name: sys.getrefcount(body) for name, body in bodies.items()} == references
    # Caches and pools may keep a few objects. If each message of one form left an object, there
    # would be 16,000 (1,000 in the pure-Python fallback).
    assert left < 500


def test_handshake_leaves_no_garbage(bound, raw):
    """A handshake leaves no cyclic garbage.

    With many new peers, collecting the garbage would cost more than the peers themselves.
    """
    sock = bound(zmq.PULL)

    def come():
        peer = raw(sock.last_endpoint)
        peer.handshake(b"PUSH")
        peer.send(message(b"x"))
        assert sock.recv() == b"x"

    come()
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            come()
        assert gc.collect() < 20
    finally:
        gc.enable()


#: Bytes that a peer sends before it disconnects in the middle of the handshake.
BEFORE_IT_LEAVES = {
    "nothing": b"",
    "half-a-greeting": greeting()[:40],
    "a-greeting": greeting(),
    "garbage": bytes(range(1, 256)) * 16,
    "half-a-command": greeting() + ready(b"PUSH")[:9],
    "a-wrong-command": greeting() + command(b"WELCOME"),
    "a-wrong-type": greeting() + ready(b"SUB"),
}


#: If each peer leaves one object of garbage, the test fails.
PEERS = 100


@pytest.mark.parametrize("said", BEFORE_IT_LEAVES.values(), ids=BEFORE_IT_LEAVES.keys())
@pytest.mark.parametrize("transport", ["tcp", "ws"])
def test_failed_handshake_leaves_no_garbage(make, raw, transport, said):
    """A failed handshake leaves no cyclic garbage.

    Such garbage would keep a read buffer of 128 KiB, so reconnecting peers would fill the memory.
    """
    sock = make(zmq.PULL)
    monitor = sock.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    monitor.rcvtimeo = int(GUARD * 1000)
    sock.bind("ws://127.0.0.1:*/x" if transport == "ws" else "tcp://127.0.0.1:*")
    endpoint = sock.last_endpoint.decode().removesuffix("/x")
    if transport == "ws":
        said = b"GET /x HTTP/1.1\r\n" + said if said[:1] == b"\xff" else said

    def come():
        peer = raw(endpoint)
        peer.send(said)
        peer.close()
        monitor.recv_multipart()

    come()
    gevent.idle()
    gc.collect()
    gc.disable()
    try:
        for _ in range(PEERS):
            come()
        gevent.idle()
        # A socket of an earlier test may be collected here, which adds about 20 objects once.
        assert gc.collect() < PEERS
    finally:
        gc.enable()
