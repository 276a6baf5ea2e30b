"""Where a program for pyzmq runs on our library: through which entry point, patched or not."""

from compat_tests.libraries import OURS, REFERENCE

SWAPPED = "compat_tests.programs.swapped_program"
THREADS = {"ZLINK_ENGINE": "thread"}

#: What stands before the program, and the environment.
PLACES = {
    "backend": (["-m", OURS, "--no-patch"], THREADS),
    "backend, patched": (["-m", OURS], {}),
    "swapped": (["-m", SWAPPED], THREADS),
    "swapped, patched": (["-m", SWAPPED, "--patch"], {}),
}

#: As users start them who patch nothing: the engine chooses itself, and there is no runner.
PLAIN = {
    "backend": ([], {"PYZMQ_BACKEND": f"{OURS}.backend"}),
    "swapped": (["-m", SWAPPED], {}),
}

if OURS == REFERENCE:
    PLACES = PLAIN = {}


def at(place):
    """Arguments of ``Program`` for a place of :data:`PLAIN`, or None: the runner, patched."""
    if place is None:
        return {}
    start, environment = PLAIN[place]
    return {"start": start, "environment": environment}
