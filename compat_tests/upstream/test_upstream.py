"""Run pyzmq's own suite with each entry point and each engine once.

`tox -m matrix` runs all combinations with all supported versions.
"""

import pytest

from compat_tests.libraries import OURS, REFERENCE
from compat_tests.upstream.cell import ENGINES, judge
from compat_tests.upstream.run import run

LIMIT = 1200  # seconds
CELLS = [("libzmq", False)] if OURS == REFERENCE else [("backend", False), ("swap", True)]


@pytest.mark.upstream
@pytest.mark.timeout(LIMIT)
@pytest.mark.parametrize("entry_point, patched", CELLS, ids=[f"{d}-{ENGINES[p]}" for d, p in CELLS])
def test_pyzmq_suite(entry_point, patched, tmp_path):
    result = run(entry_point, patched=patched, junit=tmp_path)
    cell = judge(result, entry_point, patched)
    assert result.outcomes, "no test ran"
    assert not cell["failed"], f"not in expected.py ({result.summary()}): {cell['failed']}"
    assert not cell["gone"], f"listed in expected.py, but they pass or are gone: {cell['gone']}"
