"""We send the greeting in the same stages as libzmq, and serve peers of ZMTP 3.0 and 3.1."""

import pytest
from rawpeer import GREETING_SIZE, SIGNATURE, command, frame, greeting, message, ready

import zlinkcompat as zmq

BOTH_MINORS = pytest.mark.parametrize("minor", [0, 1], ids=["3.0", "3.1"])
BOTH_ENDS = pytest.mark.parametrize("end", ["binds", "connects"])


@pytest.fixture
def meet(bound, make, raw, raw_listener, tmp_path):
    """``meet(type, "binds")`` returns our socket, which binds or "connects", and its raw peer."""

    def meet(socket_type, end, transport="tcp", **options):
        place = "tcp://127.0.0.1:*" if transport == "tcp" else f"ipc://{tmp_path}/socket"
        if end == "binds":
            sock = bound(socket_type, place, **options)
            return sock, raw(sock.last_endpoint)
        listener = raw_listener(place.replace("*", "0"))
        sock = make(socket_type, **options)
        sock.connect(listener.endpoint)
        return sock, listener.accept()

    return meet


@BOTH_ENDS
def test_signature_is_sent_first_and_alone(meet, end):
    _, peer = meet(zmq.PULL, end)
    assert peer.read(10) == SIGNATURE
    assert peer.says_nothing()


def test_signature_contains_the_length_of_the_routing_id(meet):
    # To a peer of ZMTP 1.0 the signature has to look like the header of a routing id message.
    _, peer = meet(zmq.DEALER, "connects", routing_id=b"abc")
    assert peer.read(10) == b"\xff" + bytes(7) + b"\x04\x7f"


@BOTH_ENDS
def test_version_is_sent_after_the_peers_signature(meet, end):
    _, peer = meet(zmq.PULL, end)
    peer.read(10)
    peer.send(SIGNATURE[:9])
    assert peer.says_nothing()
    peer.send(SIGNATURE[9:])
    assert peer.read(1) == b"\x03"
    assert peer.says_nothing()


@BOTH_ENDS
@pytest.mark.parametrize("major", [3, 4, 255])
def test_rest_of_the_greeting_is_sent_after_the_peers_version(meet, end, major):
    _, peer = meet(zmq.PULL, end)
    peer.read(10)
    peer.send(SIGNATURE)
    peer.read(1)
    peer.send(bytes([major]))
    assert peer.read(GREETING_SIZE - 11) == b"\x01" + b"NULL".ljust(20, b"\0") + bytes(32)
    assert peer.says_nothing()


@BOTH_ENDS
def test_ready_is_sent_after_the_peers_greeting(meet, end):
    _, peer = meet(zmq.PULL, end)
    peer.send(greeting()[:63])
    peer.read(GREETING_SIZE)
    assert peer.says_nothing()
    peer.send(greeting()[63:])
    assert peer.read_ready() == {b"Socket-Type": b"PULL"}


@pytest.mark.parametrize("socket_type, routing_id, told", [
    (zmq.DEALER, b"me", {b"Socket-Type": b"DEALER", b"Identity": b"me"}),
    (zmq.DEALER, b"", {b"Socket-Type": b"DEALER", b"Identity": b""}),
    (zmq.ROUTER, b"r" * 255, {b"Socket-Type": b"ROUTER", b"Identity": b"r" * 255}),
    (zmq.REQ, b"q", {b"Socket-Type": b"REQ", b"Identity": b"q"}),
    (zmq.REP, b"p", {b"Socket-Type": b"REP"}),
    (zmq.PUSH, b"p", {b"Socket-Type": b"PUSH"}),
])  # fmt: skip
def test_properties_in_ready(meet, socket_type, routing_id, told):
    options = {"routing_id": routing_id} if routing_id else {}
    _, peer = meet(socket_type, "connects", **options)
    peer.send(greeting())
    peer.read(GREETING_SIZE)
    assert peer.read_ready() == told


@BOTH_ENDS
@BOTH_MINORS
@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def test_messages_both_ways(meet, end, minor, transport):
    sock, peer = meet(zmq.DEALER, end, transport)
    peer.handshake(b"DEALER", minor)
    peer.send(message(b"to", b"", b"us" * 200))
    assert sock.recv_multipart() == [b"to", b"", b"us" * 200]
    sock.send_multipart([b"to", b"", b"them" * 200])
    assert peer.read_message() == [b"to", b"", b"them" * 200]


@BOTH_ENDS
def test_handshake_may_arrive_byte_by_byte(meet, end):
    sock, peer = meet(zmq.DEALER, end)
    for byte in greeting() + ready(b"DEALER", b"") + message(b"a", b"b" * 300):
        peer.send(bytes([byte]))
    assert sock.recv_multipart() == [b"a", b"b" * 300]


@BOTH_ENDS
@BOTH_MINORS
def test_handshake_may_arrive_in_one_piece(meet, end, minor):
    sock, peer = meet(zmq.DEALER, end)
    peer.send(greeting(minor), ready(b"DEALER", b""), message(b"early"), message(b"bird"))
    assert [sock.recv(), sock.recv()] == [b"early", b"bird"]


def test_messages_sent_before_the_handshake_follow_it(meet):
    sock, peer = meet(zmq.PUSH, "connects")
    sock.send(b"early")
    sock.send_multipart([b"bi", b"rd"])
    peer.handshake(b"PULL")
    assert [peer.read_message(), peer.read_message()] == [[b"early"], [b"bi", b"rd"]]


def test_unknown_commands_are_skipped(meet):
    sock, peer = meet(zmq.PULL, "binds")
    peer.handshake(b"PUSH")
    peer.send(command(b"NOVELTY", b"x" * 300), message(b"go on"))
    assert sock.recv() == b"go on"


def test_messages_carry_the_metadata_of_the_peer(meet):
    sock, peer = meet(zmq.PULL, "binds")
    peer.send(greeting(), ready(b"PUSH", X_colour=b"red"), message(b"x"))
    received = sock.recv(copy=False)
    assert received.get("X-colour") == "red"
    assert received.get("Socket-Type") == "PUSH"
    assert received.get("Peer-Address") == "127.0.0.1"


def test_property_names_are_case_insensitive(meet):
    """A peer may write ``SOCKET-TYPE``. RFC 37 says: "The name is case-insensitive"."""
    sock, peer = meet(zmq.PULL, "binds")
    peer.send(greeting(), ready(b"PUSH").replace(b"Socket-Type", b"SOCKET-TYPE"), message(b"x"))
    assert sock.recv() == b"x"


# -- subscriptions -------------------------------------------------------------------------


@pytest.mark.hub
@BOTH_ENDS
@pytest.mark.parametrize("socket_type", [zmq.SUB, zmq.XSUB], ids=["SUB", "XSUB"])
def test_subscriptions_are_commands_to_3_1(meet, end, socket_type):
    sock, peer = meet(socket_type, end)
    peer.handshake(b"PUB", 1)
    subscribe(sock, b"topic")
    assert peer.read_command() == (b"SUBSCRIBE", b"topic")
    unsubscribe(sock, b"topic")
    assert peer.read_command() == (b"CANCEL", b"topic")


@pytest.mark.hub
@BOTH_ENDS
@pytest.mark.parametrize("socket_type", [zmq.SUB, zmq.XSUB], ids=["SUB", "XSUB"])
def test_subscriptions_are_messages_to_3_0(meet, end, socket_type):
    sock, peer = meet(socket_type, end)
    peer.handshake(b"PUB", 0)
    subscribe(sock, b"topic")
    assert peer.read_message() == [b"\x01topic"]
    unsubscribe(sock, b"topic")
    assert peer.read_message() == [b"\x00topic"]


@BOTH_MINORS
def test_subscriptions_before_the_handshake_are_sent_after_it(meet, minor):
    sock, peer = meet(zmq.SUB, "connects")
    sock.subscribe(b"a")
    peer.handshake(b"PUB", minor)
    if minor:
        assert peer.read_command() == (b"SUBSCRIBE", b"a")
    else:
        assert peer.read_message() == [b"\x01a"]


@BOTH_ENDS
@pytest.mark.parametrize("minor, subscription", [
    (0, message(b"\x01a")), (1, command(b"SUBSCRIBE", b"a")), (1, message(b"\x01a")),
], ids=["message-3.0", "command-3.1", "message-3.1"])  # fmt: skip
def test_subscriptions_of_a_peer_are_accepted_in_either_form(meet, end, minor, subscription):
    sock, peer = meet(zmq.XPUB, end)
    peer.handshake(b"SUB", minor)
    peer.send(subscription)
    assert sock.recv() == b"\x01a"
    sock.send(b"b not wanted")
    sock.send(b"a wanted")
    assert peer.read_message() == [b"a wanted"]


@pytest.mark.parametrize(
    "cancel", [frame(b"\x00a"), command(b"CANCEL", b"a")], ids=["message", "command"]
)
def test_cancel_of_a_peer_is_accepted_in_either_form(meet, cancel):
    sock, peer = meet(zmq.XPUB, "binds")
    peer.handshake(b"SUB")
    peer.send(command(b"SUBSCRIBE", b"a"), command(b"SUBSCRIBE", b"b"), cancel)
    assert [sock.recv() for _ in range(3)] == [b"\x01a", b"\x01b", b"\x00a"]
    sock.send(b"a not wanted")
    sock.send(b"b wanted")
    assert peer.read_message() == [b"b wanted"]


def subscribe(sock, topic):
    if sock.type == zmq.SUB:
        sock.subscribe(topic)
    else:
        sock.send(b"\x01" + topic)


def unsubscribe(sock, topic):
    if sock.type == zmq.SUB:
        sock.unsubscribe(topic)
    else:
        sock.send(b"\x00" + topic)
