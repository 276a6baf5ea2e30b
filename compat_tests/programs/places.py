"""Places: through which entry point a pyzmq program uses our library, and if it is patched."""

from compat_tests.libraries import OURS, REFERENCE

SWAPPED = "compat_tests.programs.swapped_program"
THREADS = {"ZLINK_ENGINE": "thread"}

#: Maps a place to the command words before the program, and to environment variables.
PLACES = {
    "backend": (["-m", OURS, "--no-patch"], THREADS),
    "backend, patched": (["-m", OURS], {}),
    "swapped": (["-m", SWAPPED], THREADS),
    "swapped, patched": (["-m", SWAPPED, "--patch"], {}),
}

#: Places in which users start a program without patching and without the runner. The engine is
#: chosen automatically.
PLAIN = {
    "backend": ([], {"PYZMQ_BACKEND": f"{OURS}.backend"}),
    "swapped": (["-m", SWAPPED], {}),
}

if OURS == REFERENCE:
    PLACES = PLAIN = {}


def at(place):
    """Return the arguments of ``Program`` for a place of :data:`PLAIN`; None is the runner."""
    if place is None:
        return {}
    start, environment = PLAIN[place]
    return {"start": start, "environment": environment}
