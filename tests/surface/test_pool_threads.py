"""In a monkey-patched program, sockets of a native thread work while the thread blocks natively."""

from pathlib import Path

import pytest
from programs import python

PROGRAM = Path(__file__).parent / "processes" / "pool_threads.py"

BACKEND = {"PYZMQ_BACKEND": "zlinkcompat.backend"}


@pytest.mark.parametrize("transport", ["tcp", "ipc", "inproc"])
@pytest.mark.parametrize("thread", ["pool", "native"])
@pytest.mark.parametrize(
    "package, environment",
    [
        ("zlinkcompat", {}),
        ("zlinkcompat.green", {}),
        ("zmq", BACKEND),
        ("zmq.green", BACKEND),
    ],
    ids=["swap", "swap-green", "backend", "backend-green"],
)
def test_messages_are_sent_while_the_thread_is_blocked(package, environment, thread, transport):
    done = python("-W", "ignore", PROGRAM, package, thread, transport, **environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True"] * 3
