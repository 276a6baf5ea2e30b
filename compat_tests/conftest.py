"""What all of compat_tests shares: the marker, and the library under comparison."""

import pytest

from compat_tests.libraries import LIBRARIES, load


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "upstream: fetches pyzmq's sdist from the package index; minutes, needs network"
    )


@pytest.fixture(params=LIBRARIES)
def library(request):
    """The module under test; a missing one fails, since a skipped column proves nothing."""
    return load(request.param)
