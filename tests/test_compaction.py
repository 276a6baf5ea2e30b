"""Compaction: an incomplete frame is moved to the start of the read buffer only if necessary.

When all bytes of the buffer have been decoded, reading restarts at its start anyway. So each step
of these tests leaves the first byte of the next frame in the buffer. Compaction only ever moves a
part of a header.
"""

import random

import pytest
from rawpeer import frame, message

import zlinkcompat as zmq
from zlinkcompat import debug, tuning

BUFFER = tuning.get("read_buffer")
STEP = BUFFER // 16
NAMES = ("compaction_count", "compaction_bytes", "compaction_skipped_count")


class Steps:
    """Sends frames in blocks, each of which ends after the first byte of the next frame."""

    def __init__(self, pull, peer):
        self.pull = pull
        self.peer = peer
        self.data = frame(b"x" * (STEP - 2 - 7))
        self.begun = b""

    def go(self, count=1):
        for _ in range(count):
            self.peer.send(self.data[len(self.begun) :], self.data[:1])
            self.begun = self.data[:1]
            assert self.pull.recv() == self.data[9:]


@pytest.fixture
def steps(bound, raw, phases):
    """``steps()`` returns the Steps of a PULL that has the current settings, and of its peer."""

    def steps():
        pull = bound(zmq.PULL)
        peer = raw(pull.last_endpoint)
        peer.handshake(b"PUSH")
        return Steps(pull, peer)

    return steps


def test_compaction_threshold_not_met(steps, phases):
    """While the buffer has enough room left, nothing is moved."""
    phases.set(compact_room=20)
    run = steps()
    run.go(10)
    assert phases.of(run.pull, *NAMES) == (0, 0, 10 - 1)


@pytest.mark.parametrize("name, value, due", [
    # 16 steps fit into the buffer. ``due`` is the first step after which the threshold is met.
    ("compact_room", 50, 8),
    ("compact_room", 25, 12),
    ("compact_consumed", BUFFER * 7 // 8, 15),
], ids=["half", "quarter", "consumed"])  # fmt: skip
def test_compaction_threshold_met(steps, phases, name, value, due):
    """Once a threshold is met, one byte is moved to the start, and the buffer fills again."""
    phases.set(**{name: value})
    run = steps()
    run.go(due)
    assert phases.of(run.pull, "compaction_count") == 0
    run.go()
    assert phases.of(run.pull, "compaction_count", "compaction_bytes") == (1, 1)


def test_compaction_counter(steps, phases):
    phases.set(compact_room=50)
    debug.zmq_debug_reset_counters()
    run = steps()
    run.go(8)
    assert debug.zmq_debug_get_compaction_count() == 0
    run.go(4)
    assert debug.zmq_debug_get_compaction_count() == 1
    assert debug.zmq_debug_get_compaction_skipped_count() == phases.of(run.pull, NAMES[2]) == 10
    debug.zmq_debug_reset_counters()
    assert phases.of(run.pull, *NAMES) == (0, 0, 0)


@pytest.mark.parametrize("lazy", [1, 0])
def test_compaction_pointer_consistency(bound, raw, phases, lazy):
    """Every message arrives unchanged, whether data were moved or not."""
    phases.set(lazy_compact=lazy, compact_room=50, compact_consumed=0)
    pull = bound(zmq.PULL, rcvhwm=0)
    peer = raw(pull.last_endpoint)
    peer.handshake(b"PUSH")
    dice = random.Random(7)
    bodies = [
        dice.randbytes(dice.choice((0, 1, 9, 255, 256, 2000, 8191, 8192, 20_000, 140_000)))
        for _ in range(300)
    ]
    data = b"".join(map(message, bodies))
    at = 0
    received = []
    while at < len(data):
        size = dice.choice((1, 100, 3000, 30_000))
        peer.send(data[at : at + size])
        at += size
        while pull.poll(0):
            received.append(pull.recv())
    while len(received) < len(bodies):
        received.append(pull.recv())
    assert received == bodies


@pytest.mark.parametrize("by", ["environment", "option"])
def test_compaction_feature_flag_off(bound, make, raw, phases, by):
    """Without lazy compaction, data are moved before each read that follows an incomplete frame."""
    pull = make(zmq.PULL)
    if by == "environment":
        phases.set(lazy_compact=0)
    else:
        pull.setsockopt(tuning.ASIO_LAZY_COMPACT, 0)
    pull.bind("tcp://127.0.0.1:*")
    peer = raw(pull.last_endpoint)
    peer.handshake(b"PUSH")
    Steps(pull, peer).go(10)
    assert phases.of(pull, *NAMES) == (9, 9, 0)
