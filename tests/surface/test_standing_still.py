"""With ZLINK_STALL_WARNING, a hub that stands still is reported with the stack that blocks it."""

from pathlib import Path

import pytest
from programs import python

PROGRAM = Path(__file__).parent / "processes" / "standing_still.py"


def warnings(case, **environment):
    """Return how many warnings the program logs in this case, and their text."""
    done = python(PROGRAM, case, **environment)
    assert done.returncode == 0, done.stderr
    count, _, text = done.stdout.partition("\n")
    return int(count), text


def test_hub_that_stands_still_is_reported_with_its_stack():
    count, text = warnings("computes", ZLINK_ENGINE="hub", ZLINK_STALL_WARNING="100")
    assert count == 1
    assert "the hub of thread" in text and "in compute_for_too_long" in text


@pytest.mark.parametrize("engine", ["hub", "thread"])
def test_loop_that_waits_for_messages_is_not_reported(engine):
    count, text = warnings("waits", ZLINK_ENGINE=engine, ZLINK_STALL_WARNING="200")
    assert (count, text) == (0, "")
