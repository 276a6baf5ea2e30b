"""Fixtures for all of compat_tests: the marker, and the library under comparison."""

import pytest

from compat_tests.libraries import LIBRARIES, load


def pytest_addoption(parser):
    parser.addoption(
        "--all-programs",
        action="store_true",
        help="pyzmq's examples at every place where users run them, not by a sample",
    )


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "upstream: fetches pyzmq's sdist from the package index; minutes, needs network"
    )


def pytest_collection_modifyitems(items):
    # Run the longest tests first, so that no pytest-xdist worker is left with them at the end.
    items.sort(key=lambda item: "upstream" not in item.keywords)


@pytest.fixture(params=LIBRARIES)
def library(request):
    """The module under test; a missing one fails, since a skipped column proves nothing."""
    return load(request.param)
