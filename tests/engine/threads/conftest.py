"""A fixture that runs programs on the thread engine."""

import pytest
from threaded import HELPERS


@pytest.fixture
def threaded(program):
    """``threaded(source, *args)`` runs a program on the thread engine."""
    return lambda source, *args: program(HELPERS + source, *args, engine="thread")
