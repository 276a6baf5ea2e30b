"""If a program forks while I/O threads log, no lock of a logging handler is held in the child."""

from pathlib import Path

import pytest
from programs import python

PROGRAM = Path(__file__).parent / "processes" / "fork_beside_logging.py"


@pytest.mark.parametrize(
    "package, environment",
    [
        ("zlinkcompat", {}),
        ("zmq", {"PYZMQ_BACKEND": "zlinkcompat.backend"}),
    ],
    ids=["swap", "backend"],
)
def test_process_pool_forks_beside_sockets_that_log(package, environment):
    done = python("-W", "ignore", PROGRAM, package, 20, **environment)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
