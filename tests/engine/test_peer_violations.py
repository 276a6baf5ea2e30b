"""A peer that violates the protocol is disconnected, and other peers are not affected."""

import pytest
from rawpeer import (
    COMMAND,
    LONG,
    MORE,
    SIGNATURE,
    command,
    frame,
    greeting,
    message,
    property_bytes,
    ready,
)
from watching import E

import zlinkcompat as zmq

MAXMSGSIZE = 1000

#: Maps a name to bytes that a peer sends instead of a handshake, and to the value of the resulting
#: event; None accepts any value.
BAD_HANDSHAKES = {
    "one-zero": (b"\0", None),
    "older-routing-id-too-long": (SIGNATURE + b"\1\1\2" + bytes(6) + b"\1\0", None),
    "other-mechanism": (
        greeting(mechanism=b"PLAIN"), zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH),
    "mechanism-not-padded-by-zeros": (
        greeting(mechanism=b"NULL".ljust(20)), zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH),
    "message-before-ready": (
        greeting() + message(b"hello"), zmq.PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND),
    "other-command-before-ready": (
        greeting() + command(b"PING", b"\0\0"), zmq.PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND),
    "wrong-socket-type": (
        greeting() + ready(b"SUB"), zmq.PROTOCOL_ERROR_ZMTP_INVALID_METADATA),
    "unknown-socket-type": (
        greeting() + ready(b"PUSHY"), zmq.PROTOCOL_ERROR_ZMTP_INVALID_METADATA),
    "property-longer-than-ready": (
        greeting() + command(b"READY", b"\x0bSocket-Type\0\0\1\0PUSH"),
        zmq.PROTOCOL_ERROR_ZMTP_INVALID_METADATA),
    "property-of-4-GB": (
        greeting() + command(b"READY", b"\x0bSocket-Type\xff\xff\xff\xffPUSH"),
        zmq.PROTOCOL_ERROR_ZMTP_INVALID_METADATA),
    "property-without-name": (
        greeting() + command(b"READY", property_bytes(b"", b"x")),
        zmq.PROTOCOL_ERROR_ZMTP_INVALID_METADATA),
    "error": (greeting() + command(b"ERROR", b"\x03no!"), None),
    "error-cut-off": (
        greeting() + command(b"ERROR", b"\x09no!"),
        zmq.PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR),
    "ready-over-maxmsgsize": (greeting() + ready(b"PUSH", X_a=bytes(MAXMSGSIZE)), None),
    "command-longer-than-any-memory": (greeting() + b"\x06\x7f" + b"\xff" * 7, None),
}  # fmt: skip

#: Bytes that violate ZMTP, sent after the handshake.
BAD_FRAMES = {
    "over-maxmsgsize": frame(bytes(MAXMSGSIZE + 1)),
    "header-over-maxmsgsize": b"\x02\0\0\0\0\0\0\x03\xe9",
    "second-frame-over-maxmsgsize": frame(b"a", MORE) + frame(bytes(MAXMSGSIZE + 1)),
    "command-over-maxmsgsize": command(b"NOVELTY", bytes(MAXMSGSIZE)),
    "size-with-bit-63": b"\x02\x80" + bytes(7),
    "size-of-exabytes": b"\x02\x7f" + b"\xff" * 7,
    "reserved-bit-3": b"\x08\x01x",
    "reserved-bit-7": b"\x80\x01x",
    "all-reserved-bits": b"\xf8\x01x",
    "reserved-and-long": bytes([8 | LONG]) + bytes(8),
    "reserved-and-command": bytes([8 | COMMAND]) + b"\x05\x04PING",
}


@pytest.fixture
def server(bound, monitor):
    """Return a PULL with MAXMSGSIZE, and a monitor that is started after the bind."""
    sock = bound(zmq.PULL, maxmsgsize=MAXMSGSIZE)
    return sock, monitor(sock)


@pytest.fixture
def good_peer(server, raw):
    """Return a good peer of the server; ``proven()`` asserts that it is served."""
    sock, events = server
    peer = raw(sock.last_endpoint)
    peer.handshake(b"PUSH")
    events.wait_for(E.HANDSHAKE_SUCCEEDED)

    def proven():
        peer.send(message(b"good", b"x" * MAXMSGSIZE))
        return sock.recv_multipart() == [b"good", b"x" * MAXMSGSIZE]

    peer.proven = proven
    return peer


@pytest.mark.parametrize("name", BAD_HANDSHAKES)
def test_bad_handshake(name, server, good_peer, raw):
    sock, events = server
    said, code = BAD_HANDSHAKES[name]
    peer = raw(sock.last_endpoint)
    peer.send(said)
    peer.read_to_end()
    fd = events.wait_for(E.ACCEPTED)
    event, value, endpoint = events.next()
    assert event == E.HANDSHAKE_FAILED_PROTOCOL
    assert endpoint == sock.last_endpoint.decode()
    assert value & 0x10000000 and (code is None or value == code)
    assert events.next()[:2] == (E.DISCONNECTED, fd)
    assert good_peer.proven()
    assert events.collected() == []


@pytest.mark.parametrize("name", BAD_FRAMES)
def test_bad_frame(name, server, good_peer, raw):
    """As in libzmq, DISCONNECTED is the only event, since the handshake had succeeded."""
    sock, events = server
    peer = raw(sock.last_endpoint)
    peer.handshake(b"PUSH")
    fd = events.wait_for(E.ACCEPTED)
    peer.send(message(b"fine"), BAD_FRAMES[name])
    peer.read_to_end()
    assert sock.recv() == b"fine"
    assert events.until(E.DISCONNECTED) == ["HANDSHAKE_SUCCEEDED", "DISCONNECTED"]
    assert good_peer.proven()
    assert not sock.poll(0) and events.collected() == []
    assert fd > 2


@pytest.mark.parametrize("size, fits", [(65536, True), (65537, False)])
def test_handshake_command_size_is_limited(bound, raw, monitor, size, fits):
    """A command of the handshake has a size limit of its own, whatever MAXMSGSIZE is.

    The reason is that the peer is not authenticated yet. The command is refused as soon as its
    header has arrived.
    """
    sock = bound(zmq.PULL, metadata_max=0)
    events = monitor(sock)
    said = ready(b"PUSH", X_a=b"")
    said = ready(b"PUSH", X_a=bytes(size - len(said) + 2))
    assert int.from_bytes(said[1:9], "big") == size
    peer = raw(sock.last_endpoint)
    if fits:
        peer.send(greeting(), said, message(bytes(100_000)))
        assert sock.recv() == bytes(100_000)
    else:
        peer.send(greeting(), said[:9])
        assert events.wait_for(E.HANDSHAKE_FAILED_PROTOCOL)


def test_message_of_exactly_maxmsgsize_is_allowed(server, raw):
    sock, _ = server
    peer = raw(sock.last_endpoint)
    peer.handshake(b"PUSH")
    peer.send(message(bytes(MAXMSGSIZE), bytes(MAXMSGSIZE)))
    assert sock.recv_multipart() == [bytes(MAXMSGSIZE)] * 2


def test_maxmsgsize_of_zero(bound, raw, monitor):
    """As in libzmq, MAXMSGSIZE also limits commands, so with 0 not even READY is accepted."""
    sock = bound(zmq.PULL, maxmsgsize=0)
    events = monitor(sock)
    peer = raw(sock.last_endpoint)
    peer.send(greeting(), ready(b"PUSH"))
    peer.read_to_end()
    assert "HANDSHAKE_SUCCEEDED" not in events.until(E.DISCONNECTED)


WHOLE = message(b"a" * 10, b"b" * 300, b"c" * 20000)


@pytest.mark.parametrize("cut", [
    1, 2, 11, 12, 13, 20, 21, 22, 321, 322, 329, 330, 331, 8000, len(WHOLE) - 1,
])  # fmt: skip
@pytest.mark.parametrize("end", ["close", "reset"])
def test_truncated_message_is_never_delivered(cut, end, bound, raw, monitor):
    sock = bound(zmq.PULL)
    events = monitor(sock)
    good, peer = raw(sock.last_endpoint), raw(sock.last_endpoint)
    for one in (good, peer):
        one.handshake(b"PUSH")
        events.wait_for(E.HANDSHAKE_SUCCEEDED)
    peer.send(message(b"fine"))
    assert sock.recv() == b"fine"
    peer.send(WHOLE[:cut])
    getattr(peer, end)()
    assert events.next()[0] == E.DISCONNECTED
    assert not sock.poll(0)
    good.send(WHOLE)
    assert sock.recv_multipart() == [b"a" * 10, b"b" * 300, b"c" * 20000]
    assert events.collected() == []


@pytest.mark.parametrize("said", [
    b"", SIGNATURE[:1], SIGNATURE[:9], SIGNATURE, SIGNATURE + b"\3", greeting()[:63], greeting(),
    greeting() + ready(b"PUSH")[:-1],
], ids=lambda said: str(len(said)))  # fmt: skip
@pytest.mark.parametrize("end", ["close", "reset"])
def test_peer_that_leaves_during_the_handshake(said, end, server, good_peer, raw):
    sock, events = server
    peer = raw(sock.last_endpoint)
    peer.send(said)
    fd = events.wait_for(E.ACCEPTED)
    getattr(peer, end)()
    assert events.next()[0] == E.HANDSHAKE_FAILED_NO_DETAIL
    assert events.next()[:2] == (E.DISCONNECTED, fd)
    assert good_peer.proven()


@pytest.mark.parametrize(
    "said",
    [b"", SIGNATURE, greeting(), greeting() + ready(b"PUSH")[:-1]],
    ids=lambda said: str(len(said)),
)
def test_handshake_ivl_drops_a_silent_peer(said, bound, raw, monitor):
    sock = bound(zmq.PULL, handshake_ivl=300)
    events = monitor(sock)
    good, silent = raw(sock.last_endpoint), raw(sock.last_endpoint)
    good.handshake(b"PUSH")
    silent.send(said)
    silent.read_to_end()
    assert sorted(events.until(E.DISCONNECTED)) == [
        "ACCEPTED", "ACCEPTED", "DISCONNECTED", "HANDSHAKE_FAILED_NO_DETAIL",
        "HANDSHAKE_SUCCEEDED",
    ]  # fmt: skip
    good.send(message(b"alive"))
    assert sock.recv() == b"alive"


def test_handshake_ivl_has_no_effect_after_the_handshake(bound, raw):
    sock = bound(zmq.PULL, handshake_ivl=200)
    peer = raw(sock.last_endpoint)
    peer.handshake(b"PUSH")
    assert peer.says_nothing(0.3)
    peer.send(message(b"late"))
    assert sock.recv() == b"late"


def test_peer_without_socket_type_is_accepted(bound, raw):
    """RFC 37: "The sender SHOULD specify the Socket-Type"; libzmq accepts a peer without it."""
    sock = bound(zmq.PULL)
    peer = raw(sock.last_endpoint)
    peer.send(greeting(), command(b"READY"), message(b"anonymous"))
    assert sock.recv() == b"anonymous"


def test_announced_size_is_not_allocated(bound, raw):
    """A header alone must not make the process allocate the announced size."""
    import resource

    sock = bound(zmq.PULL)
    peers = [raw(sock.last_endpoint) for _ in range(8)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for peer in peers:
        peer.handshake(b"PUSH")
        peer.send(b"\x02" + (1 << 40).to_bytes(8, "big") + bytes(100000))
    for peer in peers:
        assert peer.says_nothing(0.02)
    # KiB: 8 peers with a read buffer of 128 KiB and a body of at most twice the 100 kB that came
    # take 3 MiB. One allocation of what a header announces would take 1 TiB.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024
    good = raw(sock.last_endpoint)
    good.handshake(b"PUSH")
    good.send(message(b"alive"))
    assert sock.recv() == b"alive"
