"""Run ``scan.py`` on each library, in a process of its own, and compare all outcomes."""

import collections
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

from compat_tests.differential.conftest import TOLD
from compat_tests.differential.known import KNOWN
from compat_tests.libraries import OURS, REFERENCE

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
PARTS = ("option", "has", "context", "endpoint", "state", "multipart", "hwm", "end", "monitor")
LIMIT = 300  # seconds
LEAST = 1500

#: The first test waits for both processes.
pytestmark = pytest.mark.timeout(LIMIT + 60)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """Return two dicts that map paths to outcomes: libzmq's and ours."""
    paths = filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH")])
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(paths))
    # libzmq creates ipc://* files in TMPDIR or, without this variable, in the current folder.
    environment.pop("TMPDIR", None)
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "compat_tests.differential.scan", library],
            env=environment,
            cwd=tmp_path_factory.mktemp(library),
            stdout=subprocess.PIPE,
            text=True,
        )
        for library in (REFERENCE, OURS)
    ]
    try:
        said = [process.communicate(timeout=LIMIT)[0] for process in running]
    finally:
        for process in running:
            process.kill()
            process.wait()
    assert [process.returncode for process in running] == [0, 0]
    return [json.loads(text) for text in said]


def known(path):
    return next((row for row in KNOWN if re.match(row[0], path)), None)


@pytest.mark.parametrize("part", PARTS)
def test_outcomes_are_equal_except_known_differences(outcomes, part):
    reference, ours = (
        {
            path: outcome
            for path, outcome in each.items()
            if path.startswith(f"{part}/") and not known(path)
        }
        for each in outcomes
    )
    assert reference
    different = [
        (path, reference.get(path), ours.get(path))
        for path in sorted({*reference, *ours})
        if reference.get(path) != ours.get(path)
    ]
    assert different == []


def test_scan_covers_enough_and_few_outcomes_differ(outcomes, request):
    reference, ours = outcomes
    differing = collections.Counter(
        known(path) for path in reference if reference[path] != ours.get(path)
    )
    unknown = differing.pop(None, 0)
    parts = collections.Counter(path.partition("/")[0] for path in reference)
    request.config.stash[TOLD] = (
        f"differential: {len(reference)} outcomes compared, {sum(differing.values())} differ as "
        f"{len(KNOWN)} known rows say, {unknown} otherwise; "
        + ", ".join(f"{name} {count}" for name, count in parts.items())
    )
    assert len(reference) >= LEAST
    assert len(KNOWN) < 20
    if OURS != REFERENCE:
        assert set(differing) == set(KNOWN), "a row explains nothing any more"
