"""Records that a peer can cause repeatedly are logged once per interval, with their number."""

import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from guard import GUARD

from zlinkcompat._runtime import log_limiter
from zlinkcompat._runtime.late_calls import LateCalls
from zlinkcompat._runtime.log_limiter import LogLimiter
from zlinkcompat._runtime.log_queue import DEBUG, Log

PROGRAM = Path(__file__).parent / "programs" / "log_summaries.py"
LOG = Log("zlinkcompat.tests")

#: Seconds within which a program that waits for nothing has to end. It took 1.2 s at most.
EXIT_PATIENCE = 50


@pytest.fixture
def clock(monkeypatch):
    """Replace the limiter's clock and timers.

    A test sets ``clock.now``, in seconds. ``clock.calls`` lists the calls that are due later, as
    (seconds, function).
    """

    class Clock:
        now = 1000.0
        calls = []

    Clock.calls = []
    monkeypatch.setattr(log_limiter, "monotonic_ns", lambda: int(Clock.now * 1e9))
    monkeypatch.setattr(log_limiter.log_queue, "call_later", lambda *call: Clock.calls.append(call))
    return Clock


@pytest.fixture
def written(monkeypatch):
    """Return the list of the records that have been logged so far, as (level, text)."""
    found = []
    monkeypatch.setattr(
        Log,
        "log",
        lambda self, level, text, *args: found.append((logging.getLevelName(level), text % args)),
    )
    monkeypatch.setattr(Log, "is_enabled_for", lambda self, level: True)
    return found


def test_first_record_is_written_and_later_ones_are_counted(clock):
    limiter = LogLimiter(60)
    assert limiter.admit("a", 1) == ""
    for _ in range(7):
        assert limiter.admit("a", 1) is None
    clock.now += 61
    assert limiter.admit("a", 1) == " (7 more in the last 61 s)"
    clock.now += 61
    assert limiter.admit("a", 1) == ""


def test_limiter_counts_each_kind_separately(clock):
    limiter = LogLimiter(60)
    assert limiter.admit("a") == limiter.admit("b") == ""


def test_number_of_kinds_is_limited(clock):
    limiter = LogLimiter(60)
    for number in range(10 * log_limiter.KINDS):
        clock.now += 1e-3
        assert limiter.admit(number) == ""
    assert len(limiter.kinds) == log_limiter.KINDS


def test_summary_is_written_when_the_interval_is_over(clock, written):
    limiter = LogLimiter(60)
    for number in range(4):
        limiter.warn(LOG, ("refused",), "peer %d: refused", number, otherwise=DEBUG)
        clock.now += 10
    ((seconds, summarize),) = clock.calls  # one call for all three
    assert seconds == 50
    assert written.pop(0) == ("WARNING", "peer 0: refused")
    assert written == [("DEBUG", f"peer {number}: refused") for number in (1, 2, 3)]
    written.clear()
    clock.now = 1060.0
    summarize()
    assert written == [("WARNING", "peer 1: refused (3 more in the last 60 s)")]


def test_no_summary_if_nothing_was_suppressed(clock, written):
    limiter = LogLimiter(60)
    limiter.warn(LOG, ("refused",), "refused")
    assert clock.calls == [] and len(written) == 1


def test_no_summary_of_what_a_later_record_has_counted(clock, written):
    limiter = LogLimiter(60)
    limiter.warn(LOG, ("a",), "a")
    limiter.warn(LOG, ("a",), "a")
    clock.now += 61
    limiter.warn(LOG, ("a",), "a")
    ((_, summarize),) = clock.calls
    summarize()
    assert [text for _, text in written] == ["a", "a (1 more in the last 61 s)"]


def test_summaries_of_two_kinds_come_at_their_own_times(clock, written):
    limiter = LogLimiter(60)
    for name in "ab":
        limiter.warn(LOG, (name,), name)
        limiter.warn(LOG, (name,), name)
        clock.now += 20
    (call,) = clock.calls
    written.clear()
    clock.now = 1060.0
    call[1]()
    assert [text for _, text in written] == ["a (1 more in the last 60 s)"]
    seconds, again = clock.calls[1]
    assert seconds == 20
    clock.now += seconds
    again()
    assert [text for _, text in written[1:]] == ["b (1 more in the last 60 s)"]


def test_forked_child_writes_no_summary_of_its_parent(clock, written, monkeypatch):
    limiter = LogLimiter(60)
    limiter.warn(LOG, ("a",), "a")
    limiter.warn(LOG, ("a",), "a")
    ((_, summarize),) = clock.calls
    written.clear()
    clock.now += 60
    monkeypatch.setattr(os, "getpid", lambda: -1)
    summarize()
    assert written == []


# -- late calls ----------------------------------------------------------------------------


def test_late_calls_come_in_the_order_of_their_times():
    calls, found, done = LateCalls(), [], threading.Event()

    def last():
        found.append("last")
        done.set()

    calls.add(0.3, last)
    calls.add(0.1, lambda: found.append("second"))
    calls.add(0.0, lambda: found.append("first"))
    assert done.wait(GUARD)
    assert found == ["first", "second", "last"]


def test_thread_of_late_calls_ends_and_starts_again():
    calls = LateCalls()
    for _ in range(3):
        done = threading.Event()
        calls.add(0, done.set)
        assert done.wait(GUARD)


# -- programs ------------------------------------------------------------------------------


def run(engine, what, patience=100):
    """Run ``log_summaries.py``; return the lines that it prints."""
    environment = {**os.environ, "ZLINK_ENGINE": engine, "PYTHONPATH": str(PROGRAM.parents[3])}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", PROGRAM, engine, what],
        env=environment,
        capture_output=True,
        text=True,
        timeout=patience,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


engines = pytest.mark.parametrize("engine", ["hub", "thread"])


@engines
def test_summary_comes_without_a_further_record(engine):
    first, summary = run(engine, "wait")
    assert summary.startswith(first + " (3 more in the last ")


@engines
def test_waiting_summary_does_not_keep_the_process_alive(engine):
    """A process ends although a summary is still due.

    The summary would be due after INTERVAL, which is longer than the test waits for the end.
    """
    assert log_limiter.INTERVAL > EXIT_PATIENCE
    (first,) = run(engine, "exit", EXIT_PATIENCE)
    assert "handshake failed" in first


@engines
def test_summary_after_a_fork_is_only_the_parents(engine):
    _, summary, child = run(engine, "fork")
    assert "3 more in the last" in summary and child == "child: 0"
