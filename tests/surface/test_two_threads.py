"""If two native threads use a socket at the same time, one warning shows both stacks."""

import gc
import sys
import threading
from pathlib import Path

import pytest
from programs import python

from zlinkcompat._runtime import stacks

PROGRAM = Path(__file__).parent / "processes" / "two_threads.py"


def warnings(case, engine="thread"):
    """Return how many warnings the program logs in this case, and their text."""
    done = python(PROGRAM, case, ZLINK_ENGINE=engine)
    assert done.returncode == 0, done.stderr
    count, _, text = done.stdout.partition("\n")
    return int(count), text


@pytest.mark.parametrize(
    "case, waits, calls",
    [
        ("send beside recv", "in wait_for_a_message", "in send_beside"),
        ("send beside poll", "in poll_for_a_message", "in send_beside"),
        ("close beside recv", "in receive", "in close_beside"),
    ],
)
def test_use_by_two_threads_is_reported_once_with_stacks(case, waits, calls):
    count, text = warnings(case)
    assert count == 1
    assert text.startswith("zlinkcompat.core socket 0x")
    head, waiting, calling = text.split("\nThread ")
    assert "A socket belongs to one thread at a time" in head
    assert "waits here:" in waiting and waits in waiting and PROGRAM.name in waiting
    assert "calls here:" in calling and calls in calling and PROGRAM.name in calling


def test_many_threads_are_reported_once_per_socket():
    count, text = warnings("many")
    assert count == 2
    assert "(PULL)" in text and "(PUSH)" in text


@pytest.mark.parametrize("case", ["hand on", "guard", "terminate"])
def test_allowed_use_is_not_reported(case):
    assert warnings(case) == (0, "")


@pytest.mark.parametrize("engine", ["hub", "thread"])
def test_greenlets_that_share_a_socket_are_not_reported(engine):
    code = (
        "from gevent import monkey; monkey.patch_all(); import runpy, sys; sys.argv = "
        f"[{str(PROGRAM)!r}, 'many']; runpy.run_path({str(PROGRAM)!r})"
    )
    done = python("-c", code, ZLINK_ENGINE=engine)
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr


def test_report_does_not_let_other_threads_run_while_it_reads_their_frames(monkeypatch):
    """No garbage collection runs while a report reads the frames of other threads.

    A collection may release the GIL, and this once led to a deadlock.
    """
    seen = []
    frames = sys._current_frames

    def current_frames():
        seen.append(gc.isenabled())
        return frames()

    monkeypatch.setattr(sys, "_current_frames", current_frames)
    stack = stacks.stack_of(threading.get_ident())
    assert seen == [False] and gc.isenabled()
    assert __file__ in [file for file, _, _ in stack]
    assert stack[-1][2] in ("stack_of", "current_frames")
    gc.disable()
    try:
        stacks.stack_of(threading.get_ident())
        assert not gc.isenabled()
    finally:
        gc.enable()
    assert stacks.stack_of(0) == []
