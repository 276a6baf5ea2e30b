"""Run pyzmq's tests, one process per file.

The tests run outside the sdist, whose ``zmq/`` would shadow the installed package.
"""

import concurrent.futures
import pathlib
import shutil
import sys
import tempfile

from compat_tests.suites import Result, alone, pytest_command, run_until_done
from compat_tests.upstream import sdist, swapped
from compat_tests.upstream.expected import LEFT_OUT, LEFT_OUT_OF_25

ENTRY_POINTS = ("backend", "swap", "libzmq")
AT_ONCE = 2  # number of files that run at a time, since the tests sleep most of the time
BESIDE = ("examples", "mypy_tests")  # folders of the sdist that test_mypy.py checks
SETTINGS = ("pytest.ini", "mypy.ini")


def run(entry_point, patched=False, select=None, junit=None, say=None):
    """Run pyzmq's test suite.

    Parameters
    ----------
    entry_point : str
        One of :data:`ENTRY_POINTS`: pyzmq on our backend, our package in the place of ``zmq``, or
        pyzmq as it is, on real libzmq.
    patched : bool
        Whether gevent monkey-patches the process first.
    select : str or None
        The expression for pytest's ``-k``.
    junit : pathlib.Path or None
        Folder for one junit xml per test file.
    say : callable or None
        Called with one line of text after each file.
    """
    env = sdist.environment("zlinkcompat.backend" if entry_point == "backend" else None)
    # Use the engine that is chosen for a program without monkey-patching.
    env["ZLINK_ENGINE"] = "auto"
    if patched:
        env["ZLINKCOMPAT_UPSTREAM_PATCHED"] = "1"
    result = Result()
    with tempfile.TemporaryDirectory(prefix="zlc-upstream-") as folder:
        folder = pathlib.Path(folder)
        shutil.copytree(sdist.tests(), folder / "tests")
        for name in BESIDE:
            shutil.copytree(sdist.source() / name, folder / name)
        for name in SETTINGS:
            shutil.copy(sdist.source() / name, folder)
        if entry_point == "swap":
            swapped.rewrite(folder)
        left_out = LEFT_OUT | (LEFT_OUT_OF_25 if sdist.MAJOR == 25 else {})
        files = [f for f in sorted(folder.glob("tests/test_*.py")) if f.name not in left_out]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            runs = {
                pool.submit(_run_file, folder, file, env, patched, select, junit): file
                for file in files
            }
            for done in concurrent.futures.as_completed(runs):
                outcomes, texts = done.result()
                result.outcomes.update(outcomes)
                result.texts.update(texts)
                if say:
                    say(f"{runs[done].name}: {result.summary()}")
    return result


def _run_file(folder, file, env, patched, select, junit):
    """Run the tests of one file; return their outcomes and texts."""
    record = folder / f"{file.stem}.jsonl"
    args = [f"tests/{file.name}"]
    if select:
        args += ["-k", select]
    if junit:
        args += ["--junitxml", junit / f"{file.stem}.xml"]
    command = pytest_command(sys.executable, record, patched, *args)
    with alone() as inside:
        result = run_until_done([*inside, *command], folder, env, record, f"tests/{file.name}")
    return result.outcomes, result.texts
