"""Phase 2 of the performance plan: what a read left incomplete is moved only where it has to be.

The read buffer is at its start again whenever nothing is left over. So each step here leaves the
first byte of the next frame behind: less than a header, which is all that can ever be moved.
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
    """Sends a stretch of frames that ends behind the first byte of the next one, and so on."""

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
    """steps(): of a PULL as the settings have it now."""

    def steps():
        pull = bound(zmq.PULL)
        peer = raw(pull.last_endpoint)
        peer.handshake(b"PUSH")
        return Steps(pull, peer)

    return steps


def test_compaction_threshold_not_met(steps, phases):
    """Room enough is left: nothing is moved."""
    phases.set(compact_room=20)
    run = steps()
    run.go(10)
    assert phases.of(run.pull, *NAMES) == (0, 0, 10 - 1)


@pytest.mark.parametrize("name, value, due", [
    # Of the 16 steps that the buffer has room for, the first behind which less than this is left.
    ("compact_room", 50, 8),
    ("compact_room", 25, 12),
    ("compact_consumed", BUFFER * 7 // 8, 15),
], ids=["half", "quarter", "consumed"])  # fmt: skip
def test_compaction_threshold_met(steps, phases, name, value, due):
    """Both thresholds are met: one byte is moved to the start, and counting starts anew."""
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
    """Whatever was moved or not, every byte of every message arrives where it belongs."""
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
    """The plain path: moved before each read that follows something incomplete."""
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
