"""A receiver does not busy-poll if that delays its peer, with which it may share a CPU."""

import os

import pytest

import zlinkcompat as zmq
from zlinkcompat._runtime.compiled import COMPILED
from zlinkcompat.engine.contention import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    PROMPT,
    PROMPT_LIMIT,
    CpuContention,
)
from zlinkcompat.tuning import Tuning

FEW = 2  # at most the reads of a wait without polling, see test_busy_polling.py
ADAPTIVE, CHOSEN, OFF = (Tuning({"busy_poll": each}) for each in (-1, 200, 0))
START = 10**12


def test_messages_arriving_just_after_polling_pause_it():
    cpu = CpuContention()
    for _ in range(PROMPT_LIMIT):
        assert cpu.poll_time(ADAPTIVE, START) == 150_000
        cpu.note_sleep(START, START + PROMPT - 1)
    paused = START + PROMPT - 1
    assert cpu.poll_time(ADAPTIVE, paused) == cpu.poll_time(ADAPTIVE, paused + FIRST_PAUSE - 1) == 0
    assert cpu.poll_time(ADAPTIVE, paused + FIRST_PAUSE) == 150_000
    # A value that the user chose always applies.
    assert cpu.poll_time(CHOSEN, paused) == 200_000 and cpu.poll_time(OFF, paused) == 0


def test_late_message_resets_the_count():
    cpu = CpuContention()
    for _ in range(PROMPT_LIMIT):
        for _ in range(PROMPT_LIMIT - 1):
            cpu.note_sleep(START, START + PROMPT - 1)
        cpu.note_sleep(START, START + PROMPT)
    assert cpu.poll_time(ADAPTIVE, START) == 150_000 and cpu.paused_until == 0


def test_pauses_grow_and_reset_later():
    cpu = CpuContention()
    now = START
    pauses = []
    for _ in range(10):
        cpu.pause_polling(now)
        pauses.append(cpu.paused_until - now)
        now = cpu.paused_until
    assert pauses[:3] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert pauses[-1] == LONGEST_PAUSE and pauses == sorted(pauses)
    later = now + 5 * LONGEST_PAUSE
    cpu.pause_polling(later)
    assert cpu.paused_until == later + FIRST_PAUSE


ENDS = """
        os.environ.update(ZMQ_DEBUG_COUNTERS="1")
        os.sched_setaffinity(0, {int(sys.argv[1])})
        from zlinkcompat import debug
        from zlinkcompat._runtime.clock import monotonic_ns
        from zlinkcompat.engine.contention import contention
        context = zmq.Context()
"""


@pytest.mark.hub
@pytest.mark.skipif(not COMPILED, reason="on the pure build the peer answers later than PROMPT")
@pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"),
    reason="needs sched_setaffinity, to put both ends on one CPU",
)
def test_two_ends_on_one_cpu_stop_polling(program):
    cpu = min(os.sched_getaffinity(0))
    server = program(
        ENDS
        + """
        rep = context.socket(zmq.REP)
        rep.bind("tcp://127.0.0.1:*")
        say(rep.last_endpoint.decode())
        while (request := rep.recv()) != b"end":
            rep.send(request)
        context.destroy(0)
    """,
        cpu,
        engine="hub",
    )
    client = program(
        ENDS
        + """
        req = context.socket(zmq.REQ)
        req.connect(sys.argv[2])
        while contention.paused_until < monotonic_ns():
            req.send(b"")
            req.recv()
        say("paused")
        # A pause of polling may end during a wait. The wait with the fewest reads lies within one.
        reads = []
        for _ in range(20):
            before = debug.counters(req)["read_calls"]
            req.send(b"")
            req.recv()
            reads.append(debug.counters(req)["read_calls"] - before)
        say(min(reads))
        req.send(b"end")
        context.destroy(1000)
    """,
        cpu,
        server.line(),
        engine="hub",
    )
    assert client.line() == "paused"
    assert int(client.line()) <= FEW
    client.ends()
    server.ends()


def test_busy_poll_option_disables_adaptive_polling(make):
    socket = make(zmq.PULL)
    assert socket.core.options.tuning.adaptive_poll
    socket.setsockopt(zmq.BUSY_POLL if hasattr(zmq, "BUSY_POLL") else 113, 50)
    assert not socket.core.options.tuning.adaptive_poll
