"""A peer that reads slowly or not at all delays only the messages that are for itself."""

import errno

import gevent
import pytest
from guard import GUARD
from rawpeer import COMMAND, greeting, message, ping, ready
from watching import E

import zlinkcompat as zmq

KB = 1024
MB = 1024 * KB

#: The most bytes that the kernel buffers for one connection with the smallest buffers.
KERNEL = 3 * MB


def fill(sock, data):
    """Send until a send would block; return how many messages the socket accepted."""
    count = 0
    while True:
        try:
            sock.send_multipart(data(count), zmq.NOBLOCK)
        except zmq.Again:
            return count
        count += 1


@pytest.fixture
def pair_up(bound, raw, monitor):
    """``pair_up(PUSH, b"PULL", sndhwm=5)`` returns our socket and a raw peer after the handshake.

    The peer's receive buffer is small.
    """

    def pair_up(socket_type, peer_type, **options):
        sock = bound(socket_type, sndbuf=4 * KB, **options)
        return sock, join(sock, peer_type)

    def join(sock, peer_type, **options):
        events = monitor(sock, E.HANDSHAKE_SUCCEEDED)
        peer = raw(sock.last_endpoint, rcvbuf=4 * KB)
        peer.handshake(peer_type, **options)
        events.next()
        events.close()
        return peer

    pair_up.join = join
    return pair_up


@pytest.mark.parametrize("size", [10, 1000, 100 * KB, 2 * MB])
@pytest.mark.parametrize("hwm", [1, 20])
def test_sender_stops_at_its_hwm(pair_up, hwm, size):
    sock, peer = pair_up(zmq.PUSH, b"PULL", sndhwm=hwm)
    count = fill(sock, lambda number: [b"%d" % number, bytes(size)])
    assert hwm <= count <= hwm + 1 + KERNEL // size
    assert not sock.poll(0, zmq.POLLOUT)
    for number in range(count):
        assert peer.read_message() == [b"%d" % number, bytes(size)]
    sock.send(b"there is room again")
    assert peer.read_message() == [b"there is room again"]


def test_sndtimeo_ends_the_wait(pair_up):
    sock, _ = pair_up(zmq.PUSH, b"PULL", sndhwm=1)
    fill(sock, lambda number: [bytes(100 * KB)])
    sock.sndtimeo = 20
    with pytest.raises(zmq.Again):
        sock.send(b"x")


def test_waiting_sender_continues_when_the_peer_reads(pair_up):
    sock, peer = pair_up(zmq.PUSH, b"PULL", sndhwm=2)
    count = fill(sock, lambda number: [bytes(100 * KB)])
    sending = gevent.spawn(sock.send, b"waited")
    for _ in range(count):
        peer.read_message()
    assert peer.read_message() == [b"waited"]
    sending.get(timeout=GUARD)


def test_all_waiting_senders_continue(pair_up):
    sock, peer = pair_up(zmq.PUSH, b"PULL", sndhwm=2)
    count = fill(sock, lambda number: [bytes(100 * KB)])
    waiting = [gevent.spawn(sock.send, b"%d" % number) for number in range(10)]
    for _ in range(count):
        peer.read_message()
    assert sorted(peer.read_message()[0] for _ in waiting) == [b"%d" % n for n in range(10)]
    gevent.joinall(waiting, timeout=GUARD, raise_error=True)


def test_push_serves_the_peer_that_reads(pair_up):
    sock, stuck = pair_up(zmq.PUSH, b"PULL", sndhwm=2)
    fill(sock, lambda number: [bytes(100 * KB)])
    reader = pair_up.join(sock, b"PULL")
    for number in range(50):
        sock.send(b"%d" % number)
        assert reader.read_message() == [b"%d" % number]
    assert stuck.read_message() == [bytes(100 * KB)]


def test_pub_drops_for_the_peer_that_does_not_read(pair_up):
    sock, stuck = pair_up(zmq.XPUB, b"SUB", sndhwm=5, xpub_verbose=1)
    reader = pair_up.join(sock, b"SUB")
    for peer in (stuck, reader):
        peer.send(message(b"\1"))
        assert sock.recv() == b"\1"
    for number in range(100):
        sock.send_multipart([b"%d" % number, bytes(100 * KB)])
        assert reader.read_message()[0] == b"%d" % number
    assert stuck.read_message()[0] == b"0"


def test_slow_subscriber_gets_whole_messages_in_order(pair_up):
    sock, slow = pair_up(zmq.XPUB, b"SUB", sndhwm=3)
    slow.send(message(b"\1"))
    assert sock.recv() == b"\1"
    for number in range(100):
        sock.send_multipart([b"%d" % number, bytes(100 * KB)])
    heard = []
    while not heard or heard[-1] != 100:
        frames = slow.read_message()
        if frames == [b"more?"]:
            heard.append(100)
        else:
            assert len(frames) == 2 and len(frames[1]) == 100 * KB
            heard.append(int(frames[0]))
        if not slow.says_nothing(0.01):
            continue
        sock.send(b"more?")
    assert heard == sorted(heard) and len(heard) < 100


def test_router_serves_the_peer_that_reads(pair_up):
    sock, _ = pair_up(zmq.ROUTER, b"DEALER", sndhwm=2, router_mandatory=1)
    stuck = pair_up.join(sock, b"DEALER", identity=b"stuck")
    reader = pair_up.join(sock, b"DEALER", identity=b"reader")
    fill(sock, lambda number: [b"stuck", bytes(100 * KB)])
    for number in range(50):
        sock.send_multipart([b"reader", b"%d" % number])
        assert reader.read_message() == [b"%d" % number]
    assert stuck.read_message() == [bytes(100 * KB)]


# -- the other direction: our socket does not receive --------------------------------------


def flood(peer, data):
    """Send until our socket stops reading; return how many whole messages were sent."""
    peer.sock.settimeout(0.1)
    count = 0
    try:
        while True:
            # Do not use sendall(), which would not report how much it sent.
            rest = memoryview(data(count))
            while rest:
                rest = rest[peer.sock.send(rest) :]
            count += 1
    except TimeoutError:
        peer.sock.settimeout(GUARD)
        peer.unsent = bytes(rest)
        return count


@pytest.mark.parametrize("size", [1000, 100 * KB])
def test_idle_receiver_applies_backpressure(bound, raw, size):
    sock = bound(zmq.PULL, rcvhwm=10, rcvbuf=4 * KB)
    fast, other = raw(sock.last_endpoint), raw(sock.last_endpoint)
    fast.sock.setsockopt(1, 7, 4 * KB)  # SO_SNDBUF
    fast.handshake(b"PUSH")
    other.handshake(b"PUSH")
    count = flood(fast, lambda number: message(b"fast %d" % number, bytes(size)))
    assert count <= 10 + 2 + KERNEL // size
    other.send(message(b"other"))
    sending = gevent.spawn(fast.send, fast.unsent)
    received = [sock.recv_multipart()[0] for _ in range(count + 2)]
    sending.get()
    received.remove(b"other")
    assert received == [b"fast %d" % number for number in range(count + 1)]


def test_full_receiver_still_notices_the_end(bound, raw, monitor):
    """A full receiver receives all messages of a peer that has left, then notices its end."""
    sock = bound(zmq.PULL, rcvhwm=2)
    events = monitor(sock)
    peer = raw(sock.last_endpoint)
    peer.handshake(b"PUSH")
    peer.send(*(message(b"%d" % number) for number in range(20)))
    peer.close()
    assert [sock.recv() for _ in range(20)] == [b"%d" % number for number in range(20)]
    events.wait_for(E.DISCONNECTED)


@pytest.mark.hub
def test_pub_processes_subscriptions_when_it_sends(pair_up):
    """A PUB reads all pending subscriptions when it sends, however many there are."""
    sock, peer = pair_up(zmq.PUB, b"SUB", rcvhwm=1)
    peer.send(*(message(b"\1%05d" % number) for number in range(5000)))
    peer.send(ping(0, b"all said"))
    assert peer.read_command() == (b"PONG", b"all said")
    sock.send(b"04999 wanted")
    assert peer.read_message() == [b"04999 wanted"]


# -- a peer that sends byte by byte --------------------------------------------------------


def dribble(peer, data, seconds=0.05):
    """Send byte by byte until the other side disconnects; return how many bytes were sent."""
    for at in range(len(data)):
        try:
            peer.send(data[at : at + 1])
        except ConnectionError:
            return at
        gevent.sleep(seconds)
    return len(data)


@pytest.mark.parametrize(
    "begun", [b"", greeting(), greeting() + ready(b"PUSH")[:3]], ids=["greeting", "command", "body"]
)
def test_handshake_ivl_limits_the_whole_handshake(begun, bound, raw, make, monitor):
    """HANDSHAKE_IVL limits the whole handshake, even if bytes keep arriving until then."""
    sock = bound(zmq.PULL, handshake_ivl=200)
    events = monitor(sock, E.HANDSHAKE_FAILED_NO_DETAIL)
    peer = raw(sock.last_endpoint)
    peer.send(begun)
    dribbling = gevent.spawn(dribble, peer, (greeting() + ready(b"PUSH"))[len(begun) :])
    assert events.next()[1] == errno.ETIMEDOUT
    peer.read_to_end()
    dribbling.kill()
    honest = make(zmq.PUSH)
    honest.connect(sock.last_endpoint)
    honest.send(b"let in")
    assert sock.recv() == b"let in"


def test_message_may_take_longer_than_handshake_ivl(bound, raw, make):
    sock = bound(zmq.PULL, handshake_ivl=500)
    peer, other = raw(sock.last_endpoint), make(zmq.PUSH)
    peer.handshake(b"PUSH")
    dribbling = gevent.spawn(dribble, peer, message(b"a", b"", b"bc") + message(b"next"))
    other.connect(sock.last_endpoint)
    other.send(b"meanwhile")
    assert [sock.recv_multipart() for _ in range(3)] == [
        [b"meanwhile"],
        [b"a", b"", b"bc"],
        [b"next"],
    ]
    dribbling.get()


# -- large messages ------------------------------------------------------------------------


def test_large_message_is_written_in_small_pieces(pair_up):
    sock, peer = pair_up(zmq.PUSH, b"PULL")
    body = bytes(range(256)) * (20 * KB)
    sock.send_multipart([b"head", body, b"tail"])
    sock.send(b"next")
    assert peer.read_message() == [b"head", body, b"tail"]
    assert peer.read_message() == [b"next"]


def test_large_message_arrives_in_small_pieces(bound, raw):
    sock = bound(zmq.PULL, rcvbuf=4 * KB)
    peer = raw(sock.last_endpoint)
    peer.handshake(b"PUSH")
    body = bytes(range(256)) * (20 * KB)
    sending = gevent.spawn(peer.send, message(b"head", body, b"tail"), message(b"next"))
    assert sock.recv_multipart() == [b"head", body, b"tail"]
    assert sock.recv() == b"next"
    sending.get()


def test_many_large_messages_both_ways_at_once(pair_up):
    sock, peer = pair_up(zmq.DEALER, b"DEALER", sndhwm=2, rcvhwm=2)
    ours = [b"%d" % number + bytes(300 * KB) for number in range(30)]
    sending = [
        gevent.spawn(lambda: [sock.send(body) for body in ours]),
        gevent.spawn(lambda: [peer.send(message(body)) for body in ours]),
    ]
    receiving = gevent.spawn(lambda: [sock.recv() for _ in ours])
    assert [peer.read_message() for _ in ours] == [[body] for body in ours]
    assert receiving.get(timeout=GUARD) == ours
    gevent.joinall(sending, raise_error=True)


@pytest.mark.parametrize("frames", [
    [b"x" * (5 * MB)],
    [b"%d" % number * 20000 for number in range(100)],
    [b"%d" % number for number in range(100000)],
], ids=["one-large", "many-large", "many-small"])  # fmt: skip
def test_pong_does_not_interrupt_a_partly_written_message(pair_up, frames):
    sock, peer = pair_up(zmq.DEALER, b"DEALER")
    sock.send_multipart(frames)
    peer.send(message(b"are you there?"), ping(0, b"1"), ping(0, b"2"), message(b"and now?"))
    assert [sock.recv(), sock.recv()] == [b"are you there?", b"and now?"]
    got, answers = [], []
    while len(got) < len(frames) or not answers or not answers[-1].endswith(b"2"):
        flags, body = peer.read_frame()
        (answers if flags & COMMAND else got).append(body)
    assert got == frames


def test_subscription_does_not_interrupt_a_partial_write(pair_up):
    sock, peer = pair_up(zmq.XSUB, b"XPUB")
    body = b"y" * (3 * MB)
    sock.send(b"upstream" + body)
    sock.send(b"\1topic")
    assert peer.read_message() == [b"upstream" + body]
    assert peer.read_command() == (b"SUBSCRIBE", b"topic")


# -- the end of a connection ---------------------------------------------------------------


def test_failed_write_does_not_lose_received_messages(pair_up):
    """Messages that arrived before a write failed are still received.

    libzmq does the same (stream_engine_base.cpp): "The engine is not terminated until we detect
    input error".
    """
    sock, peer = pair_up(zmq.DEALER, b"DEALER")
    sock.send(b"unread, so that its close is a reset")
    peer.send(*(message(b"%d" % number) for number in range(100)))
    peer.close()
    # The hub does not run between the close and these sends, so we write before we read.
    for _ in range(3):
        try:
            sock.send(b"nobody there", zmq.NOBLOCK)
        except zmq.Again:
            break
    assert [sock.recv() for _ in range(100)] == [b"%d" % number for number in range(100)]


def test_peer_that_leaves_frees_a_waiting_sender(pair_up):
    sock, stuck = pair_up(zmq.PUSH, b"PULL", sndhwm=1)
    fill(sock, lambda number: [bytes(100 * KB)])
    sending = gevent.spawn(sock.send, b"for whoever comes next")
    stuck.reset()
    reader = pair_up.join(sock, b"PULL")
    assert reader.read_message() == [b"for whoever comes next"]
    sending.get(timeout=GUARD)
