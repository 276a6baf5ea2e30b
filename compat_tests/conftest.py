"""The options, markers and fixtures of compat_tests."""

import pytest

from compat_tests.libraries import LIBRARIES, load


def pytest_addoption(parser):
    parser.addoption(
        "--all-programs",
        action="store_true",
        help="run all of pyzmq's examples in every way in which users start them, not a sample",
    )


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "upstream: fetches pyzmq's sdist from the package index and takes minutes"
    )


def pytest_collection_modifyitems(items):
    # Run the longest tests first. Otherwise one pytest-xdist worker may run them alone at the end.
    items.sort(key=lambda item: "upstream" not in item.keywords)


@pytest.fixture(params=LIBRARIES)
def library(request):
    """Return the module under test. If it is missing, fail, since a skipped test proves nothing."""
    return load(request.param)
