"""With ZLINK_STALL_WARNING, a loop that stands still is reported with the stack that blocks it."""

from pathlib import Path

import pytest
from programs import python

from zlinkcompat.engine import loop_poller

PROGRAM = Path(__file__).parent / "processes" / "standing_still.py"


def warnings(*case, **environment):
    """Return how many warnings the program logs, and their text."""
    done = python(PROGRAM, *case, **environment)
    assert done.returncode == 0, done.stderr
    count, _, text = done.stdout.partition("\n")
    return int(count), text


def test_hub_that_stands_still_is_reported_with_its_stack():
    count, text = warnings("hub", ZLINK_ENGINE="hub", ZLINK_STALL_WARNING="100")
    assert count == 1
    assert "the hub of thread" in text and "in compute_for_too_long" in text


def test_io_thread_that_stands_still_is_reported_with_its_stack():
    count, text = warnings("I/O thread", ZLINK_ENGINE="thread", ZLINK_STALL_WARNING="100")
    assert count == 1
    assert "the loop of the I/O thread of thread" in text and "in compute_for_too_long" in text


@pytest.mark.skipif(not loop_poller.AVAILABLE, reason="needs the compiled build and epoll")
def test_asyncio_loop_that_stands_still_is_reported_with_its_stack():
    count, text = warnings("asyncio", "30", ZLINK_ENGINE="auto", ZLINK_STALL_WARNING="300")
    assert count == 1
    assert "the asyncio loop of thread" in text and "in compute_for_too_long" in text


@pytest.mark.skipif(not loop_poller.AVAILABLE, reason="needs the compiled build and epoll")
@pytest.mark.parametrize("limit", ["0", "5000"])
def test_asyncio_loop_that_soon_goes_on_is_not_reported(limit):
    found = warnings("asyncio", "0.5", ZLINK_ENGINE="auto", ZLINK_STALL_WARNING=limit)
    assert found == (0, "")


@pytest.mark.parametrize("engine", ["hub", "thread"])
def test_loop_that_waits_for_messages_is_not_reported(engine):
    count, text = warnings("none", ZLINK_ENGINE=engine, ZLINK_STALL_WARNING="200")
    assert (count, text) == (0, "")


def test_hub_is_watched_only_if_the_program_asks():
    assert warnings("threads", ZLINK_ENGINE="hub") == (1, "")
    assert warnings("threads", ZLINK_ENGINE="hub", ZLINK_STALL_WARNING="1000") == (2, "")
