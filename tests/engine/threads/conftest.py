"""A program whose contexts have I/O threads."""

import pytest
from threaded import HELPERS


@pytest.fixture
def threaded(program):
    """threaded(source, *args): a program whose contexts have I/O threads."""
    return lambda source, *args: program(HELPERS + source, *args, engine="thread")
