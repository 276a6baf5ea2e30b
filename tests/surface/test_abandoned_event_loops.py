"""An event loop that ends while a coroutine waits in an unclosed socket leaves nothing behind."""

from pathlib import Path

import pytest
from programs import python

PROGRAM = Path(__file__).parent / "processes" / "abandoned_event_loops.py"

ENTRY_POINTS = {
    "swap": ("zlinkcompat", {}),
    "backend": ("zmq", {"PYZMQ_BACKEND": "zlinkcompat.backend"}),
}


@pytest.mark.parametrize("wait", ["recv", "poll", "poller"])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("entry_point", ENTRY_POINTS)
def test_sockets_and_threads_end_with_their_loop(entry_point, loop, wait):
    pytest.importorskip(loop)
    package, environment = ENTRY_POINTS[entry_point]
    done = python(PROGRAM, package, loop, wait, **environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["kept True", "left nothing"]
