"""Runs pyzmq's tests, one process per file, away from the sdist, whose ``zmq/`` would shadow."""

import concurrent.futures
import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

from compat_tests.upstream import apart, sdist, swapped
from compat_tests.upstream.expected import LEFT_OUT, LEFT_OUT_OF_25
from compat_tests.upstream.recorder import TEST_TIMEOUT

DOORS = ("backend", "swap", "libzmq")
STALL = 2 * TEST_TIMEOUT + 15  # seconds without a new line in the record
MAX_RESTARTS = 8  # for one file
AT_ONCE = 2  # files; the tests sleep most of their time
BESIDE = ("examples", "mypy_tests")  # what test_mypy.py checks
SETTINGS = ("pytest.ini", "mypy.ini")
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
        """Counts by outcome, as one line."""
        counts = {}
        for outcome in self.outcomes.values():
            counts[outcome] = counts.get(outcome, 0) + 1
        return ", ".join(f"{n} {outcome}" for outcome, n in sorted(counts.items()))


def run(door, patched=False, select=None, junit=None, say=None):
    """Run the suite.

    Parameters
    ----------
    door : str
        One of :data:`DOORS`: pyzmq on our backend, our package in the place of ``zmq``, or pyzmq as
        it is, on real libzmq.
    patched : bool
        Monkey-patch with gevent first.
    select : str or None
        pytest's ``-k``.
    junit : pathlib.Path or None
        Folder for one junit xml per test file.
    say : callable or None
        Is given one line after each file.
    """
    env = sdist.environment("zlinkcompat.backend" if door == "backend" else None)
    # The engine that fits, as a program without monkey-patching has it.
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
        if door == "swap":
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


@contextlib.contextmanager
def alone():
    """Some of the tests have fixed ports: a network for them (yields what goes before a command);
    or, where that is not permitted, no other file of this user's runs meanwhile."""
    with apart.network() as inside:
        if inside:
            yield inside
            return
    lock = pathlib.Path(tempfile.gettempdir(), f"zlinkcompat-upstream-{os.getuid()}")
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield []


def _run_file(folder, file, env, patched, select, junit):
    """Outcomes and texts, as `Result` has them, of one file's tests."""
    record = folder / f"{file.stem}.jsonl"
    record.touch()
    start = ["-c", PATCHED] if patched else ["-m", "pytest"]
    args = ["-q", "-p", "compat_tests.upstream.recorder", "--record", record, f"tests/{file.name}"]
    args += ["-p", "no:cacheprovider", "-p", "no:randomly"]
    if not patched:
        args += ["--timeout", TEST_TIMEOUT]
    if select:
        args += ["-k", select]
    if junit:
        args += ["--junitxml", junit / f"{file.stem}.xml"]
    command = [sys.executable, *start, *map(str, args)]
    with alone() as inside:
        return _run_until_done([*inside, *command], folder, file, env, record)


def _run_until_done(command, folder, file, env, record):
    seen, texts = {}, {}
    for attempt in range(MAX_RESTARTS):
        more = [f"--deselect={test}" for test in seen]
        log = folder / f"{file.stem}.{attempt}.log"
        code = _run_process([*command, *more], folder, env, record, log)
        for line in record.read_text().splitlines():
            note = json.loads(line)
            test = note["test"]
            # Call and teardown both report: the worse one counts.
            if seen.get(test) in (None, "started", "passed"):
                seen[test] = note["outcome"]
                texts[test] = note.get("text", "")
        record.write_text("")
        hung = [test for test, outcome in seen.items() if outcome == "started"]
        for test in hung:
            seen[test] = "hung"
            texts[test] = f"hung or ended the process (exit {code})"
        if code in (0, 1, 5) and not hung:
            break
        if not hung:
            seen[f"tests/{file.name}"] = "failed"
            texts[f"tests/{file.name}"] = f"exit {code}: {log.read_text()[-2000:]}"
            break
    return seen, texts


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
