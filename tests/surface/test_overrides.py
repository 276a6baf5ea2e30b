"""Methods for whole messages call the program's overridden ``send`` and ``recv``."""

from pathlib import Path

import pytest
from programs import python

PROGRAM = Path(__file__).parent / "overrides.py"


@pytest.mark.parametrize(
    "library, backend",
    [
        ("zmq", "zlinkcompat.backend"),
        ("zlinkcompat", None),
        ("zlinkcompat.green", None),
    ],
    ids=["backend", "swap", "green"],
)
def test_overrides_are_called_as_on_libzmq(library, backend):
    expected = python(PROGRAM, "zmq", PYZMQ_BACKEND=None)
    done = python(PROGRAM, library, PYZMQ_BACKEND=backend)
    assert expected.returncode == 0, expected.stderr
    assert done.returncode == 0, done.stderr
    assert done.stdout == expected.stdout
