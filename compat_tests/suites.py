"""Run a test suite of another project in a process of its own, and collect the outcomes.

``upstream`` runs pyzmq's own suite with this module, ``applications`` the suites of applications.
"""

import contextlib
import fcntl
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass, field

from compat_tests import apart
from compat_tests.recorder import TEST_TIMEOUT

CHECKOUT = pathlib.Path(__file__).resolve().parents[1]
STALL = 2 * TEST_TIMEOUT + 15  # seconds without a new line in the record
MAX_RESTARTS = 8  # of one command
PIP_TIMEOUT = 600  # seconds
PATCHED = (
    "from gevent import monkey; monkey.patch_all(); "
    "import sys, pytest; sys.exit(pytest.main(sys.argv[1:]))"
)


@dataclass
class Result:
    """Maps test names to outcomes ("passed", "failed", "skipped" or "hung") and to their texts."""

    outcomes: dict = field(default_factory=dict)
    texts: dict = field(default_factory=dict)

    @property
    def not_passed(self):
        return {test: o for test, o in self.outcomes.items() if o != "passed"}

    def summary(self):
        """Return how often each outcome occurs, as one line."""
        counts = {}
        for outcome in self.outcomes.values():
            counts[outcome] = counts.get(outcome, 0) + 1
        return ", ".join(f"{n} {outcome}" for outcome, n in sorted(counts.items()))


def pytest_command(python, record, patched, *args):
    """Return a command that runs pytest and writes outcomes to the file ``record``.

    Parameters
    ----------
    python : path
        The interpreter.
    record : pathlib.Path
    patched : bool
        Whether gevent monkey-patches the process first.
    *args
        Further arguments of pytest.
    """
    start = ["-c", PATCHED] if patched else ["-m", "pytest"]
    plugins = ["-p", "compat_tests.recorder", "-p", "no:cacheprovider", "-p", "no:randomly"]
    bound = [] if patched else ["--timeout", TEST_TIMEOUT]
    return [
        str(part) for part in (python, *start, "-q", *plugins, "--record", record, *bound, *args)
    ]


def run_until_done(command, folder, env, record, name):
    """Run a pytest command. If a test hangs or crashes, repeat the command without that test.

    Parameters
    ----------
    command : list of str
        The command, from :func:`pytest_command`.
    folder : pathlib.Path
        The working directory, in which the output is stored as well.
    env : dict
    record : pathlib.Path
    name : str
        The name of the logs, and of the outcome that stands for a failure outside all tests.

    Returns
    -------
    Result
    """
    record.touch()
    seen, texts = {}, {}
    for attempt in range(MAX_RESTARTS):
        more = [f"--deselect={test}" for test in seen]
        log = folder / f"{pathlib.Path(name).stem}.{attempt}.log"
        code = _run_process([*command, *more], folder, env, record, log)
        for line in record.read_text().splitlines():
            note = json.loads(line)
            test = note["test"]
            # The call and the teardown of a test each report an outcome. Keep the worse one.
            if seen.get(test) in (None, "started", "passed"):
                seen[test] = note["outcome"]
                texts[test] = note.get("text", "")
        record.write_text("")
        hung = [test for test, outcome in seen.items() if outcome == "started"]
        for test in hung:
            seen[test] = "hung"
            texts[test] = f"hung or ended the process (exit {code})"
        if code in (0, 1, 5) and not hung and (seen or code != 1):
            break
        if not hung:
            seen[name] = "failed"
            texts[name] = f"exit {code}: {log.read_text()[-2000:]}"
            break
    return Result(seen, texts)


def _run_process(command, folder, env, record, log):
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        started = time.time()
        try:
            while process.poll() is None:
                time.sleep(0.1)
                if time.time() - max(started, record.stat().st_mtime) > STALL:
                    break
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
    return process.returncode


@contextlib.contextmanager
def alone(isolated=True):
    """Make sure that no other process uses the fixed ports of tests.

    Parameters
    ----------
    isolated : bool
        Whether the tests can run in a network namespace.

    Yields
    ------
    list of str
        Command words that run another command in a network of its own. The list is empty if that
        is not permitted or not possible. A lock then keeps this user from running another such
        command at the same time.
    """
    with apart.network() if isolated else contextlib.nullcontext() as inside:
        if inside:
            yield inside
            return
    lock = pathlib.Path(tempfile.gettempdir(), f"zlinkcompat-upstream-{os.getuid()}")
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield []


class FetchError(RuntimeError):
    """The package index is not reachable, or does not have the file."""


def cache_folder():
    """Return the folder for downloads.

    This is ``ZLINKCOMPAT_SDIST_CACHE`` if set, otherwise a folder of the tox environment, otherwise
    one in the system's temporary folder.
    """
    if folder := os.environ.get("ZLINKCOMPAT_SDIST_CACHE"):
        path = pathlib.Path(folder)
    elif folder := os.environ.get("TOX_ENV_DIR"):
        path = pathlib.Path(folder, "tmp", "sdist")
    else:
        path = pathlib.Path(tempfile.gettempdir(), f"zlinkcompat-sdist-{os.getuid()}")
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def fetching(name):
    """Create the folder ``name`` in the cache, and keep other processes from doing so as well.

    Yields
    ------
    pathlib.Path
        The final path of the folder.
    pathlib.Path or None
        A temporary folder for the caller to fill. It is renamed to the final path at the end, so
        that an interrupted run leaves no incomplete folder. None if the folder exists already.
    """
    cache = cache_folder()
    with open(cache / f"{name}.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        made = cache / name
        if made.is_dir():
            yield made, None
            return
        with tempfile.TemporaryDirectory(dir=cache) as beside:
            making = pathlib.Path(beside, name)
            making.mkdir()
            yield made, making
            os.rename(making, made)


def pip(*args, python=sys.executable):
    """Run pip.

    Raises
    ------
    FetchError
        pip failed; the error has its output.
    """
    command = [str(python), "-m", "pip", "--disable-pip-version-check", *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_TIMEOUT)
    if done.returncode:
        raise FetchError(f"{' '.join(command)}:\n{done.stdout}\n{done.stderr}")


def download(package, version):
    """Return the folder of a package's unpacked sdist, which is downloaded at first use."""
    with fetching(f"{package}-{version}-sdist") as (made, making):
        if making is not None:
            with tempfile.TemporaryDirectory(dir=making.parent) as folder:
                pip(
                    "download",
                    "--no-deps",
                    "--no-binary",
                    package,
                    "-d",
                    folder,
                    f"{package}=={version}",
                )
                (archive,) = pathlib.Path(folder).glob("*.tar.gz")
                with tarfile.open(archive) as tar:
                    tar.extractall(making, filter="data")
    (source,) = (path for path in made.iterdir() if path.is_dir())
    return source
