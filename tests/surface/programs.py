"""Run programs in processes of their own, for tests of monkey-patching, exits and interrupts."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 100  # seconds that a program may take; the machine may be busy


def environment(**changes):
    """Return this process's environment for a program, without ``ZLINK_ENGINE``.

    ``PYTHONPATH`` is set so that a program in any directory finds the package. ``changes`` are
    applied last; None removes a variable.
    """
    settings = {**os.environ, "PYTHONPATH": str(ROOT), "ZLINK_ENGINE": None, **changes}
    return {name: value for name, value in settings.items() if value is not None}


def python(*arguments, cwd=None, **variables):
    """Run ``python arguments`` to its end; return the CompletedProcess, whose output is text."""
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
    """Run ``source`` with ``python -c``; return its output. If it fails, fail with its stderr."""
    done = python("-c", textwrap.dedent(source), **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout


def wait_until_asleep(process):
    """Wait until the kernel has put ``process`` to sleep.

    The caller must not send a signal earlier: gevent's hub may not notice a signal that arrives
    just before the hub starts to wait.
    """
    deadline = time.monotonic() + PATIENCE
    while Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2][0] != "S":
        assert time.monotonic() < deadline, "it does not sleep"
        time.sleep(0.001)


def interrupt_when_ready(*arguments, cwd=None, **variables):
    """Run ``python arguments``; send SIGINT once it has printed "ready" and waits.

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
