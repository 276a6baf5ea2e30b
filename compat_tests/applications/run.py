"""Run the tests of one application in an environment of its own."""

import fcntl
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from compat_tests.applications.table import EVERYWHERE
from compat_tests.suites import (
    CHECKOUT,
    alone,
    cache_folder,
    download,
    pip,
    pytest_command,
    run_until_done,
)

#: Maps the name of a place to (backend, whether the process is monkey-patched).
WHERE = {
    "libzmq": (None, False),
    "thread": ("zlinkcompat.backend", False),
    "hub": ("zlinkcompat.backend", True),
}


def run(application, where):
    """Run the tests of one application.

    Parameters
    ----------
    application : Application
    where : str
        A key of :data:`WHERE`.

    Returns
    -------
    compat_tests.suites.Result
    """
    python = environment_of(application)
    backend, patched = WHERE[where]
    with (
        tempfile.TemporaryDirectory(prefix="zlc-application-") as folder,
        alone(application.isolated) as inside,
    ):
        folder = pathlib.Path(folder)
        source = folder / "source"
        shutil.copytree(download(application.name, application.version), source)
        # Copy only these two packages: the checkout also has packages called tests and docs, which
        # would hide the application's.
        library = folder / "library"
        library.mkdir()
        for name in ("zlinkcompat", "compat_tests"):
            (library / name).symlink_to(CHECKOUT / name)
        env = environment(python, library, backend, patched)
        env.update(application.settings)
        record = folder / "record.jsonl"
        command = pytest_command(
            python,
            record,
            patched,
            "--rootdir",
            source,
            "--tb=native",
            *application.arguments,
            *application.tests,
        )
        return run_until_done([*inside, *command], source, env, record, application.name)


def environment(python, library, backend, patched):
    """Return the environment variables of a process that runs the tests."""
    gone = ("PYZMQ_BACKEND", "PYTEST_ADDOPTS", "ZLINK_ENGINE", "VIRTUAL_ENV")
    env = {name: value for name, value in os.environ.items() if name not in gone}
    env["PATH"] = os.pathsep.join([str(python.parent), env["PATH"]])
    env["PYTHONPATH"] = str(library)
    if backend:
        env["PYZMQ_BACKEND"] = backend
    if patched:
        env["ZLINKCOMPAT_UPSTREAM_PATCHED"] = "1"
    return env


def environment_of(application):
    """Return the interpreter (pathlib.Path) of the application's environment.

    The environment is created at first use.
    """
    name = f"{application.name}-{application.version}-{sys.implementation.cache_tag}"
    cache = cache_folder()
    folder = cache / name
    complete = folder / "complete"
    python = folder / "bin" / "python"
    with open(cache / f"{name}.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not complete.exists():
            # Create the environment at its final path, since its scripts contain the path.
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
            pip(
                "install",
                "-q",
                "--no-cache-dir",
                *EVERYWHERE,
                *application.needs,
                f"pytest=={application.pytest}",
                f"{application.name}{application.extras}=={application.version}",
                python=python,
            )
            complete.touch()
    return python
