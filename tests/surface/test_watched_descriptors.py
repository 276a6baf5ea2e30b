"""An event loop that watches a socket's descriptor does not spin after the socket has ended."""

from pathlib import Path

import pytest
from programs import python

PROCESSES = Path(__file__).parent / "processes"

#: Maps an entry point to arguments of the program and environment variables.
ENTRY_POINTS = {
    "swap": (("zlinkcompat",), {}),
    "backend": (("zmq",), {"PYZMQ_BACKEND": "zlinkcompat.backend"}),
    "runner": (("zmq",), {}),
}


@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
def test_loop_is_notified_of_the_end_and_then_idle(entry_point):
    arguments, environment = ENTRY_POINTS[entry_point]
    path = PROCESSES / "watched_descriptor.py"
    module = ("-m", "zlinkcompat") if entry_point == "runner" else ()
    done = python(*module, path, *arguments, **environment)
    assert done.returncode == 0, done.stderr
    told = dict(line.split() for line in done.stdout.splitlines())
    # A few notifications are allowed. A loop that spins is notified in each of its iterations, logs
    # each time, and takes all CPU time of the half second.
    assert 0 < int(told["terminated"]) < 10
    assert int(told["closed"]) < 10
    assert int(told["logged"]) < 5
    assert float(told["cpu"]) < 0.2


@pytest.mark.parametrize(
    "patch, engine",
    [(True, None), (False, "hub"), (False, "thread")],
    ids=["patched", "hub", "thread"],
)
def test_descriptor_is_closed_with_its_context(patch, engine, program):
    one = program((PROCESSES / "many_descriptors.py").read_text(), patch=patch, engine=engine)
    assert one.ends() == "0\n"
