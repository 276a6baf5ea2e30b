"""One socket serves thousands of peers. A listener pauses when file descriptors run out."""

import errno
import logging
import os
from itertools import pairwise
from time import monotonic

import pytest
from rawpeer import message
from watching import E

import zlinkcompat as zmq
from zlinkcompat.engine import listener
from zlinkcompat.transports import sockets

PEERS = 2000

RAISE_LIMIT = """
import resource
limits = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(limits[1], 10000), limits[1]))
"""

SERVER = (
    RAISE_LIMIT
    + """
context = zmq.Context()
sock = context.socket(zmq.ROUTER)
sock.backlog = 4096
sock.bind("tcp://127.0.0.1:*")
say(sock.last_endpoint.decode())
names = set()
for _ in range(2 * int(sys.argv[1])):
    name, content = sock.recv_multipart()
    names.add(name)
    sock.send_multipart([name, content.upper()])
say(len(names))
def cost():
    began = time.process_time()
    gevent.event.Event().wait(0.5)
    return time.process_time() - began
say(min(cost() for _ in range(3)))  # work that was still pending raises only the first cost
# All peers are still connected.
for name in names:
    sock.send_multipart([name, b"bye"])
gevent.get_hub().threadpool.apply(sys.stdin.readline)
sock.close(0)
context.term()
"""
)

CROWD = (
    RAISE_LIMIT
    + """
from rawpeer import RawPeer, greeting, message, ready
peers = []
for number in range(int(sys.argv[2])):
    peer = RawPeer.connect(sys.argv[1])
    peer.send(greeting(), ready(b"DEALER", b""), message(b"first %d" % number))
    peers.append(peer)
for number, peer in enumerate(peers):
    peer.read(64)
    peer.read_ready()
    assert peer.read_message() == [b"FIRST %d" % number]
for number, peer in reversed(list(enumerate(peers))):
    peer.send(message(b"second %d" % number))
for number, peer in enumerate(peers):
    assert peer.read_message() == [b"SECOND %d" % number]
say("served")
for peer in peers:
    assert peer.read_message() == [b"bye"]
say("bye")
"""
)


def test_thousands_of_peers_are_served_and_idle_for_free(program):
    server = program(SERVER, PEERS)
    crowd = program(CROWD, server.line(), PEERS)
    assert crowd.line() == "served"
    assert int(server.line()) == PEERS
    # Seconds of CPU in an idle half second. Timers or reads for each of the 2,000 peers would take
    # at least one call of 2.5 us each, and an idle server makes no call at all.
    assert float(server.line()) < 0.005
    assert crowd.line() == "bye"
    server.tell()
    server.ends()
    crowd.ends()


def test_hundreds_of_connecting_sockets(program, bound):
    """One process has hundreds of sockets, each with its own connection and greenlet."""
    sink = bound(zmq.PULL, backlog=4096)
    one = program(RAISE_LIMIT + """
context = zmq.Context()
context.max_sockets = 3000
socks = []
for number in range(int(sys.argv[2])):
    sock = context.socket(zmq.PUSH)
    sock.connect(sys.argv[1])
    sock.send(b"%d" % number)
    socks.append(sock)
context.destroy()
""", sink.last_endpoint.decode(), 500)  # fmt: skip
    assert sorted(int(sink.recv()) for _ in range(500)) == list(range(500))
    one.ends()


LIMITED = """
import resource
context = zmq.Context()
sock = context.socket(zmq.ROUTER)
monitor = sock.get_monitor_socket(zmq.EVENT_ACCEPT_FAILED)
failures = []
def count_failures():
    while True:
        failures.append(int.from_bytes(monitor.recv_multipart()[0][2:], "little"))
gevent.spawn(count_failures)
sock.bind("tcp://127.0.0.1:*")
gevent.get_hub().threadpool.apply(int)
used = len(os.listdir("/proc/self/fd")) - 1
limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (used + 4, limit))
say(sock.last_endpoint.decode())
while True:
    name, content = sock.recv_multipart()
    if content == b"failures":
        content = repr(failures).encode()
    sock.send_multipart([name, content])
"""


def test_listener_without_descriptors_pauses_and_recovers(program, raw):
    endpoint = program(LIMITED).line()
    peers = [raw(endpoint) for _ in range(12)]
    served, waiting = peers[:4], peers[4:]
    for peer in served:
        peer.handshake(b"DEALER")
        peer.send(message(b"in"))
        assert peer.read_message() == [b"in"]
    assert all(peer.says_nothing(0.02) for peer in waiting)
    # Connected peers are still served. The failures are few, since the listener pauses:
    # without a pause it would fail in each iteration of the loop, for the 8 times 20 ms above.
    served[0].send(message(b"failures"))
    failures = eval(served[0].read_message()[0])
    assert set(failures) == {errno.EMFILE} and len(failures) < 20
    for peer in served[:2]:
        peer.close()
    for peer in waiting[:2]:
        peer.handshake(b"DEALER")
        peer.send(message(b"in at last"))
        assert peer.read_message() == [b"in at last"]
    for peer in peers[2:6]:
        peer.close()
    for peer in waiting[2:6]:
        peer.handshake(b"DEALER")


@pytest.mark.parametrize(
    "reason", [errno.ENFILE, errno.ENOBUFS, errno.ENOMEM], ids=errno.errorcode.get
)
def test_listener_pauses_while_resources_are_short(
    reason, bound, make, monitor, monkeypatch, caplog
):
    """After an error for lack of resources, the listener pauses before it accepts again.

    These errors are simulated. The test above reaches EMFILE, the limit of a process, for real.
    """
    tries, pause = [], 0.01
    accept = sockets.accept

    def fails_at_first(listening):
        tries.append(monotonic())
        if len(tries) <= 3:
            raise OSError(reason, os.strerror(reason))
        return accept(listening)

    monkeypatch.setattr(sockets, "accept", fails_at_first)
    monkeypatch.setattr(listener, "ACCEPT_PAUSE", pause)
    sock = bound(zmq.PULL)
    events = monitor(sock, E.ACCEPT_FAILED | E.ACCEPTED)
    push = make(zmq.PUSH)
    push.connect(sock.last_endpoint)
    push.send(b"in at last")
    assert sock.recv() == b"in at last"
    # One warning covers all three failures. The times of the attempts show the pauses.
    assert events.next()[:2] == (E.ACCEPT_FAILED, reason)
    assert events.next()[0] == E.ACCEPTED and not events.poll(0)
    (record,) = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert record.name == "zlinkcompat.engine" and os.strerror(reason) in record.getMessage()
    assert sock.last_endpoint.decode() in record.getMessage()
    assert all(later - earlier > pause / 2 for earlier, later in pairwise(tries[:4]))
    # The next shortage is reported by a warning of its own.
    del tries[:]
    make(zmq.PUSH).connect(sock.last_endpoint)
    assert [events.next()[0] for _ in range(2)] == [E.ACCEPT_FAILED, E.ACCEPTED]


def test_connecter_without_descriptors_retries(program, bound):
    sink = bound(zmq.PULL)
    one = program("""
        import resource
        context = zmq.Context()
        sock = context.socket(zmq.PUSH)
        sock.reconnect_ivl = 1
        monitor = sock.get_monitor_socket(zmq.EVENT_CONNECT_RETRIED)
        sock.bind("tcp://127.0.0.1:*")  # so that descriptors opened at first use are open now
        gevent.get_hub().threadpool.apply(int)
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
        sock.connect(sys.argv[1])
        sock.send(b"in the end")
        for _ in range(3):
            monitor.recv_multipart()
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        context.destroy()
    """, sink.last_endpoint.decode())  # fmt: skip
    assert sink.recv() == b"in the end"
    one.ends()
