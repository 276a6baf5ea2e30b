"""With a peer of ZMTP 2.0 or 1.0 a socket uses the peer's version, as libzmq does."""

import pytest
from legacypeer import VERSIONS, Unversioned, Version1, Version2, header
from rawpeer import SIGNATURE, command
from watching import E

import zlinkcompat as zmq

EACH_VERSION = pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS)
BOTH_ENDS = pytest.mark.parametrize("end", ["binds", "connects"])
LARGE = bytes(range(256)) * 2000
PARTS = (
    [b""],
    [b"a"],
    [b"x" * 253],
    [b"x" * 254],
    [b"x" * 255],
    [b"x" * 256],
    [LARGE],
    [b"1", b"", b"3" * 300],
    [LARGE, b"", LARGE],
)


@pytest.fixture
def meet(bound, make, raw, raw_listener):
    """``meet(type, "binds")`` returns our socket, which binds or "connects", and its raw peer."""

    def meet(socket_type, end="binds", **options):
        if end == "binds":
            sock = bound(socket_type, **options)
            return sock, raw(sock.last_endpoint)
        listener = raw_listener()
        sock = make(socket_type, **options)
        sock.connect(listener.endpoint)
        return sock, listener.accept()

    return meet


def shake(peer, version, socket_type, ours=b"", theirs=b""):
    """Handshake, and check our socket's answer; ``socket_type`` is the type of our socket."""
    peer.send(version.opening(theirs, 5))
    answer = version.reply(ours, socket_type)
    assert peer.read(len(answer)) == answer


@EACH_VERSION
@BOTH_ENDS
def test_messages_both_ways(meet, version, end):
    sock, peer = meet(zmq.PAIR, end, routing_id=b"we")
    shake(peer, version, zmq.PAIR, b"we")
    for parts in PARTS:
        sock.send_multipart(parts)
        expected = version.message(*parts)
        assert peer.read(len(expected)) == expected
        peer.send(expected)
        assert sock.recv_multipart() == parts


@EACH_VERSION
def test_handshake_split_at_every_byte(bound, raw, version):
    """The handshake succeeds if the peer's bytes arrive in two pieces, split at any position."""
    sock = bound(zmq.DEALER)
    parts = [b"first", b"x" * 260]
    said = version.opening(b"peer", 5) + version.message(*parts)
    answer = version.reply(b"", zmq.DEALER)
    for cut in range(1, len(said)):
        peer = raw(sock.last_endpoint)
        # Our signature arrives at once. Whether our socket has processed the first piece by then
        # is left to chance.
        peer.send(said[:cut])
        assert peer.read(10) == answer[:10]
        peer.send(said[cut:])
        assert sock.recv_multipart() == parts
        assert peer.read(len(answer) - 10) == answer[10:]
        peer.close()


@EACH_VERSION
def test_handshake_byte_by_byte(meet, version):
    sock, peer = meet(zmq.PULL)
    for byte in version.opening(b"", 8) + version.message(b"a", b"y" * 300):
        peer.send(bytes([byte]))
    assert sock.recv_multipart() == [b"a", b"y" * 300]


@EACH_VERSION
@BOTH_ENDS
def test_request_and_reply(meet, version, end):
    req, server = meet(zmq.REQ, end)
    shake(server, version, zmq.REQ)
    req.send(b"question")
    asked = version.message(b"", b"question")
    assert server.read(len(asked)) == asked
    server.send(version.message(b"", b"answer"))
    assert req.recv() == b"answer"
    rep, client = meet(zmq.REP, end)
    shake(client, version, zmq.REP)
    client.send(asked)
    assert rep.recv() == b"question"
    rep.send(b"answer")
    answered = version.message(b"", b"answer")
    assert client.read(len(answered)) == answered


@EACH_VERSION
@pytest.mark.parametrize("routing_id", [b"", b"name", b"n" * 255], ids=len)
def test_router_uses_the_peers_routing_id(meet, version, routing_id):
    router, peer = meet(zmq.ROUTER)
    shake(peer, version, zmq.ROUTER, theirs=routing_id)
    peer.send(version.message(b"hello"))
    who, hello = router.recv_multipart()
    assert hello == b"hello"
    assert who == routing_id or (not routing_id and who[0] == 0 and len(who) == 5)
    router.send_multipart([who, b"hi"])
    assert peer.read(len(version.message(b"hi"))) == version.message(b"hi")


@EACH_VERSION
@BOTH_ENDS
def test_publisher_and_subscriber_peer(meet, version, end):
    pub, peer = meet(zmq.XPUB, end)
    shake(peer, version, zmq.XPUB)
    if version.reply is Unversioned.reply:
        # A peer of this version cannot send subscriptions, so the publisher sends it everything.
        assert pub.recv() == b"\1"
    else:
        peer.send(version.message(b"\1news"))
        assert pub.recv() == b"\1news"
        pub.send(b"other")
    pub.send(b"news of the day")
    expected = version.message(b"news of the day")
    assert peer.read(len(expected)) == expected


@EACH_VERSION
@BOTH_ENDS
def test_subscriber_sends_subscriptions_as_messages(meet, version, end):
    long = b"t" * 300
    sub, peer = meet(zmq.SUB, end, subscribe=b"news")
    shake(peer, version, zmq.SUB)
    sub.subscribe(long)
    sub.unsubscribe(long)
    expected = b"".join(version.message(each) for each in (b"\1news", b"\1" + long, b"\0" + long))
    assert peer.read(len(expected)) == expected
    peer.send(version.message(b"other"), version.message(b"news!"))
    assert sub.recv() == b"news!"


@EACH_VERSION
def test_no_heartbeats_to_legacy_peers(meet, version):
    sock, peer = meet(zmq.PAIR, heartbeat_ivl=10, heartbeat_timeout=20)
    shake(peer, version, zmq.PAIR)
    assert peer.says_nothing(0.1)
    sock.send(b"still there")
    assert peer.read(len(version.message(b"still there"))) == version.message(b"still there")


def test_commands_of_a_version_2_peer_are_ignored(meet):
    sock, peer = meet(zmq.PAIR)
    shake(peer, Version2, zmq.PAIR)
    peer.send(command(b"PING", b"\0\0"), command(b"SUBSCRIBE", b""), Version2.message(b"x"))
    assert sock.recv() == b"x"
    assert peer.says_nothing()


@pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS)
@pytest.mark.parametrize(
    "options",
    [
        {"zap_domain": b"d"},
        {"plain_server": 1},
        {"plain_username": b"u", "plain_password": b"p"},
    ],
    ids=["zap", "plain-server", "plain-client"],
)
def test_legacy_peer_cannot_bypass_a_mechanism(bound, raw, monitor, version, options):
    sock = bound(zmq.PULL, **options)
    events = monitor(sock)
    peer = raw(sock.last_endpoint)
    peer.send(version.opening(b"", 8), version.message(b"x"))
    assert not peer.read_to_end().endswith(version.frame(b""))
    events.wait_for(E.HANDSHAKE_FAILED_PROTOCOL)
    assert not sock.poll(0)


@pytest.mark.parametrize(
    "said",
    [
        Version1.opening(b"", 8) + b"\0",
        Unversioned.opening(b"", 8) + b"\0",
        Unversioned.opening(b"", 8) + b"\xff" + bytes(9),
        Unversioned.opening(b"", 8) + b"\xff\x80" + bytes(8),
        Unversioned.opening(b"", 8) + b"\xff" + bytes(6) + b"\1\0\0",
        Version2.opening(b"", 8) + b"\2" + bytes(6) + b"\1\0",
    ],
    ids=["zero", "zero-unversioned", "zero-long", "63-bits", "over-limit-1", "over-limit-2"],
)
def test_malformed_frame_ends_the_connection(bound, raw, said):
    sock = bound(zmq.PULL, maxmsgsize=200)
    peer = raw(sock.last_endpoint)
    peer.send(said)
    peer.read_to_end()
    other = raw(sock.last_endpoint)
    other.send(Version1.opening(b"", 8), Version1.message(b"x"))
    assert sock.recv() == b"x"


@pytest.mark.parametrize(
    "said",
    [
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + bytes(500),
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + bytes(100),
        b"\xff" + bytes(8) + b"\2",
    ],
    ids=["tls", "http", "long"],
)
def test_other_protocols_are_not_taken_for_legacy_peers(bound, raw, monitor, said):
    sock = bound(zmq.PULL)
    events = monitor(sock)
    raw(sock.last_endpoint).send(said)
    assert events.wait_for(E.HANDSHAKE_FAILED_PROTOCOL)


def test_reconnect_to_a_peer_of_another_version(make, raw_listener):
    listener = raw_listener()
    sock = make(zmq.PUSH, reconnect_ivl=1, routing_id=b"we")
    sock.connect(listener.endpoint)
    for version in (Version1, Version2, Unversioned, Version1):
        peer = listener.accept()
        shake(peer, version, zmq.PUSH, b"we")
        sock.send(b"x")
        assert peer.read(len(version.message(b"x"))) == version.message(b"x")
        peer.close()


def test_signature_is_the_header_of_a_long_routing_id(meet):
    _sock, peer = meet(zmq.DEALER, routing_id=b"r" * 255)
    peer.send(b"\1\0")
    assert peer.read(265) == header(b"r" * 255) + b"r" * 255
    assert len(SIGNATURE) == 10
