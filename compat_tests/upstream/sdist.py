"""Fetches pyzmq's sdist, and what its tests and examples import, into a cache folder."""

import contextlib
import fcntl
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import version

#: Of the pyzmq that is installed.
VERSION = version("pyzmq")
MAJOR = int(VERSION.partition(".")[0])
# Into a folder of their own, so that the environment under test stays as it is: mypy and numpy of
# the time of that pyzmq. mypy wants the types of all that the examples import.
EXTRAS = (
    "mypy" if MAJOR >= 27 else "mypy<1.16",
    "numpy" if MAJOR >= 26 else "numpy<2",
    "cython", "setuptools", "tornado",
)
# Without what they need, which would be another pytest. Tests before 27 use a fixture that
# pytest-asyncio 1 has no more.
ALONE = (
    "pytest-asyncio" if MAJOR >= 27 else "pytest-asyncio<1",
    "backports.asyncio.runner; python_version < '3.11'",
)
PIP_TIMEOUT = 600  # seconds


class FetchError(RuntimeError):
    """The package index was not reached, or has no such file."""


def cache_folder():
    """Where downloads stay: ``ZLINKCOMPAT_SDIST_CACHE``, else the tox environment, else tmp."""
    if folder := os.environ.get("ZLINKCOMPAT_SDIST_CACHE"):
        path = pathlib.Path(folder)
    elif folder := os.environ.get("TOX_ENV_DIR"):
        path = pathlib.Path(folder, "tmp", "sdist")
    else:
        path = pathlib.Path(tempfile.gettempdir(), f"zlinkcompat-sdist-{os.getuid()}")
    path.mkdir(parents=True, exist_ok=True)
    return path


def source():
    """The folder of the unpacked sdist.

    Raises
    ------
    FetchError
        With what pip said.
    """
    cache = cache_folder()
    folder = cache / f"pyzmq-{VERSION}"
    archive = cache / f"pyzmq-{VERSION}.tar.gz"
    with _alone(cache):
        if folder.is_dir():
            return folder
        if not archive.is_file():
            _pip("download", "--no-deps", "--no-binary", "pyzmq", "-d", cache, f"pyzmq=={VERSION}")
        # Unpacked beside and renamed, so that a run that is cut off leaves no half of it.
        with tempfile.TemporaryDirectory(dir=cache) as beside, tarfile.open(archive) as tar:
            tar.extractall(beside, filter="data")
            os.rename(pathlib.Path(beside, folder.name), folder)
    return folder


def tests():
    """The folder of pyzmq's tests in the sdist."""
    folder = source() / "tests"
    return folder if folder.is_dir() else source() / "zmq" / "tests"  # before 26


def extras():
    """The folder to put on ``PYTHONPATH`` for what the tests and examples import."""
    cache = cache_folder()
    folder = cache / f"extras-{VERSION}-{sys.implementation.cache_tag}"
    with _alone(cache):
        if folder.is_dir():
            return folder
        with tempfile.TemporaryDirectory(dir=cache) as beside:
            into = pathlib.Path(beside, "x")
            _pip("install", "--target", into, *EXTRAS)
            _pip("install", "--no-deps", "--target", into, *ALONE)
            os.rename(into, folder)
    return folder


def environment(backend=None):
    """Environment of a subprocess that runs upstream code, on `backend` or on libzmq (None)."""
    checkout = pathlib.Path(__file__).resolve().parents[2]
    env = {k: v for k, v in os.environ.items() if k not in ("PYZMQ_BACKEND", "PYTEST_ADDOPTS")}
    path = [str(extras()), str(checkout), env.get("PYTHONPATH")]
    env["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    if backend:
        env["PYZMQ_BACKEND"] = backend
    return env


@contextlib.contextmanager
def _alone(cache):
    """No other process fetches anything meanwhile: who waited finds what the first one brought."""
    with open(cache / "lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _pip(*args):
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_TIMEOUT)
    if done.returncode:
        raise FetchError(f"{' '.join(command)}:\n{done.stdout}\n{done.stderr}")
