"""One cell of the matrix: the result of a run, compared with `expected` and saved as JSON."""

import json
import re
import sys
from collections import Counter

from compat_tests.upstream.expected import BY_CHANCE, LOST_ON_LIBZMQ, not_passing
from compat_tests.upstream.sdist import VERSION

ENGINES = {True: "hub", False: "thread"}  # the key says whether the run is monkey-patched


def judge(result, entry_point, patched):
    """Compare the `Result` of a run with `expected`.

    Returns
    -------
    dict
        The counts ``passed``, ``skipped`` (on libzmq as well) and ``deselected`` (tests that
        `expected` lists and that do not pass). ``failed`` maps tests that should have passed to
        their texts. ``gone`` lists tests that `expected` names although they pass.
    """
    listed = not_passing(entry_point, patched)
    counts = Counter()
    failed = {}
    for test, outcome in result.outcomes.items():
        if outcome == "passed" or (outcome == "skipped" and test in listed):
            counts[outcome] += 1
        elif test in listed or by_chance(entry_point, test, result.texts[test]):
            counts["deselected"] += 1
        else:
            failed[test] = result.texts[test][-500:]
    gone = [test for test in listed if result.outcomes.get(test, "passed") == "passed"]
    return {
        "entry_point": entry_point,
        "engine": ENGINES[patched],
        "pyzmq": VERSION,
        "python": sys.version.split()[0],
        "passed": counts["passed"],
        "skipped": counts["skipped"],
        "deselected": counts["deselected"],
        "failed": failed,
        # The lists in `expected` are for pyzmq 27. Earlier versions lack some of these tests, or
        # check less.
        "gone": gone if VERSION.startswith("27.") else [],
    }


def by_chance(entry_point, test, text):
    """Return whether this is the random failure that `expected` lists for the test."""
    if entry_point == "libzmq" and test.startswith(LOST_ON_LIBZMQ):
        return True
    return test in BY_CHANCE and re.search(BY_CHANCE[test], text) is not None


def keep(cell, folder):
    """Write ``cell`` to a file of its own in ``folder`` (pathlib.Path)."""
    folder.mkdir(parents=True, exist_ok=True)
    name = "{entry_point}-{engine}-{pyzmq}.json".format(**cell)
    (folder / name).write_text(json.dumps(cell, indent=1) + "\n")
