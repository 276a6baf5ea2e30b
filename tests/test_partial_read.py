"""A read may end at any byte of a message."""

import pytest
from rawpeer import frame, message

import zlinkcompat as zmq

KB = 1024
MB = 1024 * KB


@pytest.fixture(params=[1, 0], ids=["lazy", "plain"])
def incoming(request, bound, raw, phases):
    """Return a PULL and its raw peer."""
    phases.set(lazy_compact=request.param)
    pull = bound(zmq.PULL, rcvhwm=0)
    peer = raw(pull.last_endpoint)
    peer.handshake(b"PUSH")
    return pull, peer


def test_partial_read_fragment(incoming, phases):
    """Whole messages are delivered, and an incomplete message waits for its remaining bytes."""
    pull, peer = incoming
    data = message(b"first" * 100) + message(b"second" * 100)
    peer.send(data[:-1])
    assert pull.recv() == b"first" * 100
    assert not pull.poll(20)
    peer.send(data[-1:])
    assert pull.recv() == b"second" * 100
    assert phases.of(pull, "messages_in") == 2


@pytest.mark.parametrize("size", [0, 1, 255, 256, 300, 9000])
def test_partial_read_decoder_contiguity(incoming, size):
    """A frame split at any byte of its header, or near its ends, arrives in one piece."""
    pull, peer = incoming
    body = bytes(range(256)) * 40
    data = frame(body[:size])
    cuts = {*range(1, min(len(data), 12)), len(data) - 1, len(data) // 2} - {0, len(data)}
    for cut in sorted(cuts):
        peer.send(message(b"before"), data[:cut])
        assert pull.recv() == b"before"  # the first part was read together with this message
        peer.send(data[cut:], message(b"behind"))
        assert [pull.recv(), pull.recv()] == [body[:size], b"behind"]


@pytest.mark.parametrize("size", [128 * KB, 128 * KB + 1, 3 * MB])
def test_partial_read_large_message(incoming, phases, size):
    """A message larger than the read buffer is read into its own object, wherever reads end."""
    pull, peer = incoming
    body = bytes(range(251)) * (size // 251 + 1)
    data = message(b"x", body[:size], b"y") * 2
    before = phases.of(pull, "compaction_bytes")
    for at in range(0, len(data), 300_007):
        peer.send(data[at : at + 300_007])
        pull.poll(0)
    for _ in range(2):
        assert pull.recv_multipart() == [b"x", body[:size], b"y"]
    # The body itself is never moved in the buffer.
    assert phases.of(pull, "compaction_bytes") - before < 128 * KB


def test_partial_read_multiple_messages(incoming, phases):
    """One read may bring many messages."""
    pull, peer = incoming
    before = phases.of(pull, "read_calls", "messages_in")
    bodies = [b"%d" % number for number in range(1000)]
    peer.send(*map(message, bodies))
    assert [pull.recv() for _ in bodies] == bodies
    reads, messages = (
        new - old
        for new, old in zip(phases.of(pull, "read_calls", "messages_in"), before, strict=True)
    )
    assert messages == 1000 and reads < 100
