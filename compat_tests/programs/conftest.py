"""The sdist, and a way to start its programs."""

import contextlib
import pathlib

import pytest

from compat_tests.programs.program import Program
from compat_tests.upstream import apart, sdist


@pytest.fixture(scope="session")
def source():
    sdist.extras()
    return sdist.source()


@pytest.fixture
def start(source):
    """``start(library, "examples/x.py", *args)``; a bare name is a program of this folder.

    Those of a test have a network of their own, since their ports are fixed.
    """
    with apart.network() as inside, contextlib.ExitStack() as programs:

        def start_one(library, name, *args):
            folder = source if "/" in name else pathlib.Path(__file__).parent
            return programs.enter_context(Program(library, folder / name, *args, inside=inside))

        yield start_one
