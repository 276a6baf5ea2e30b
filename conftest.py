"""How much ``python -m pytest`` runs: without arguments what a newcomer needs, else everything.

The run without arguments takes the project's own tests (``tests``) and the comparison with libzmq
(``compat_tests/differential``), with a sample of the conformance suite. ``--all``, or the path of a
folder, leaves nothing out.
"""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent

#: Compared with other software, which tests have to fetch or start; by ``--all`` or by name.
COMPARISONS = ("applications", "interop", "programs", "typing", "upstream")

#: Tests of the benchmark's code, and of pages in a browser.
TOOLS = ("bench",)

LEFT_OUT = {
    *(ROOT / "compat_tests" / name for name in COMPARISONS),
    *(ROOT / "tests" / name for name in TOOLS),
}


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", help="all tests, not what a newcomer needs")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    # Workers of pytest-xdist get the options of the process that starts them.
    by_default = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    if by_default and not config.option.all:
        config.option.is_short = config.option.sample = True


def pytest_ignore_collect(collection_path, config):
    if getattr(config.option, "is_short", False) and collection_path in LEFT_OUT:
        return True
    return None


def pytest_report_header(config):
    if getattr(config.option, "is_short", False):
        return "a sample of the tests; --all runs all of them"
    return None
