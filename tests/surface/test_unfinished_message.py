"""A message whose peer leaves between its frames is forgotten, by every way to send."""

from pathlib import Path

import pytest
from programs import python

PROGRAM = Path(__file__).with_name("unfinished_message.py")


@pytest.mark.parametrize("way", ["blocking", "green", "asyncio"])
@pytest.mark.parametrize("package", ["zmq", "zlinkcompat"], ids=["backend", "swap"])
def test_next_message_is_whole(package, way):
    backend = "zlinkcompat.backend" if package == "zmq" else None
    done = python(PROGRAM, package, way, PYZMQ_BACKEND=backend)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[b'next', b'message']"] * 6
