"""A peer process is killed in the middle of large messages, and restarts at the same address."""

import gevent
import pytest
from guard import GUARD
from watching import E

import zlinkcompat as zmq

MB = 1 << 20
SIZE = 16 * MB

#: Sends large messages in an endless loop. Each has three frames: its number, a body, ``end``.
SENDER = """
context = zmq.Context()
sock = context.socket(zmq.PUSH)
sock.linger = 0
sock.reconnect_ivl = 10
body = bytes(range(256)) * (int(sys.argv[2]) // 256)
if sys.argv[3] == "binds":
    sock.bind(sys.argv[1])
else:
    sock.connect(sys.argv[1])
say("ready")
number = 0
while True:
    sock.send_multipart([b"%d" % number, body, b"end"])
    number += 1
"""

#: Waits for a line of input, then receives messages and prints the number of each.
RECEIVER = """
context = zmq.Context()
sock = context.socket(zmq.PULL)
sock.rcvhwm = 1
sock.reconnect_ivl = 10
if sys.argv[2] == "binds":
    sock.bind(sys.argv[1])
else:
    sock.connect(sys.argv[1])
say("ready")
gevent.get_hub().threadpool.apply(sys.stdin.readline)
while True:
    number, body, end = sock.recv_multipart()
    assert end == b"end" and len(body) == int(sys.argv[3])
    say(number.decode())
"""

OURS_AND_THEIRS = pytest.mark.parametrize("library", ["zlinkcompat", "zmq"])
BOTH_ENDS = pytest.mark.parametrize("peer_end", ["binds", "connects"])
BODY = bytes(range(256)) * (SIZE // 256)


@pytest.fixture
def address(raw_listener):
    """Return an address reserved for a killed process and its successor."""
    return raw_listener(listens=False).endpoint


def begin(sock, peer_end, address):
    sock.reconnect_ivl = 10
    if peer_end == "binds":
        sock.connect(address)
    else:
        sock.bind(address)


@OURS_AND_THEIRS
@BOTH_ENDS
def test_sender_is_killed(library, peer_end, address, make, monitor, program):
    """Every received message is whole, and the socket then receives from the next sender."""
    sock = make(zmq.PULL, rcvhwm=1)
    events = monitor(sock, E.HANDSHAKE_SUCCEEDED | E.DISCONNECTED)
    begin(sock, peer_end, address)
    for _ in range(2):
        sender = program(SENDER, address, SIZE, peer_end, library=library)
        events.wait_for(E.HANDSHAKE_SUCCEEDED)
        for number in range(2):
            assert sock.recv_multipart() == [b"%d" % number, BODY, b"end"]
        # We do not receive any more. Because of rcvhwm the sender then stops in the middle of one
        # of the next messages at the latest.
        sender.kill()
        received = 2
        while sock.poll(0) or events.stays_silent(0):
            if sock.poll(10):
                assert sock.recv_multipart() == [b"%d" % received, BODY, b"end"]
                received += 1
        events.wait_for(E.DISCONNECTED)
        assert not sock.poll(0)


@OURS_AND_THEIRS
@BOTH_ENDS
def test_receiver_is_killed(library, peer_end, address, make, monitor, program):
    """The partly written message is lost with the connection, as in libzmq.

    If our socket connects, the next receiver gets the queued messages of which nothing was written.
    """
    sock = make(zmq.PUSH, sndhwm=6)
    events = monitor(sock, E.HANDSHAKE_SUCCEEDED | E.DISCONNECTED)
    begin(sock, peer_end, address)
    first = program(RECEIVER, address, peer_end, SIZE, library=library)
    assert first.line() == "ready"
    events.wait_for(E.HANDSHAKE_SUCCEEDED)
    sent = 0
    try:
        sock.sndtimeo = 100
        while sent < 20:
            sock.send_multipart([b"%d" % sent, BODY, b"end"])
            sent += 1
    except zmq.Again:
        pass
    # SNDHWM, and what the kernel and the pipe of a receiver that reads nothing hold of 16 MB each.
    assert 6 <= sent < 20
    sock.sndtimeo = GUARD * 1000
    first.kill()
    events.wait_for(E.DISCONNECTED)
    second = program(RECEIVER, address, peer_end, SIZE, library=library)
    assert second.line() == "ready"
    events.wait_for(E.HANDSHAKE_SUCCEEDED)
    sending = gevent.spawn(sock.send_multipart, [b"100", BODY, b"end"])
    second.tell()
    said = []
    while not said or said[-1] != 100:
        said.append(int(second.line()))
    sending.get()
    assert said == sorted(set(said))
    if peer_end == "binds":
        # Our session survives the connection. Lost are the messages that the first receiver had
        # read (one or two, because of its rcvhwm) and the message that was partly written.
        assert said[0] <= 3 and said == [*range(said[0], sent), 100]


@OURS_AND_THEIRS
def test_killed_subscriber_reconnects(library, address, make, monitor, program):
    source = """
    context = zmq.Context()
    sock = context.socket(zmq.SUB)
    sock.subscribe(b"topic")
    sock.connect(sys.argv[1])
    while True:
        say(sock.recv().decode())
    """
    sock = make(zmq.XPUB)
    events = monitor(sock, E.DISCONNECTED)
    sock.bind(address)
    for number in range(2):
        subscriber = program(source, address, library=library)
        assert sock.recv() == b"\1topic"
        sock.send(b"other")
        sock.send(b"topic %d" % number)
        assert subscriber.line() == f"topic {number}"
        subscriber.kill()
        events.wait_for(E.DISCONNECTED)
        assert sock.recv() == b"\0topic"


@OURS_AND_THEIRS
def test_request_after_the_server_was_killed(library, address, make, monitor, program):
    source = """
    context = zmq.Context()
    sock = context.socket(zmq.REP)
    sock.bind(sys.argv[1])
    while True:
        sock.send(sock.recv().upper())
    """
    sock = make(zmq.REQ, req_relaxed=1, req_correlate=1, reconnect_ivl=10)
    events = monitor(sock, E.HANDSHAKE_SUCCEEDED | E.DISCONNECTED)
    sock.connect(address)
    for word in (b"one", b"two"):
        server = program(source, address, library=library)
        sock.send(word)
        assert sock.recv() == word.upper()
        server.kill()
        events.wait_for(E.DISCONNECTED)
