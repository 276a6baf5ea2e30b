"""Fetch pyzmq's sdist, and what its tests and examples import, into a cache folder."""

import os
import sys
from importlib.metadata import version

from compat_tests.suites import CHECKOUT, download, fetching, pip

#: The version of the installed pyzmq; we fetch the sdist of the same version.
VERSION = version("pyzmq")
MAJOR = int(VERSION.partition(".")[0])
# Install these packages into a folder of their own, so that the environment under test does not
# change. The versions of mypy and numpy fit the release date of this pyzmq. mypy also needs the
# types of all packages that the examples import.
EXTRAS = (
    "mypy" if MAJOR >= 27 else "mypy<1.16",
    "numpy" if MAJOR >= 26 else "numpy<2",
    "cython",
    "setuptools",
    "tornado",
)
# Install these without their dependencies, which would include another pytest. The tests of pyzmq
# before 27 use a fixture that pytest-asyncio 1 has removed.
ALONE = (
    "pytest-asyncio" if MAJOR >= 27 else "pytest-asyncio<1",
    "backports.asyncio.runner; python_version < '3.11'",
)


def source():
    """Return the folder of the unpacked sdist.

    Raises
    ------
    FetchError
        pip failed; the error has its output.
    """
    return download("pyzmq", VERSION)


def tests():
    """Return the folder of pyzmq's tests in the sdist."""
    folder = source() / "tests"
    return folder if folder.is_dir() else source() / "zmq" / "tests"  # before 26


def extras():
    """Return the folder to put on ``PYTHONPATH`` for the imports of the tests and examples."""
    with fetching(f"extras-{VERSION}-{sys.implementation.cache_tag}") as (folder, making):
        if making is not None:
            pip("install", "--target", making, *EXTRAS)
            pip("install", "--no-deps", "--upgrade", "--target", making, *ALONE)
    return folder


def environment(backend=None):
    """Return the environment variables for pyzmq's code on `backend`; None is libzmq."""
    env = {k: v for k, v in os.environ.items() if k not in ("PYZMQ_BACKEND", "PYTEST_ADDOPTS")}
    path = [str(extras()), str(CHECKOUT), env.get("PYTHONPATH")]
    env["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    if backend:
        env["PYZMQ_BACKEND"] = backend
    return env
