"""What a signal's handler raises is the program's; listeners, connecters and connections go on."""

from pathlib import Path

import gevent
import pytest
from rawpeer import RawPeer, message

import zlinkcompat as zmq
from zlinkcompat.debug import build_info

# The interpreter runs a handler at the start of a Python function, before the function can catch
# what it raises. Only compiled code has no such place.
pytestmark = [
    pytest.mark.hub,
    pytest.mark.skipif(not build_info()["compiled"], reason="a callback may be lost uncompiled"),
]

PROGRAM = Path(__file__).parent / "programs" / "interrupted.py"

#: Seconds of interrupts, 500 in each.
SECONDS = 1.0

EXCEPTIONS = ["KeyboardInterrupt", "TimeoutError", "Interrupted"]


@pytest.fixture(params=EXCEPTIONS)
def interrupted(request, program):
    """interrupted(role, endpoint): the program, with a handler that raises each kind in turn."""

    def interrupted(role, endpoint="tcp://127.0.0.1:*"):
        return program(PROGRAM, role, endpoint, request.param)

    return interrupted


def finish(one):
    """End the interrupts; returns how many messages came, which has to be all that were sent."""
    one.tell("end")
    count, received, in_order = one.line().split()
    assert int(count) > 0
    assert in_order == "True"
    return int(received)


def test_listener_goes_on(interrupted, make):
    one = interrupted("binds")
    endpoint = one.line()
    with gevent.Timeout(SECONDS, False):
        while True:
            peers = [RawPeer.connect(endpoint) for _ in range(5)]
            gevent.sleep(0.001)
            for peer in peers:
                peer.close()
    finish(one)
    push = make(zmq.PUSH)
    push.connect(endpoint)
    push.send(b"after")
    assert one.line() == "after"


def test_connecter_goes_on(interrupted, raw_listener):
    listener = raw_listener()
    one = interrupted("connects", listener.endpoint)
    with gevent.Timeout(SECONDS, False):
        while True:
            listener.accept().close()
    finish(one)
    while True:
        peer = listener.accept()
        try:
            peer.handshake(b"DEALER")
        except (EOFError, ConnectionError):
            continue  # one that was interrupted before
        break
    peer.send(message(b"after"))
    assert one.line() == "after"


def test_no_message_of_a_connection_is_lost(interrupted, make):
    one = interrupted("traffic")
    pair = make(zmq.PAIR, heartbeat_ivl=5, heartbeat_timeout=0)
    pair.connect(one.line())
    pair.send(b"ready")
    assert one.line() == "ready"
    sent = 0
    with gevent.Timeout(SECONDS, False):
        while True:
            pair.send(b"%d" % sent)
            sent += 1
            if sent % 50 == 0:
                gevent.sleep(0.001)
    received = finish(one)
    for number in range(received, sent):
        assert one.line() == str(number)
