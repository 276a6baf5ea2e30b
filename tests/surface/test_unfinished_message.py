"""If a peer leaves between the frames of a message, every form of send drops that message."""

from pathlib import Path

import pytest
from programs import python

PROGRAM = Path(__file__).with_name("unfinished_message.py")


@pytest.mark.parametrize("way", ["blocking", "green", "asyncio"])
@pytest.mark.parametrize("package", ["zmq", "zlinkcompat"], ids=["backend", "swap"])
def test_message_after_an_unfinished_one_is_whole(package, way):
    backend = "zlinkcompat.backend" if package == "zmq" else None
    done = python(PROGRAM, package, way, PYZMQ_BACKEND=backend)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[b'next', b'message']"] * 6
