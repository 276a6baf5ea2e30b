"""The programs in ``examples/patterns/`` print the same on our engines as on libzmq.

On our engines they run through the swapped import and through pyzmq's backend, each unpatched on
the thread engine and monkey-patched on the hub engine. These four runs and the run on libzmq take
place at the same time.
"""

import contextlib
import pathlib

import pytest

from compat_tests.libraries import OURS, REFERENCE
from compat_tests.programs.places import PLACES
from compat_tests.programs.program import Program

pytestmark = pytest.mark.timeout(150)

PATTERNS = pathlib.Path(__file__).parents[2] / "examples" / "patterns"
PROGRAMS = sorted(path.stem for path in PATTERNS.glob("*.py"))


def test_there_are_at_least_twenty_programs():
    assert len(PROGRAMS) >= 20


@pytest.mark.parametrize("name", PROGRAMS)
def test_output_equals_that_on_libzmq(name):
    path = PATTERNS / f"{name}.py"
    with contextlib.ExitStack() as running:
        reference = running.enter_context(Program(REFERENCE, path, sdist=False))
        ours = {
            place: running.enter_context(
                Program(
                    OURS,
                    path,
                    start=start,
                    # Turn off our warning about pickles from untrusted peers, which libzmq lacks.
                    environment={**environment, "ZLINK_RECV_PYOBJ": "1"},
                    sdist=False,
                )
            )
            for place, (start, environment) in PLACES.items()
        }
        expected = reference.wait(60)
        assert expected
        assert {place: program.wait(60) for place, program in ours.items()} == dict.fromkeys(
            ours, expected
        )
