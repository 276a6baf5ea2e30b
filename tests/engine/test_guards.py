"""A guard lets only one thread at a time read, write or encrypt."""

import pytest

from zlinkcompat._runtime.compiled import COMPILED
from zlinkcompat._runtime.guard import Guard


@pytest.mark.skipif(COMPILED, reason="only C code can enter a compiled guard")
def test_second_entry_is_turned_away_until_the_first_has_left():
    guard = Guard()
    assert not guard.held
    assert guard.try_enter() and guard.held
    assert not guard.try_enter()
    guard.exit()
    assert not guard.held and guard.try_enter()
