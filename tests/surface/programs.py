"""Run programs in processes of their own, for tests that patch, exit or interrupt."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 100  # seconds: programs do much, and the machine may be busy


def environment(**changes):
    """Return this process's environment, with which the package is found from any directory.

    The engine of this process is left out: programs choose it themselves.
    """
    settings = {**os.environ, "PYTHONPATH": str(ROOT), "ZLINK_ENGINE": None, **changes}
    return {name: value for name, value in settings.items() if value is not None}


def python(*arguments, cwd=None, **variables):
    """Run ``python arguments`` to its end; return the CompletedProcess, with text."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        stdin=subprocess.DEVNULL,
    )


def run(source, **variables):
    """Run ``source`` as ``python -c``; return its output. A failure shows its stderr."""
    done = python("-c", textwrap.dedent(source), **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout


def wait_until_asleep(process):
    """Wait until the kernel has put ``process`` to sleep.

    A signal that arrives just before gevent's hub waits is noticed only when it next wakes, if
    ever.
    """
    deadline = time.monotonic() + PATIENCE
    while Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2][0] != "S":
        assert time.monotonic() < deadline, "it does not sleep"
        time.sleep(0.001)


def interrupt_when_ready(*arguments, cwd=None, **variables):
    """Run ``python arguments``, send SIGINT when it waits after it has printed "ready".

    Returns
    -------
    exit code, stderr
    """
    process = subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=environment(**variables),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )
    try:
        assert process.stdout.readline() == "ready\n"
        wait_until_asleep(process)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
        return process.returncode, errors
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()
