"""Closing a socket that is registered with a poll has the same result as on libzmq."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from programs import PATIENCE, environment

PROGRAM = Path(__file__).parent / "closed_in_polls.py"


def said(library, backend):
    reading, writing = os.pipe()
    try:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", PROGRAM, library],
            stdin=reading,
            text=True,
            env=environment(PYZMQ_BACKEND=backend),
            capture_output=True,
            timeout=PATIENCE,
        )
    finally:
        os.close(reading)
        os.close(writing)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    "library, backend",
    [
        ("zmq", "zlinkcompat.backend"),
        ("zlinkcompat", None),
    ],
    ids=["backend", "swap"],
)
def test_polls_continue_without_a_closed_socket(library, backend):
    assert said(library, backend) == said("zmq", None)
