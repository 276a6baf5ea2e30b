"""Run a foreign test suite in a process of its own, outcome by outcome.

pyzmq's own suite (``upstream``) and those of applications (``applications``) are run by this.
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
    """Outcomes by test name: "passed", "failed", "skipped" or "hung", and what was said."""

    outcomes: dict = field(default_factory=dict)
    texts: dict = field(default_factory=dict)

    @property
    def not_passed(self):
        return {test: o for test, o in self.outcomes.items() if o != "passed"}

    def summary(self):
        """Return the counts by outcome, as one line."""
        counts = {}
        for outcome in self.outcomes.values():
            counts[outcome] = counts.get(outcome, 0) + 1
        return ", ".join(f"{n} {outcome}" for outcome, n in sorted(counts.items()))


def pytest_command(python, record, patched, *args):
    """Return a command that runs pytest, with outcomes in the file ``record``.

    Parameters
    ----------
    python : path
        The interpreter.
    record : pathlib.Path
    patched : bool
        Monkey-patch with gevent first.
    *args
        pytest's own.
    """
    start = ["-c", PATCHED] if patched else ["-m", "pytest"]
    plugins = ["-p", "compat_tests.recorder", "-p", "no:cacheprovider", "-p", "no:randomly"]
    bound = [] if patched else ["--timeout", TEST_TIMEOUT]
    return [
        str(part) for part in (python, *start, "-q", *plugins, "--record", record, *bound, *args)
    ]


def run_until_done(command, folder, env, record, name):
    """Run a pytest command; repeat it without tests that hung or crashed, until all have run.

    Parameters
    ----------
    command : list of str
        Of :func:`pytest_command`.
    folder : pathlib.Path
        Where it runs, and its output goes.
    env : dict
    record : pathlib.Path
    name : str
        Of the logs; and of what has failed if no test has.

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
            # Call and teardown both report an outcome. The worse one counts.
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
    """Keep the fixed ports of tests from others.

    Parameters
    ----------
    isolated : bool
        Whether the tests can be run in a network namespace.

    Yields
    ------
    list of str
        What goes before a command to run it in a network of its own. It is empty where that is not
        permitted, or not wanted: no other such command of this user runs meanwhile.
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
    """Return where downloads stay:

    ``ZLINKCOMPAT_SDIST_CACHE``, else the tox environment, else tmp.
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
    """Make ``name`` in the cache, and let no other process make it meanwhile.

    Yields
    ------
    pathlib.Path, pathlib.Path
        Where it belongs, and a folder to make it in: renamed to the former at the end, so that a
        run that is cut off leaves no half of it. The latter is None if it is there already.
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
        With what it said.
    """
    command = [str(python), "-m", "pip", "--disable-pip-version-check", *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_TIMEOUT)
    if done.returncode:
        raise FetchError(f"{' '.join(command)}:\n{done.stdout}\n{done.stderr}")


def download(package, version):
    """Return the folder of an unpacked sdist."""
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
