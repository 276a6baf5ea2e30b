"""PING and PONG detect a dead peer that has not closed its connection."""

import time

import gevent
import pytest
import zmq as libzmq
from rawpeer import COMMAND, LONG, command, frame, message, ping
from watching import E

import zlinkcompat as zmq
from zlinkcompat.engine.heartbeat import Heartbeat

PING_AT_ONCE = ping(context=b"are you there?")


@pytest.fixture(params=["binds", "connects"])
def meet(request, bound, make, raw, raw_listener, monitor):
    """``meet(PULL, b"PUSH")`` returns our socket, its monitor and its raw peer, all connected."""

    def meet(socket_type, peer_type, minor=1, **options):
        if request.param == "binds":
            sock = bound(socket_type, **options)
            events = monitor(sock)
            peer = raw(sock.last_endpoint)
        else:
            listener = raw_listener()
            sock = make(socket_type, **options)
            events = monitor(sock)
            sock.connect(listener.endpoint)
            peer = listener.accept()
        peer.handshake(peer_type, minor)
        events.wait_for(E.HANDSHAKE_SUCCEEDED)
        return sock, events, peer

    return meet


def answer_pings(peer):
    """Act as a live peer that sends nothing but PONG."""
    try:
        while True:
            name, data = peer.read_command()
            assert name == b"PING"
            peer.send(command(b"PONG", data[2:]))
    except (EOFError, OSError):
        pass


# -- PINGs of the peer ---------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"x", b"sixteen octets!!"], ids=len)
@pytest.mark.parametrize("ttl", [0, 10])
def test_pong_has_the_context_of_the_ping(meet, content, ttl):
    _, _, peer = meet(zmq.PULL, b"PUSH")
    peer.send(ping(ttl, content))
    assert peer.read_command() == (b"PONG", content)


def test_pong_truncates_an_overlong_context(meet):
    """A PONG returns at most 16 octets of context, as RFC 37 and libzmq's zmtp_engine.cpp say."""
    _, _, peer = meet(zmq.PULL, b"PUSH")
    peer.send(ping(0, b"sixteen octets!! and more"))
    assert peer.read_command() == (b"PONG", b"sixteen octets!!")


def test_pongs_are_sent_between_messages(meet):
    sock, _, peer = meet(zmq.DEALER, b"DEALER")
    peer.send(message(b"1"), ping(0, b"a"), message(b"2"), ping(0, b"b"))
    assert [sock.recv(), sock.recv()] == [b"1", b"2"]
    assert [peer.read_command(), peer.read_command()] == [(b"PONG", b"a"), (b"PONG", b"b")]
    sock.send(b"3")
    assert peer.read_message() == [b"3"]


@pytest.mark.parametrize("hand", [b"PUSH", b"SUB"])
def test_pong_is_sent_without_a_receiver(meet, hand):
    """A PING is answered while the application does not use the socket and only the hub runs."""
    _, _, peer = meet({b"PUSH": zmq.PULL, b"SUB": zmq.PUB}[hand], hand)
    peer.send(PING_AT_ONCE)
    assert peer.read_command() == (b"PONG", b"are you there?")


def test_ping_between_frames_of_a_message(meet):
    """As in libzmq, a command may come between two frames of one message."""
    sock, _, peer = meet(zmq.PULL, b"PUSH")
    peer.send(frame(b"a", 1), ping(0, b"x"), frame(b"b"))
    assert peer.read_command() == (b"PONG", b"x")
    assert sock.recv_multipart() == [b"a", b"b"]


def test_unsolicited_pong_is_ignored(meet):
    sock, _, peer = meet(zmq.PULL, b"PUSH")
    peer.send(command(b"PONG", b"what?"), message(b"x"))
    assert sock.recv() == b"x"


@pytest.mark.parametrize("size", [0, 16])
def test_flood_of_pings_from_a_peer_that_does_not_read(bound, raw, monitor, size):
    """Answers that the peer does not read must neither accumulate nor end the connection."""
    sock = bound(zmq.PULL, sndbuf=4096)
    events = monitor(sock)
    peer = raw(sock.last_endpoint, rcvbuf=4096)
    peer.handshake(b"PUSH")
    pings = ping(0, bytes(size)) * 1000
    for _ in range(100):
        peer.send(pings)
    peer.send(message(b"alive"))
    assert sock.recv() == b"alive"
    assert "DISCONNECTED" not in events.collected()
    # When the peer reads again, it receives whole frames, and new PINGs are answered.
    peer.send(ping(0, b"last"))
    while (answer := peer.read_command()) != (b"PONG", b"last"):
        assert answer == (b"PONG", bytes(size))


# -- our PINGs -----------------------------------------------------------------------------


def test_no_ping_by_default(meet):
    _, _, peer = meet(zmq.PULL, b"PUSH")
    assert peer.says_nothing()


def test_pings_are_sent_at_each_interval(meet):
    _, events, peer = meet(zmq.PULL, b"PUSH", heartbeat_ivl=20, heartbeat_timeout=0)
    for _ in range(3):
        assert peer.read_command() == (b"PING", b"\0\0")
        peer.send(command(b"PONG"))
    assert events.collected() == []


@pytest.mark.parametrize("ttl_ms, told", [(0, 0), (99, 0), (100, 1), (1999, 19), (6553599, 65535)])
def test_ping_contains_the_ttl_in_deciseconds(meet, ttl_ms, told):
    _, _, peer = meet(zmq.PULL, b"PUSH", heartbeat_ivl=20, heartbeat_ttl=ttl_ms)
    assert peer.read_command() == (b"PING", told.to_bytes(2, "big"))


def test_dead_peer_is_detected(meet):
    """A peer that sends nothing after the handshake is disconnected."""
    _, events, peer = meet(zmq.PULL, b"PUSH", heartbeat_ivl=20, heartbeat_timeout=40)
    assert events.next()[0] == E.DISCONNECTED
    assert b"\4PING" in peer.read_to_end()


def test_timeout_defaults_to_the_interval(meet):
    _, events, _ = meet(zmq.PULL, b"PUSH", heartbeat_ivl=20)
    assert events.next()[0] == E.DISCONNECTED


def test_timeout_of_0_never_drops_the_peer(meet):
    sock, events, peer = meet(zmq.PULL, b"PUSH", heartbeat_ivl=10, heartbeat_timeout=0)
    for _ in range(10):
        assert peer.read_command()[0] == b"PING"
    peer.send(message(b"alive"))
    assert sock.recv() == b"alive"
    assert events.collected() == []


def lives(sock, events, peer, milliseconds):
    """Check that the peer stays connected as long as it answers, for ``milliseconds``."""
    answering = gevent.spawn(answer_pings, peer)
    assert events.stays_silent(milliseconds)
    peer.send(message(b"alive"))
    assert sock.recv() == b"alive"
    peer.close()
    answering.kill()


def test_peer_that_answers_is_kept(meet):
    lives(*meet(zmq.PULL, b"PUSH", heartbeat_ivl=10, heartbeat_timeout=60), 200)


def test_blocked_hub_still_reads_pongs_that_arrived_in_time(meet):
    """A peer that answered in time is kept if the program blocked the hub beyond the timeout."""
    sock, events, peer = meet(zmq.PULL, b"PUSH", heartbeat_ivl=10, heartbeat_timeout=40)
    assert peer.read_command()[0] == b"PING"
    peer.send(command(b"PONG"))
    time.sleep(0.06)  # sleep natively, so that the hub does not run
    lives(sock, events, peer, 20)


def test_messages_keep_the_peer_alive(meet):
    sock, events, peer = meet(zmq.PULL, b"PUSH", heartbeat_ivl=10, heartbeat_timeout=60)
    for _ in range(12):
        assert peer.read_command()[0] == b"PING"
        peer.send(message(b"busy"))
        assert sock.recv() == b"busy"
    assert events.collected() == []


def test_slow_receiver_keeps_a_peer_that_answers(meet):
    """The peer sends many messages at once. Receiving them takes longer than the timeout."""
    sock, events, peer = meet(zmq.PULL, b"PUSH", rcvhwm=1, heartbeat_ivl=10, heartbeat_timeout=150)
    peer.send(*(message(b"%d" % number) for number in range(30)))
    answering = gevent.spawn(answer_pings, peer)
    for number in range(30):
        assert sock.recv() == b"%d" % number
        gevent.sleep(0.015)
    assert events.collected() == []
    peer.close()
    answering.kill()


@pytest.mark.parametrize("library", [zmq, libzmq], ids=["zlinkcompat", "zmq"])
def test_full_receiver_drops_a_peer_that_answers(library, raw, monitor):
    """A full receiver disconnects a peer that answers heartbeats, as in libzmq.

    At its high-water mark a socket stops reading, and so it does not receive the answers.
    """
    with library.Context() as context, context.socket(library.PULL) as sock:
        sock.rcvhwm = 1
        sock.heartbeat_ivl, sock.heartbeat_timeout = 20, 60
        sock.bind("tcp://127.0.0.1:*")
        events = monitor(sock)
        peer = raw(sock.last_endpoint)
        peer.handshake(b"PUSH")
        peer.send(*(message(b"%d" % number) for number in range(10)))
        answering = gevent.spawn(answer_pings, peer)
        events.wait_for(E.DISCONNECTED)
        assert sock.recv() == b"0"
        answering.kill()
        events.close()


def test_only_the_dead_peer_is_dropped(bound, raw, monitor):
    sock = bound(zmq.ROUTER, heartbeat_ivl=20, heartbeat_timeout=60)
    events = monitor(sock)
    good, dead = raw(sock.last_endpoint), raw(sock.last_endpoint)
    good.handshake(b"DEALER")
    dead.handshake(b"DEALER")
    answering = gevent.spawn(answer_pings, good)
    events.wait_for(E.DISCONNECTED)
    dead.read_to_end()
    good.send(message(b"alive"))
    assert sock.recv_multipart()[1:] == [b"alive"]
    assert events.stays_silent(100)
    good.close()
    answering.kill()


def test_connecter_reconnects_to_a_dead_peer(make, raw_listener):
    listener = raw_listener()
    sock = make(zmq.PUSH, heartbeat_ivl=20, heartbeat_timeout=40, reconnect_ivl=1)
    sock.connect(listener.endpoint)
    listener.accept().handshake(b"PULL")
    second = listener.accept()
    second.handshake(b"PULL")
    sock.send(b"for the living")
    assert b"for the living" in second.read(len(message(b"for the living")))


def test_no_ping_before_the_handshake_is_done(bound, raw):
    sock = bound(zmq.PULL, heartbeat_ivl=10, heartbeat_timeout=20)
    peer = raw(sock.last_endpoint)
    assert peer.read(10)[0] == 0xFF
    assert peer.says_nothing(0.08)


# -- time to live --------------------------------------------------------------------------


def test_ttl_is_honoured(meet):
    """A peer that announced a time to live of 0.1 s is disconnected if it then sends nothing.

    Our own heartbeats are off.
    """
    _, events, peer = meet(zmq.PULL, b"PUSH")
    peer.send(ping(1))
    assert peer.read_command() == (b"PONG", b"")
    assert events.next()[0] == E.DISCONNECTED
    assert peer.read_to_end() == b""


def test_ttl_restarts_with_each_ping(meet):
    sock, events, peer = meet(zmq.PULL, b"PUSH")
    for _ in range(5):
        peer.send(ping(2))
        assert peer.read_command() == (b"PONG", b"")
        assert events.stays_silent(60)
    peer.send(message(b"alive"))
    assert sock.recv() == b"alive"


def test_any_traffic_disarms_the_ttl(meet):
    """As in libzmq, any traffic after a PING disarms its time to live until the next PING."""
    sock, events, peer = meet(zmq.PULL, b"PUSH")
    peer.send(ping(1))
    assert peer.read_command() == (b"PONG", b"")
    peer.send(message(b"x"))
    assert sock.recv() == b"x"
    assert events.stays_silent(200)


def test_ttl_of_0_never_ends(meet):
    sock, events, peer = meet(zmq.PULL, b"PUSH")
    peer.send(ping(0))
    assert peer.read_command() == (b"PONG", b"")
    assert events.stays_silent(150)
    peer.send(message(b"alive"))
    assert sock.recv() == b"alive"


def test_ping_in_the_same_segment_as_a_message_arms_its_ttl(meet):
    sock, events, peer = meet(zmq.PULL, b"PUSH")
    peer.send(message(b"x"), ping(1))
    assert sock.recv() == b"x"
    assert events.next()[0] == E.DISCONNECTED


def test_reads_without_an_armed_timer_reset_none(meet, monkeypatch):
    """A read does not reset timers that are not armed.

    On the thread engine each reset would wake the I/O thread.
    """
    told = []
    reset_timers = Heartbeat.reset_timers

    def count(heartbeat):
        told.append(heartbeat)
        reset_timers(heartbeat)

    monkeypatch.setattr(Heartbeat, "reset_timers", count)
    sock, _, peer = meet(zmq.PULL, b"PUSH", heartbeat_ivl=60_000)
    for number in range(10):
        peer.send(message(b"%d" % number))
        assert sock.recv() == b"%d" % number
    assert told == []
    # A time to live arms a timer, and the next read disarms it.
    peer.send(ping(ttl_ds=600))
    assert peer.read_command()[0] == b"PONG"
    peer.send(message(b"a"))
    assert sock.recv() == b"a"
    peer.send(message(b"b"))
    assert sock.recv() == b"b"
    assert len(told) == 1


# -- one large write -----------------------------------------------------------------------


class SlowReader:
    """A peer that reads at most ``rate`` bytes a second, and answers PINGs as it reads them."""

    def __init__(self, peer, rate):
        self.peer = peer
        self.rate = rate
        self.owed = 0.0

    def read(self, size):
        data = bytearray()
        while len(data) < size:
            piece = self.peer.sock.recv(min(size - len(data), 4096))
            if not piece:
                raise EOFError
            data += piece
            self.owed += len(piece) / self.rate
            if self.owed > 0.005:
                gevent.sleep(self.owed)
                self.owed = 0.0
        return bytes(data)

    def read_message(self):
        """Return the frames of the next message; answer PINGs that come before its end."""
        while True:
            flags = self.read(1)[0]
            size = int.from_bytes(self.read(8 if flags & LONG else 1), "big")
            body = self.read(size)
            if not flags & COMMAND:
                return body
            if body.startswith(b"\x04PING"):
                self.peer.send(command(b"PONG", body[7:]))


@pytest.fixture
def slow_line(raw, bound, monitor):
    """``slow_line()`` returns a PUSH with heartbeats, its monitor, and its raw peer.

    The kernel buffers of the connection are small.
    """

    def slow_line():
        push = bound(zmq.PUSH, heartbeat_ivl=20, heartbeat_timeout=80, sndbuf=8192, linger=0)
        events = monitor(push, E.DISCONNECTED | E.HANDSHAKE_SUCCEEDED)
        peer = raw(push.last_endpoint, rcvbuf=8192)
        peer.handshake(b"PULL")
        events.wait_for(E.HANDSHAKE_SUCCEEDED)
        return push, events, peer

    return slow_line


@pytest.mark.parametrize("count", [1, 10])
def test_slow_write_keeps_the_peer_alive(slow_line, count):
    """A peer stays connected while one write to it takes five times HEARTBEAT_TIMEOUT."""
    push, events, peer = slow_line()
    reader = SlowReader(peer, 1_000_000)
    for _ in range(count):
        push.send(bytes(400_000 // count))
    assert sum(len(reader.read_message()) for _ in range(count)) == 400_000
    assert events.collected() == []


def test_stalled_write_does_not_keep_the_peer_alive(slow_line):
    push, events, peer = slow_line()
    push.send(bytes(400_000))
    SlowReader(peer, 1_000_000).read(20_000)
    events.wait_for(E.DISCONNECTED)


def test_peer_that_reads_but_never_answers_is_dropped(slow_line):
    push, events, peer = slow_line()
    push.send(bytes(100_000))
    reader = gevent.spawn(peer.read_to_end)
    events.wait_for(E.DISCONNECTED)
    reader.get()


@pytest.mark.hub
def test_pings_of_a_peer_that_left_are_discarded_quickly(bound, raw, monitor):
    """PINGs of a peer that has disconnected cannot be answered, so reading them is quick."""
    sock = bound(zmq.PULL)
    events = monitor(sock, E.DISCONNECTED)
    peer = raw(sock.last_endpoint)
    peer.handshake(b"PUSH")
    turns = 0

    def count():
        nonlocal turns
        turns += 1

    watcher = gevent.get_hub().loop.prepare()
    peer.send(ping(0, b"") * 8000)
    peer.read(1)
    watcher.start(count)
    try:
        peer.reset()
        events.next()
    finally:
        watcher.stop()
        watcher.close()
    # One iteration for each of the 8,000 PINGs would be 8,000.
    assert turns < 1000
