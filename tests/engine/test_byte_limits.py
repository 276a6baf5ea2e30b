"""Limits in bytes: for messages queued for a peer or received from it, and for commands."""

import gevent
import pytest
from guard import GUARD
from rawpeer import COMMAND, LONG, MORE, SIGNATURE, command, frame, message, ping
from watching import E

import zlinkcompat as zmq

KB = 1024
MB = 1024 * KB

#: The most bytes that the kernel buffers for one connection with the smallest buffers.
KERNEL = 3 * MB

#: Bytes that the limit adds to the content of each frame of an unfinished message.
PART_COST = 48


def fill(sock, *frames):
    """Send until a send would block; return how many messages the socket accepted."""
    count = 0
    while True:
        try:
            sock.send_multipart(frames, zmq.NOBLOCK)
        except zmq.Again:
            return count
        count += 1


@pytest.fixture
def pair_up(bound, raw, monitor):
    """``pair_up(PUSH, b"PULL")`` returns our socket and a raw peer, with the handshake done.

    The peer's receive buffer is small.
    """

    def pair_up(socket_type, peer_type, identity=None, **options):
        sock = bound(socket_type, sndbuf=4 * KB, **options)
        events = monitor(sock, E.HANDSHAKE_SUCCEEDED)
        peer = raw(sock.last_endpoint, rcvbuf=4 * KB)
        peer.handshake(peer_type, identity=identity)
        events.next()
        events.close()
        return sock, peer

    return pair_up


# -- what waits for a peer -------------------------------------------------------------------


def test_queue_holds_sndbytes_max_bytes(pair_up):
    limit, size = 8 * MB, 100 * KB
    sock, peer = pair_up(zmq.PUSH, b"PULL", sndhwm=0, sndbytes_max=limit)
    count = fill(sock, bytes(size - 1), b"2")
    assert limit <= count * size <= limit + KERNEL + size
    assert not sock.poll(0, zmq.POLLOUT)
    waiting = gevent.spawn(sock.send, b"waited")
    for _ in range(count):
        assert [len(frame) for frame in peer.read_message()] == [size - 1, 1]
    assert peer.read_message() == [b"waited"]
    waiting.get(timeout=GUARD)
    assert sock.poll(0, zmq.POLLOUT)


def test_message_of_any_size_fits_into_an_empty_queue(pair_up):
    sock, peer = pair_up(zmq.PUSH, b"PULL", sndbytes_max=1)
    for number in range(3):
        data = b"%d" % number * (KERNEL + MB)
        sock.send(data)
        with pytest.raises(zmq.Again):
            sock.send(b"x", zmq.NOBLOCK)
        assert peer.read_message() == [data]
        sock.poll(GUARD * 1000, zmq.POLLOUT)


def test_high_water_mark_also_applies(pair_up):
    sock, _ = pair_up(zmq.PUSH, b"PULL", sndhwm=2, sndbytes_max=1 << 40)
    assert 2 <= fill(sock, bytes(2 * MB)) <= 3 + KERNEL // (2 * MB)


def test_pub_drops_at_the_byte_limit_and_continues(pair_up):
    sock, peer = pair_up(zmq.XPUB, b"SUB", sndhwm=0, sndbytes_max=MB)
    peer.send(command(b"SUBSCRIBE", b""))
    assert sock.recv() == b"\1"
    sent = 200
    for number in range(sent):
        sock.send_multipart([b"%d" % number, bytes(100 * KB)])
    got = []
    while True:
        if peer.says_nothing(0.05):
            sock.send(b"after")  # dropped like the messages before, until the peer has read
        head, *rest = peer.read_message()
        if head == b"after":
            break
        assert [len(body) for body in rest] == [100 * KB]
        got.append(int(head))
    assert got == sorted(set(got)) and len(got) * 100 * KB <= MB + KERNEL + 100 * KB


def test_router_refuses_at_the_byte_limit(pair_up):
    sock, peer = pair_up(
        zmq.ROUTER, b"DEALER", identity=b"peer", sndhwm=0, sndbytes_max=MB, router_mandatory=1
    )
    peer.send(message(b"hello"))
    assert sock.recv_multipart() == [b"peer", b"hello"]
    assert fill(sock, b"peer", bytes(100 * KB)) * 100 * KB <= MB + KERNEL + 100 * KB


def test_byte_limit_applies_before_the_connection(make, raw_listener):
    listener = raw_listener(listens=False)
    sock = make(zmq.PUSH, sndhwm=0, sndbytes_max=10 * KB, reconnect_ivl=1)
    sock.connect(listener.endpoint)
    count = fill(sock, bytes(KB))
    assert count == 10
    listener.listen()
    peer = listener.accept()
    peer.handshake(b"PULL")
    for _ in range(count):
        assert peer.read_message() == [bytes(KB)]


def test_subscriptions_are_sent_despite_the_byte_limit(make, raw_listener):
    listener = raw_listener()
    sock = make(zmq.SUB, sndbytes_max=1)
    for topic in (b"a", b"b", b"c"):
        sock.subscribe(topic)
    sock.connect(listener.endpoint)
    peer = listener.accept()
    peer.handshake(b"PUB")
    told = [peer.read_command() for _ in range(3)]
    assert sorted(told) == [(b"SUBSCRIBE", topic) for topic in (b"a", b"b", b"c")]


def test_no_message_is_lost_at_either_byte_limit(bound, make):
    pull = bound(zmq.PULL, rcvbytes_max=300)
    push = make(zmq.PUSH, sndbytes_max=100)
    push.connect(pull.last_endpoint)
    count = 2000

    def send():
        for number in range(count):
            push.send_multipart([b"%d" % number, bytes(number % 70)])

    sending = gevent.spawn(send)
    for number in range(count):
        assert pull.recv_multipart() == [b"%d" % number, bytes(number % 70)]
    sending.get(timeout=GUARD)


def test_receiver_stops_reading_at_rcvbytes_max(bound, raw):
    sock = bound(zmq.PULL, rcvhwm=0, rcvbytes_max=MB, rcvbuf=4 * KB)
    peer = raw(sock.last_endpoint)
    peer.handshake(b"PUSH")
    size, sent = 100 * KB, 0
    peer.sock.settimeout(0.1)
    with pytest.raises(TimeoutError):
        while True:
            gevent.sleep(0)
            sent += peer.sock.send(message(bytes(size))[sent % (size + 9) :])
    assert sent <= 2 * MB + KERNEL
    peer.sock.settimeout(GUARD)
    for _ in range(sent // (size + 9)):
        assert len(sock.recv()) == size
    assert not sock.poll(20)


# -- a message without an end ----------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1000, 100 * KB])
def test_endless_message_ends_its_connection(size, bound, raw, make, monitor, caplog):
    limit = 500 * KB
    sock = bound(zmq.PULL, rcvbytes_max=limit)
    events = monitor(sock, E.DISCONNECTED)
    peer, honest = raw(sock.last_endpoint), make(zmq.PUSH)
    peer.handshake(b"PUSH")
    peer.send(message(b"whole"))
    assert sock.recv() == b"whole"
    fits = limit // (size + PART_COST)
    peer.send(frame(bytes(size), MORE) * fits)
    assert peer.says_nothing(0.02)
    peer.send(frame(bytes(size), MORE))
    peer.read_to_end()
    events.next()
    assert "unfinished message" in caplog.text
    honest.connect(sock.last_endpoint)
    honest.send_multipart([b"from", b"another"])
    assert sock.recv_multipart() == [b"from", b"another"]


def test_unfinished_message_has_a_frame_limit(bound, raw, monitor, caplog):
    """The number of frames is limited, since even an empty frame takes memory.

    RCVBYTES_MAX changes the limit.
    """
    most = 65536
    sock = bound(zmq.PULL)
    events = monitor(sock, E.DISCONNECTED)
    peer = raw(sock.last_endpoint)
    peer.handshake(b"PUSH")
    peer.send(frame(b"", MORE) * most, frame(b"last"))
    assert len(sock.recv_multipart()) == most + 1
    peer.send(frame(b"", MORE) * (most + 1))
    peer.read_to_end()
    events.next()
    assert "RCVBYTES_MAX" in caplog.text
    other = bound(zmq.PULL, rcvbytes_max=100 * most)
    peer = raw(other.last_endpoint)
    peer.handshake(b"PUSH")
    peer.send(frame(b"", MORE) * (most + 1), frame(b"last"))
    assert len(other.recv_multipart()) == most + 2


@pytest.mark.parametrize("version", [(3, 1), (2, 1)], ids=["3", "2"])
def test_finished_messages_do_not_count_towards_the_limit(version, bound, raw):
    """A peer may repeatedly send as many frames as the limit allows, with commands in between."""
    sock = bound(zmq.PULL, rcvbytes_max=1000)
    peer = raw(sock.last_endpoint)
    between = b""
    if version == (3, 1):
        peer.handshake(b"PUSH")
        between = ping(0, b"x")
    else:
        # ZMTP 2: revision and socket type, then the routing id, which is empty.
        peer.send(SIGNATURE, b"\1\x08", frame(b""))
    parts = [bytes(52)] * 10 + [bytes(5000)]
    one = between.join(frame(part, MORE) for part in parts[:-1]) + frame(parts[-1])
    peer.send(one * 3)
    for _ in range(3):
        assert sock.recv_multipart() == parts


# -- commands of a peer ----------------------------------------------------------------------


def announced(name, size):
    """Return the beginning of the command ``name``, whose frame announces ``size`` bytes."""
    return bytes([COMMAND | LONG]) + size.to_bytes(8, "big") + bytes([len(name)]) + name


@pytest.mark.parametrize("name", [b"SUBSCRIBE", b"PING", b"UNHEARD-OF"])
@pytest.mark.parametrize("socket_type, peer_type", [(zmq.XPUB, b"SUB"), (zmq.PULL, b"PUSH")])
def test_oversized_command_ends_its_connection(socket_type, peer_type, name, bound, raw, monitor):
    sock = bound(socket_type)
    events = monitor(sock, E.DISCONNECTED)
    peer = raw(sock.last_endpoint)
    peer.handshake(peer_type)
    peer.send(announced(name, 1 << 20) + bytes((1 << 20) - 1 - len(name)))
    assert not events.poll(20)
    peer.send(announced(name, (1 << 20) + 1))
    peer.read_to_end()
    events.next()


def test_command_limit_can_be_disabled(bound, raw):
    sock = bound(zmq.XPUB, command_max=0)
    peer = raw(sock.last_endpoint)
    peer.handshake(b"SUB")
    topic = bytes(2 * MB)
    peer.send(command(b"SUBSCRIBE", topic))
    assert sock.recv() == b"\1" + topic


@pytest.mark.parametrize("minor", [0, 1], ids=["messages", "commands"])
@pytest.mark.parametrize("socket_type", [zmq.PUB, zmq.XPUB])
def test_subscription_length_is_limited_in_either_form(socket_type, minor, bound, raw, monitor):
    def subscription(topic):
        return command(b"SUBSCRIBE", topic) if minor else message(b"\1" + topic)

    sock = bound(socket_type, command_max=1000)
    events = monitor(sock, E.HANDSHAKE_SUCCEEDED | E.DISCONNECTED)
    for size, fits in ((900, True), (1100, False)):
        peer = raw(sock.last_endpoint)
        peer.handshake(b"SUB", minor=minor)
        events.wait_for(E.HANDSHAKE_SUCCEEDED)
        peer.send(subscription(bytes(size)))
        if fits:
            while peer.says_nothing(0.01):
                sock.send(bytes(size))
            assert peer.read_message() == [bytes(size)]
        else:
            ending = gevent.spawn(peer.read_to_end)
            while not ending.ready():
                # On the thread engine a socket processes events of its peers only in its own calls.
                sock.send(b"nobody's")
                gevent.sleep(0.001)
            events.wait_for(E.DISCONNECTED)


def test_xpub_receives_long_messages_other_than_subscriptions(bound, raw):
    sock = bound(zmq.XPUB, command_max=1000)
    peer = raw(sock.last_endpoint)
    peer.handshake(b"XSUB")
    peer.send(message(b"\2" * 5000))
    assert sock.recv() == b"\2" * 5000
