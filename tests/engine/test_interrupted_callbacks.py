"""Exceptions of signal handlers go to the program, and do not stop the engine's callbacks."""

from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import gevent
import pytest
from rawpeer import RawPeer, message

import zlinkcompat as zmq
from zlinkcompat.debug import build_info
from zlinkcompat.engine.connecter import Connecter

# The interpreter may run a signal handler at the start of a Python function, before the function
# can catch the handler's exception. So only the compiled build can keep every callback.
pytestmark = [
    pytest.mark.hub,
    pytest.mark.skipif(not build_info()["compiled"], reason="the pure build may lose a callback"),
]

PROGRAM = Path(__file__).parent / "programs" / "interrupted.py"

#: Seconds for which signals interrupt the program, 500 times a second.
SECONDS = 1.0

EXCEPTIONS = ["KeyboardInterrupt", "TimeoutError", "Interrupted"]


@pytest.fixture(params=EXCEPTIONS)
def interrupted(request, program):
    """``interrupted(role, endpoint)`` starts ``interrupted.py``.

    The fixture's parameter is the exception that the signal handler of this program raises.
    """

    def interrupted(role, endpoint="tcp://127.0.0.1:*"):
        return program(PROGRAM, role, endpoint, request.param)

    return interrupted


def finish(one):
    """End the interrupts; return how many messages the program received, which must be in order."""
    with suppress(BrokenPipeError):
        one.tell("end")
    # If the program has ended instead, line() fails with its output.
    count, received, in_order = one.line().split()
    assert int(count) > 0
    assert in_order == "True"
    return int(received)


def test_listener_survives_interrupts(interrupted, make):
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


def test_monitor_survives_interrupts(interrupted, make):
    one = interrupted("monitored")
    endpoint = one.line()
    with gevent.Timeout(SECONDS, False):
        while True:
            peer = RawPeer.connect(endpoint)
            gevent.sleep(0.001)
            peer.close()
    finish(one)
    push = make(zmq.PUSH)
    push.connect(endpoint)
    push.send(b"after")
    assert one.line() == "after 1"


def test_each_cross_thread_callback_runs_once(interrupted):
    one = interrupted("called")
    one.line()
    gevent.sleep(SECONDS)
    finish(one)
    assert one.line() == "True True"


def test_connecter_survives_interrupts(interrupted, raw_listener):
    listener = raw_listener()
    one = interrupted("connects", listener.endpoint)
    listener.accept().close()  # wait until the program has started
    with gevent.Timeout(SECONDS, False):
        while True:
            listener.accept().close()
    finish(one)
    while True:
        peer = listener.accept()
        try:
            peer.handshake(b"DEALER")
        except (EOFError, ConnectionError):
            continue  # this connection was interrupted before
        break
    peer.send(message(b"after"))
    assert one.line() == "after"


def test_connection_loses_no_message_to_interrupts(interrupted, make):
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


class InterruptedWatcher:
    """A watcher of libev during whose ``start()`` a signal handler raises."""

    def __init__(self, *args):
        self.calls = []

    def start(self, *args):
        self.calls.append("start")
        raise KeyboardInterrupt

    def stop(self):
        self.calls.append("stop")

    def close(self):
        self.calls.append("close")


@pytest.mark.parametrize("kind", ["io", "timer"])
def test_connecter_stops_a_watcher_interrupted_at_start(kind):
    watcher = InterruptedWatcher()
    loop = SimpleNamespace(**{kind: lambda *args: watcher})
    connecter = Connecter.__new__(Connecter)
    connecter.loop = SimpleNamespace(gevent_loop=loop, call_guarded=None)
    with pytest.raises(KeyboardInterrupt):
        if kind == "io":
            connecter.wait_for_fd(SimpleNamespace(fileno=lambda: 0), 1, -1)
        else:
            connecter.park(1)
    assert watcher.calls == ["start", "stop", "close"]
