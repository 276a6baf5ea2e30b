"""pyzmq's own suite through both doors, monkey-patched, against `expected`."""

import pytest

from compat_tests.libraries import OURS, REFERENCE
from compat_tests.upstream.expected import NOT_PASSING
from compat_tests.upstream.run import run
from compat_tests.upstream.sdist import VERSION

LIMIT = 1200  # seconds
DOORS = ("libzmq",) if OURS == REFERENCE else ("backend", "swap")


@pytest.mark.upstream
@pytest.mark.timeout(LIMIT)
@pytest.mark.parametrize("door", DOORS)
def test_pyzmq_suite(door, tmp_path):
    listed = NOT_PASSING[door]
    result = run(door, patched=door != "libzmq", junit=tmp_path)
    assert result.outcomes, "no test ran"
    unlisted = {t: result.texts[t][-500:] for t in result.not_passed if t not in listed}
    now_passing = [t for t in listed if result.outcomes.get(t, "passed") == "passed"]
    if not VERSION.startswith("27."):
        now_passing = []  # the list is 27's; earlier ones lack some, or ask less
    assert not unlisted, f"not passing and not in expected.py ({result.summary()}): {unlisted}"
    assert not now_passing, f"listed in expected.py, but they pass or are gone: {now_passing}"
