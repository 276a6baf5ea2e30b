"""Run a scenario on each library and compare the results."""

import tempfile

import pytest

from compat_tests.differential.sockets import Bench
from compat_tests.libraries import OURS, REFERENCE, load


@pytest.fixture
def both():
    """``both(scenario)`` runs ``scenario(bench)`` on both libraries.

    Both results must be equal; it returns this result.
    """

    def run(scenario):
        reference, ours = (_run(scenario, load(name)) for name in (REFERENCE, OURS))
        assert ours == reference
        return reference

    return run


def _run(scenario, zmq):
    with tempfile.TemporaryDirectory(prefix="zlc-") as folder:
        bench = Bench(zmq, folder)
        try:
            return scenario(bench)
        finally:
            bench.close()


#: ``test_every_outcome.py`` stores here the summary that is printed at the end of the run.
TOLD = pytest.StashKey[str]()


def pytest_terminal_summary(terminalreporter, config):
    if TOLD in config.stash:
        terminalreporter.write_line(config.stash[TOLD])
