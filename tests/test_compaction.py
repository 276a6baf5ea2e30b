"""Phase 2 of the performance plan: an incomplete frame is moved in the buffer only if necessary.

Reading restarts at the start of the buffer whenever no bytes are left over. So each step here
leaves the first byte of the next frame behind. Only part of a header can ever be moved.
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
    """Send blocks of frames, each ending after the first byte of the next frame."""

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
    """steps(): the steps of a PULL with the current settings."""

    def steps():
        pull = bound(zmq.PULL)
        peer = raw(pull.last_endpoint)
        peer.handshake(b"PUSH")
        return Steps(pull, peer)

    return steps


def test_compaction_threshold_not_met(steps, phases):
    """There is enough room left: nothing is moved."""
    phases.set(compact_room=20)
    run = steps()
    run.go(10)
    assert phases.of(run.pull, *NAMES) == (0, 0, 10 - 1)


@pytest.mark.parametrize("name, value, due", [
    # This is the first of the 16 steps that fit into the buffer after which less room is left.
    ("compact_room", 50, 8),
    ("compact_room", 25, 12),
    ("compact_consumed", BUFFER * 7 // 8, 15),
], ids=["half", "quarter", "consumed"])  # fmt: skip
def test_compaction_threshold_met(steps, phases, name, value, due):
    """Both thresholds are met: one byte is moved to the start, and counting restarts."""
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
    """Every byte of every message arrives at its place, whether data were moved or not."""
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
    """The plain path moves data before each read that follows an incomplete frame."""
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
