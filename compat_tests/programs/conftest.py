"""Provide the sdist, and a way to start its programs."""

import contextlib
import pathlib

import pytest

from compat_tests import apart
from compat_tests.programs.places import PLAIN
from compat_tests.programs.program import Program
from compat_tests.upstream import sdist

#: Programs that run unpatched even without ``--all-programs``.
SAMPLE = ("asyncio/coroutines.py", "recv_into_array.py", "echostream")
RUNNER = "runner"


def pytest_generate_tests(metafunc):
    """Parametrize ``entry_point`` and ``place``.

    ``entry_point`` is each place of :data:`PLAIN`. ``place`` is the runner, which monkey-patches,
    and each place of :data:`PLAIN`.
    """
    if "entry_point" in metafunc.fixturenames:
        metafunc.parametrize("entry_point", PLAIN)
    elif "place" in metafunc.fixturenames:
        metafunc.parametrize("place", [None, *PLAIN], ids=[RUNNER, *PLAIN])


def pytest_collection_modifyitems(config, items):
    if config.getoption("--all-programs"):
        return
    left_out = {
        item
        for item in items
        if {"entry_point", "place"} & set(getattr(item, "fixturenames", ()))
        and RUNNER not in item.name
        and not any(name in item.name for name in SAMPLE)
    }
    if left_out:
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def source():
    sdist.extras()
    return sdist.source()


@pytest.fixture
def start(source):
    """``start(library, "examples/x.py", *args)`` starts a program of the sdist.

    A name without a folder is a program of this folder. The programs of a test run in a network of
    their own, since their ports are fixed.
    """
    with apart.network() as inside, contextlib.ExitStack() as programs:

        def start_one(library, name, *args, **how):
            folder = source if "/" in name else pathlib.Path(__file__).parent
            return programs.enter_context(
                Program(library, folder / name, *args, inside=inside, **how)
            )

        yield start_one
