"""Peers and addresses for the interop tests."""

import subprocess
import tempfile

import pytest

from compat_tests.interop.driver import PeerProcess, python_of
from compat_tests.libraries import REFERENCE

VERSIONS = "import sys, zmq; print(zmq.__version__, zmq.zmq_version(), sys.version.split()[0])"


def pytest_report_header():
    python = [python_of(REFERENCE), "-c", VERSIONS]
    said = subprocess.run(python, check=True, capture_output=True, text=True).stdout.split()
    return "interop: peers of pyzmq {}, libzmq {}, Python {}".format(*said)


@pytest.fixture(scope="session")
def peer_processes():
    processes = {}
    yield processes
    for process in processes.values():
        process.stop()


@pytest.fixture
def peer(peer_processes):
    """``peer(side, library)`` returns the long-lived process for one end.

    Its socket is closed at the end of the test.
    """
    used = []

    def get(side, library):
        process = peer_processes.setdefault((side, library), PeerProcess(library))
        used.append(process)
        return process

    yield get
    for process in used:
        process.run("close")


@pytest.fixture
def address():
    """``address(transport)`` returns an address to bind to. The path of ipc has to be short."""
    with tempfile.TemporaryDirectory(prefix="zlc-") as folder:
        yield {"tcp": "tcp://127.0.0.1:*", "ipc": f"ipc://{folder}/s"}.__getitem__
