"""The sdist, and a way to start its programs."""

import contextlib
import pathlib

import pytest

from compat_tests.programs.program import Program
from compat_tests.upstream import sdist


@pytest.fixture(scope="session")
def source():
    sdist.extras()
    return sdist.source()


@pytest.fixture
def start(source):
    """``start(library, "examples/x.py", *args)``; a bare name is a program of this folder."""
    with contextlib.ExitStack() as programs:

        def start_one(library, name, *args):
            folder = source if "/" in name else pathlib.Path(__file__).parent
            return programs.enter_context(Program(library, folder / name, *args))

        yield start_one
