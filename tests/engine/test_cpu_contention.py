"""A receiver does not poll while other programs want the CPU.

Otherwise it would lose the CPU just when its message arrives.
"""

import os
import subprocess
import sys

import pytest

import zlinkcompat as zmq
from zlinkcompat.engine.contention import (
    FIRST_PAUSE,
    GAP,
    LONGEST_PAUSE,
    PROMPT,
    PROMPT_LIMIT,
    CpuContention,
)
from zlinkcompat.tuning import Tuning

FEW = 2  # reads of a wait without polling, see test_busy_polling.py
BUSY = "import os, sys; os.sched_setaffinity(0, {int(sys.argv[1])})\nwhile True: pass"
ADAPTIVE, CHOSEN, OFF = (Tuning({"busy_poll": each}) for each in (-1, 200, 0))
START = 10**12


class Switched(CpuContention):
    """The kernel reports that it has taken the CPU away."""

    def was_switched(self):
        return True


class Undisturbed(CpuContention):
    def was_switched(self):
        return False


def test_losing_the_cpu_pauses_adaptive_polling_only():
    cpu = Switched()
    assert cpu.poll_time(ADAPTIVE, START) == 150_000
    assert cpu.check_gap(START, START + GAP)
    lost = START + GAP
    assert cpu.poll_time(ADAPTIVE, lost) == cpu.poll_time(ADAPTIVE, lost + FIRST_PAUSE - 1) == 0
    assert cpu.poll_time(ADAPTIVE, lost + FIRST_PAUSE) == 150_000
    assert cpu.poll_time(CHOSEN, lost) == 200_000 and cpu.poll_time(OFF, lost) == 0


def test_slow_read_does_not_count_as_a_lost_cpu():
    assert not Switched().check_gap(START, START + GAP - 1)
    cpu = Undisturbed()
    assert not cpu.check_gap(START, START + 10 * GAP)
    assert cpu.poll_time(ADAPTIVE, START) == 150_000


def test_pauses_grow_while_the_cpu_is_lost_and_reset_later():
    cpu = Switched()
    now = START
    pauses = []
    for _ in range(10):
        assert cpu.check_gap(now, now + GAP)
        pauses.append(cpu.paused_until - now - GAP)
        now = cpu.paused_until
    assert pauses[:3] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert pauses[-1] == LONGEST_PAUSE and pauses == sorted(pauses)
    later = now + 5 * LONGEST_PAUSE
    assert cpu.check_gap(later, later + GAP)
    assert cpu.paused_until == later + GAP + FIRST_PAUSE


def test_messages_arriving_just_after_polling_pause_it():
    cpu = CpuContention()
    now = START
    for _ in range(PROMPT_LIMIT):
        assert cpu.poll_time(ADAPTIVE, now) == 150_000
        cpu.note_sleep(now, now + PROMPT - 1)
    assert cpu.poll_time(ADAPTIVE, now) == 0
    assert cpu.paused_until == now + PROMPT - 1 + FIRST_PAUSE


def test_late_message_resets_the_count():
    cpu = CpuContention()
    for _ in range(PROMPT_LIMIT):
        for _ in range(PROMPT_LIMIT - 1):
            cpu.note_sleep(START, START + PROMPT - 1)
        cpu.note_sleep(START, START + PROMPT)
    assert cpu.poll_time(ADAPTIVE, START) == 150_000 and cpu.paused_until == 0


@pytest.mark.hub
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs CPU affinity")
def test_receiver_stops_polling_beside_busy_processes(program):
    """Busy processes outside the child run on the CPU that it is bound to."""
    cpu = min(os.sched_getaffinity(0))
    receiver = program(
        """
        os.environ.update(ZMQ_DEBUG_COUNTERS="1")
        os.sched_setaffinity(0, {int(sys.argv[1])})
        from zlinkcompat import debug
        from zlinkcompat._runtime.clock import monotonic_ns
        from zlinkcompat.engine.contention import contention
        context = zmq.Context()
        pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
        pull.bind("tcp://127.0.0.1:*")
        push.connect(pull.last_endpoint)

        def reads(milliseconds):
            push.send(b"")
            pull.rcvtimeo = -1
            pull.recv()
            gevent.sleep(0)
            pull.rcvtimeo = milliseconds
            before = debug.counters(pull)["read_calls"]
            try:
                pull.recv()
            except zmq.Again:
                return debug.counters(pull)["read_calls"] - before

        while contention.paused_until < monotonic_ns():
            reads(1)
        say("paused")
        # A pause may end meanwhile: the fewest reads of a wait are those within one.
        say(min(reads(5) for _ in range(20)))
        context.destroy(0)
    """,
        cpu,
        engine="hub",
    )
    busy = [subprocess.Popen([sys.executable, "-c", BUSY, str(cpu)]) for _ in range(3)]
    try:
        assert receiver.line() == "paused"
        assert int(receiver.line()) <= FEW
    finally:
        for each in busy:
            each.kill()
            each.wait()
    receiver.ends()


def test_busy_poll_option_disables_adaptive_polling(make):
    socket = make(zmq.PULL)
    assert socket.core.options.tuning.adaptive_poll
    socket.setsockopt(zmq.BUSY_POLL if hasattr(zmq, "BUSY_POLL") else 113, 50)
    assert not socket.core.options.tuning.adaptive_poll
