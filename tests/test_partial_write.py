"""A write of which the transport accepts only a part is continued correctly."""

import pytest
from guard import GUARD
from rawpeer import message

import zlinkcompat as zmq

KB = 1024
MB = 1024 * KB


@pytest.fixture(params=[1, 0], ids=["zerocopy", "copied"])
def narrow(request, bound, raw, phases):
    """Return a PUSH and its raw peer, with kernel buffers that are as small as possible."""
    phases.set(zerocopy_write=request.param)
    push = bound(zmq.PUSH, sndbuf=4 * KB, sndhwm=0)
    peer = raw(push.last_endpoint, rcvbuf=4 * KB)
    peer.handshake(b"PULL")
    return push, peer


def pattern(size, seed):
    """Return bytes without repeated sections, so that a comparison detects a misplaced section."""
    return b"".join((seed * 1_000_003 + at).to_bytes(4, "big") for at in range(0, size, 4))[:size]


def test_partial_write_small_buffer(narrow, phases):
    push, peer = narrow
    body = pattern(MB, 1)
    push.send(body)
    assert peer.read_frame() == (0, body)
    assert phases.of(push, "partial_write_count") > 0


def test_partial_write_offset_advance(narrow, phases):
    """A write continues where the last one ended: in a header, between frames or in a body."""
    push, peer = narrow
    sizes = (0, 1, 255, 256, 8191, 8192, 8193, 100_001, 3, 70_000, 300_000, 17)
    messages = [[pattern(size, number)] for number, size in enumerate(sizes * 2)]
    messages += [[pattern(size, 99 - number) for number, size in enumerate(sizes)]]
    for parts in messages:
        push.send_multipart(parts)
    expected = b"".join(message(*parts) for parts in messages)
    steps = (1, 7, 4096, 5000, 9, 65_537)
    taken = b""
    while len(taken) < len(expected):
        step = steps[len(taken) % len(steps)]
        taken += peer.read(min(step, len(expected) - len(taken)))
    assert taken == expected
    assert phases.of(push, "partial_write_count") > 0


def test_partial_write_completion(narrow, phases):
    """A message counts as sent once its last byte is written, and not before."""
    push, peer = narrow
    body = bytearray(pattern(4 * MB, 1))
    tracker = push.send(body, copy=False, track=True)
    push.send(b"behind")
    assert phases.of(push, "messages_out") == 0 and not tracker.done
    assert peer.read_frame() == (0, body)
    assert peer.read_frame() == (0, b"behind")
    tracker.wait(GUARD)
    assert phases.of(push, "messages_out") == 2
    body.append(0)  # would raise BufferError if something still referenced the body


def test_partial_write_multiple_chunks(narrow, phases):
    push, peer = narrow
    body = pattern(8 * MB, 1)
    before = phases.of(push, "write_calls")
    push.send(body)
    assert peer.read_frame() == (0, body)
    assert phases.of(push, "write_calls") - before >= 8
    assert phases.of(push, "messages_out") == 1
