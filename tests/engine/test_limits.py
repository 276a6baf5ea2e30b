"""The resources of a peer are limited, and a peer at its limit does not affect anything else."""

import errno
import gc
import logging
import os
import tracemalloc

import gevent
import pytest
from guard import GUARD
from rawpeer import command, greeting, message, ready
from watching import E

import zlinkcompat as zmq
from zlinkcompat.debug import dump

MOST = 3
INVALID_METADATA = 0x10000018


def of(sock):
    """Return the entry of a socket in ``debug.dump()``."""
    return next(
        each
        for context in dump()["contexts"]
        for each in context["sockets"]
        if each["address"] == sock.underlying
    )


# -- unfinished handshakes -------------------------------------------------------------------


def test_silent_peers_do_not_keep_others_out(bound, raw, monitor):
    sock = bound(zmq.PULL, handshakes_max=MOST)
    watched = monitor(sock, E.HANDSHAKE_FAILED_NO_DETAIL)
    silent = [raw(sock.last_endpoint) for _ in range(MOST)]
    for peer in silent:
        peer.read(10)
    honest = raw(sock.last_endpoint)
    honest.send(greeting(), ready(b"PUSH"), message(b"let in"))
    assert sock.recv() == b"let in"
    watched.next()
    # Only the oldest connection was closed to make room.
    silent[0].read_to_end()
    assert of(sock)["listeners"][0]["handshakes"] == MOST - 1
    assert all(peer.says_nothing() or peer.read(54) for peer in silent[1:])


def test_crowd_of_peers_waits_and_is_served(bound, make):
    sock = bound(zmq.PULL, handshakes_max=MOST)
    crowd = [make(zmq.PUSH) for _ in range(20 * MOST)]
    for number, peer in enumerate(crowd):
        peer.connect(sock.last_endpoint)
        peer.send(b"%d" % number)
    assert {int(sock.recv()) for _ in crowd} == set(range(len(crowd)))
    assert of(sock)["listeners"][0]["handshakes"] == 0


def test_handshake_slot_is_freed_when_a_peer_leaves(bound, raw):
    sock = bound(zmq.PULL, handshakes_max=1)
    for number in range(3):
        leaver = raw(sock.last_endpoint)
        leaver.read(10)
        leaver.close()
        honest = raw(sock.last_endpoint)
        honest.send(greeting(), ready(b"PUSH"), message(b"%d" % number))
        assert sock.recv() == b"%d" % number


# -- subscriptions ---------------------------------------------------------------------------


@pytest.mark.parametrize("minor", [0, 1], ids=["messages", "commands"])
def test_peer_with_too_many_subscriptions_is_dropped(bound, make, raw, minor):
    def subscription(topic, wanted=True):
        if minor:
            return command(b"SUBSCRIBE" if wanted else b"CANCEL", topic)
        return message((b"\1" if wanted else b"\0") + topic)

    sock = bound(zmq.XPUB, subscriptions_max=MOST, xpub_verbose=1)
    peer = raw(sock.last_endpoint)
    peer.handshake(b"SUB", minor=minor)
    # A repeated subscription counts once, and a cancelled subscription does not count.
    peer.send(subscription(b"x"), subscription(b"x", wanted=False), subscription(b"0") * 2)
    for number in range(1, MOST):
        peer.send(subscription(b"%d" % number))
    while sock.recv() != b"\1%d" % (MOST - 1):
        pass
    other = make(zmq.SUB)
    other.connect(sock.last_endpoint)
    other.subscribe(b"2")
    assert sock.recv() == b"\x012"
    sock.send(b"2 before")
    assert peer.read_message() == [b"2 before"]
    peer.send(subscription(b"too many"))
    ending = gevent.spawn(peer.read_to_end)
    while not ending.ready():
        # On the thread engine a socket processes events of its peers only in its own calls.
        sock.poll(0)
        gevent.sleep(0.001)
    ending.get()
    sock.send(b"2 after")
    with gevent.Timeout(GUARD):
        while other.recv() != b"2 after":
            pass


# -- logging ---------------------------------------------------------------------------------


def test_one_log_line_names_endpoint_peer_and_reason(bound, raw, caplog, monitor):
    caplog.set_level(logging.DEBUG, "zlinkcompat")
    sock = bound(zmq.PULL)
    watched = monitor(sock, E.HANDSHAKE_FAILED_PROTOCOL)
    raw(sock.last_endpoint).send(greeting(mechanism=b"PLAIN"))
    watched.next()
    (record,) = [each for each in caplog.records if each.levelno >= logging.WARNING]
    line = record.getMessage()
    assert record.name == "zlinkcompat.engine" and "\n" not in line
    assert sock.last_endpoint.decode() in line and "127.0.0.1" in line and "mechanism" in line


def test_secrets_are_never_logged(bound, make, monitor, caplog):
    caplog.set_level(logging.DEBUG)
    server_public, server_secret = zmq.curve_keypair()
    public, secret = zmq.curve_keypair()
    server = bound(zmq.PULL, curve_server=1, curve_secretkey=server_secret)
    client = make(
        zmq.PUSH, curve_serverkey=server_public, curve_publickey=public, curve_secretkey=secret
    )
    client.connect(server.last_endpoint)
    client.send(b"a secret message")
    assert server.recv() == b"a secret message"
    plain = bound(zmq.PULL, plain_server=1)
    watched = monitor(plain, E.HANDSHAKE_FAILED_NO_DETAIL)
    user = make(zmq.PUSH, plain_username=b"admin", plain_password=b"a password")
    user.connect(plain.last_endpoint)
    # The handshake fails, since there is no ZAP handler.
    watched.next()
    assert "ready" in caplog.text
    for hidden in (secret.decode(), server_secret.decode(), "a password", "a secret message"):
        assert hidden not in caplog.text and hidden not in str(dump())


# -- metadata of peers ---------------------------------------------------------------------


@pytest.mark.both_engines
def test_ready_of_thousands_of_properties_is_refused(bound, raw, monitor):
    sock = bound(zmq.PULL)
    watched = monitor(sock, E.HANDSHAKE_FAILED_PROTOCOL)
    many = {f"{number:04}": b"" for number in range(7000)}
    raw(sock.last_endpoint).send(greeting(), ready(b"PUSH", **many))
    assert watched.next()[1] == INVALID_METADATA
    honest = raw(sock.last_endpoint)
    honest.send(greeting(), ready(b"PUSH", X_name=b"honest"), message(b"let in"))
    assert sock.recv(copy=False).get("X-name") == "honest"


@pytest.mark.both_engines
def test_limits_of_metadata_can_be_lifted(bound, raw):
    sock = bound(zmq.PULL, metadata_max=0, properties_max=0)
    many = {f"{number:04}": b"" for number in range(7000)}
    raw(sock.last_endpoint).send(greeting(), ready(b"PUSH", **many), message(b"let in"))
    assert sock.recv(copy=False).get("6999") == ""


def test_many_properties_take_little_memory(bound, raw):
    """The properties of a READY take little more memory than the READY itself.

    A dict of str would take twelve times as much.
    """
    sock = bound(zmq.PULL, metadata_max=0, properties_max=0)
    many = {f"{number:05}": b"" for number in range(4600)}
    told = ready(b"PUSH", **many)

    def come():
        raw(sock.last_endpoint).send(greeting(), told, message(b"let in"))
        return sock.recv(copy=False)

    frame = come()
    assert frame.get("04599") == "" and frame.get("Socket-Type") == "PUSH"
    with pytest.raises(zmq.ZMQError, match=os.strerror(errno.EINVAL)):
        frame.get("04600")
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(5):
            come()
        gc.collect()
        kept = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert kept < 5 * 2 * len(told), kept


def test_common_property_values_are_stored_once(bound, raw):
    sock = bound(zmq.PULL)
    told = []
    for _ in range(2):
        raw(sock.last_endpoint).send(greeting(), ready(b"PUSH", b""), message(b"x"))
        told.append(sock.recv(copy=False).get("Socket-Type"))
    assert told[0] == "PUSH" and told[0] is told[1]


@pytest.mark.both_engines
def test_subscriber_with_many_topics_leaves_in_bursts(bound, raw):
    """When a subscriber with many topics leaves, the XPUB still serves its other peers.

    The user receives an unsubscription for each topic, and no peer is disconnected.
    """
    sock = bound(zmq.XPUB, rcvhwm=0)
    topics = [b"%05d" % number for number in range(20_000)]
    large, small = (raw(sock.last_endpoint) for _ in range(2))
    for peer, wanted in ((large, topics), (small, [b"0"])):
        peer.handshake(b"SUB")
        peer.send(*[command(b"SUBSCRIBE", topic) for topic in wanted])
        told = sorted(sock.recv() for _ in wanted)
        assert told == sorted(b"\1" + topic for topic in wanted)
    large.close()
    counts, gone = set(), []
    while len(gone) < len(topics):
        gone.append(sock.recv())
        if sock.get(zmq.TOPICS_COUNT) not in counts:
            counts.add(sock.get(zmq.TOPICS_COUNT))
            sock.send(b"00001 news")
            assert small.read_frame() == (0, b"00001 news")
    assert sorted(gone) == [b"\0" + topic for topic in topics]
    assert sock.get(zmq.TOPICS_COUNT) == 1
    assert len(counts) >= 5
