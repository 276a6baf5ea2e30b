"""The hub does its other work while a greenlet sends or receives in an endless loop.

libzmq has an I/O thread, which keeps running even while the application is busy. With our hub
engine, the calls of a busy loop have to let the hub run from time to time.
"""

import contextlib
import time

import gevent
import pytest
from guard import GUARD
from rawpeer import command, message, ping

import zlinkcompat as zmq

pytestmark = pytest.mark.hub

FLOOD = """
sock = zmq.Context().socket(zmq.PUSH)
sock.connect(sys.argv[1])
while True:
    sock.send(b"flood")
"""
DRAIN = """
sock = zmq.Context().socket(zmq.PULL)
sock.connect(sys.argv[1])
while True:
    sock.recv()
"""


@contextlib.contextmanager
def busy(step):
    """Run ``step`` in an endless loop, in a greenlet of its own, during the ``with`` block."""
    stopped = []

    def loop():
        # If the loop does not let the hub run, nothing else can stop it, so it stops itself.
        deadline = time.monotonic() + GUARD
        while not stopped:
            step()
            assert time.monotonic() < deadline, "the hub did not run"

    looping = gevent.spawn(loop)
    try:
        yield
    finally:
        stopped.append(True)
        looping.get(timeout=GUARD)


def without_again(call, *args):
    """Run ``call`` with NOBLOCK, and ignore Again, because usually no message is waiting."""

    def step():
        with contextlib.suppress(zmq.Again):
            call(*args)

    return step


# -- endless loops of a program: each function returns what the loop repeats ----------------


@pytest.fixture
def loops(make, bound, raw, program):
    def receive_nothing():
        return without_again(bound(zmq.PULL).recv, zmq.NOBLOCK)

    def receive_multipart_nothing():
        return without_again(bound(zmq.ROUTER).recv_multipart, zmq.NOBLOCK)

    def receive_without_endpoint():
        return without_again(make(zmq.PULL).recv, zmq.NOBLOCK)

    def receive_flood():
        sock = bound(zmq.PULL)
        program(FLOOD, sock.last_endpoint.decode())
        sock.recv()
        return sock.recv

    def receive_flood_without_waiting():
        sock = bound(zmq.PULL)
        program(FLOOD, sock.last_endpoint.decode())
        sock.recv()
        return without_again(sock.recv, zmq.NOBLOCK)

    def send_to_nobody():
        return without_again(bound(zmq.PUSH).send, b"x", zmq.NOBLOCK)

    def send_without_endpoint():
        return without_again(make(zmq.PUSH).send, b"x", zmq.NOBLOCK)

    def publish_to_nobody():
        sock = bound(zmq.PUB)
        return lambda: sock.send(b"x")

    def publish_without_endpoint():
        sock = make(zmq.PUB)
        return lambda: sock.send_multipart([b"x", b"y"])

    def send_to_slow_peer():
        sock = bound(zmq.PUSH, sndhwm=2)
        raw(sock.last_endpoint, rcvbuf=4096).handshake(b"PULL")
        return without_again(sock.send, b"x" * 100000, zmq.NOBLOCK)

    def publish_to_slow_peer():
        sock = bound(zmq.XPUB, sndhwm=2)
        peer = raw(sock.last_endpoint, rcvbuf=4096)
        peer.handshake(b"SUB")
        peer.send(message(b"\1"))
        sock.recv()
        return lambda: sock.send(b"x" * 100000)

    def send_to_fast_peer():
        sock = bound(zmq.PUSH)
        program(DRAIN, sock.last_endpoint.decode())
        sock.send(b"x")
        return lambda: sock.send(b"x")

    def poll_nothing():
        sock = bound(zmq.PULL)
        return lambda: sock.poll(0)

    def poll_without_endpoint():
        sock = make(zmq.PULL)
        return lambda: sock.poll(0)

    def poller_of_nothing():
        poller = zmq.Poller()
        poller.register(bound(zmq.PULL), zmq.POLLIN)
        poller.register(bound(zmq.PULL), zmq.POLLIN)
        return lambda: poller.poll(0)

    def look_at_events():
        sock = bound(zmq.PULL)
        return lambda: sock.get(zmq.EVENTS)

    def talk_to_itself_inproc():
        one, other = make(zmq.PAIR), make(zmq.PAIR)
        one.bind("inproc://talk")
        other.connect("inproc://talk")

        def step():
            one.send(b"x")
            assert other.recv() == b"x"

        return step

    def talk_to_itself_tcp():
        one, other = bound(zmq.PAIR), make(zmq.PAIR)
        other.connect(one.last_endpoint.decode())
        other.send(b"x")
        one.recv()

        def step():
            one.send(b"x")
            assert other.recv() == b"x"

        return step

    return locals()


LOOPS = [
    "receive_nothing", "receive_multipart_nothing", "receive_without_endpoint", "receive_flood",
    "receive_flood_without_waiting", "send_to_nobody", "send_without_endpoint",
    "publish_to_nobody", "publish_without_endpoint", "send_to_slow_peer", "publish_to_slow_peer",
    "send_to_fast_peer", "poll_nothing", "poll_without_endpoint", "poller_of_nothing",
    "look_at_events", "talk_to_itself_inproc", "talk_to_itself_tcp",
]  # fmt: skip
every_loop = pytest.mark.parametrize("loop", LOOPS)


@every_loop
def test_timers_fire_beside_a_busy_greenlet(loop, loops):
    with busy(loops[loop]()):
        for _ in range(3):
            gevent.sleep(0.01)


@every_loop
def test_other_greenlets_run_beside_a_busy_greenlet(loop, loops):
    with busy(loops[loop]()):
        for _ in range(3):
            gevent.sleep(0)
            gevent.spawn(int).get()


@every_loop
def test_handshakes_and_traffic_of_other_sockets_proceed(loop, loops, bound, raw):
    step = loops[loop]()
    other = bound(zmq.DEALER)
    with busy(step):
        peer = raw(other.last_endpoint)
        peer.handshake(b"DEALER")
        peer.send(message(b"question"), ping(0, b"there?"))
        assert other.recv() == b"question"
        assert peer.read_command() == (b"PONG", b"there?")
        other.send(b"answer")
        assert peer.read_message() == [b"answer"]


@pytest.mark.parametrize(
    "subscription",
    [message(b"\1topic"), command(b"SUBSCRIBE", b"topic")],
    ids=["message", "command"],
)
def test_subscriptions_reach_a_publisher_that_never_waits(subscription, bound, raw):
    sock = bound(zmq.PUB)
    with busy(lambda: sock.send(b"topic")):
        peer = raw(sock.last_endpoint)
        peer.handshake(b"SUB")
        peer.send(subscription)
        assert peer.read_message() == [b"topic"]


def test_new_peers_reach_a_sender_that_never_waits(bound, raw):
    sock = bound(zmq.PUSH)
    with busy(without_again(sock.send, b"x", zmq.NOBLOCK)):
        for _ in range(3):
            peer = raw(sock.last_endpoint)
            peer.handshake(b"PULL")
            assert peer.read_message() == [b"x"]


@pytest.mark.parametrize("loop", ["receive_nothing", "publish_to_nobody", "send_to_slow_peer"])
def test_heartbeats_continue_beside_a_busy_greenlet(loop, loops, bound, raw, monitor):
    """We send and answer heartbeats. A live peer stays connected; a dead one is disconnected."""
    step = loops[loop]()
    sock = bound(zmq.DEALER, heartbeat_ivl=20, heartbeat_timeout=200)
    events = monitor(sock, zmq.EVENT_DISCONNECTED)
    living, dead = raw(sock.last_endpoint), raw(sock.last_endpoint)
    living.handshake(b"DEALER")
    dead.handshake(b"DEALER")
    with busy(step):
        for _ in range(5):
            assert living.read_command()[0] == b"PING"
            living.send(ping(0, b"mine"))
            # On a slow machine our socket may send its next PING before it answers.
            while (answer := living.read_command())[0] == b"PING":
                pass
            assert answer == (b"PONG", b"mine")
        while not events.poll(0):
            assert living.read_command()[0] == b"PING"
            living.send(command(b"PONG"))
    dead.read_to_end()
    living.send(message(b"alive"))
    assert sock.recv() == b"alive"


def test_connection_that_floods_does_not_hold_up_the_hub(bound, raw, program):
    """No greenlet receives here. The connection's own greenlet reads, since RCVHWM is unlimited."""
    sock = bound(zmq.PULL, rcvhwm=0)
    program(FLOOD, sock.last_endpoint.decode())
    sock.recv()
    other = bound(zmq.PULL)
    peer = raw(other.last_endpoint)
    peer.handshake(b"PUSH")
    for _ in range(10):
        peer.send(message(b"x"))
        assert other.recv() == b"x"
        gevent.sleep(0.001)


def test_two_greenlets_that_exchange_messages_endlessly(bound, make):
    """The greenlets wake each other, so the hub runs callbacks, but might never poll for I/O."""
    server, client = bound(zmq.REP), make(zmq.REQ)
    client.connect(server.last_endpoint.decode())
    serving = gevent.spawn(lambda: [server.send(server.recv()) for _ in iter(int, 1)])

    def step():
        client.send(b"x")
        assert client.recv() == b"x"

    with busy(step):
        for _ in range(3):
            gevent.sleep(0.01)
    serving.kill()
