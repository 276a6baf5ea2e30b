"""Where a program for pyzmq runs on our library: through which entry point, and patched or not."""

from compat_tests.libraries import OURS, REFERENCE

SWAPPED = "compat_tests.programs.swapped_program"
THREADS = {"ZLINK_ENGINE": "thread"}

#: The command words before the program, and the environment.
PLACES = {
    "backend": (["-m", OURS, "--no-patch"], THREADS),
    "backend, patched": (["-m", OURS], {}),
    "swapped": (["-m", SWAPPED], THREADS),
    "swapped, patched": (["-m", SWAPPED, "--patch"], {}),
}

#: How users start a program without patching: the engine is chosen automatically, without a runner.
PLAIN = {
    "backend": ([], {"PYZMQ_BACKEND": f"{OURS}.backend"}),
    "swapped": (["-m", SWAPPED], {}),
}

if OURS == REFERENCE:
    PLACES = PLAIN = {}


def at(place):
    """Return the arguments of ``Program`` for a place of :data:`PLAIN`, or of the runner (None)."""
    if place is None:
        return {}
    start, environment = PLAIN[place]
    return {"start": start, "environment": environment}
