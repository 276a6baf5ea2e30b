"""Run a program under strace."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from contextlib import suppress

import pytest


def traced(program, *options, log=os.devnull, **environment):
    """Run ``program`` with the system calls of all its threads traced; return what it prints.

    Parameters
    ----------
    program : str
        Source code.
    options : str
        Further arguments of strace.
    log : path
        The file that strace writes.
    environment : str
        Environment variables in addition to those of this process.
    """
    strace = shutil.which("strace")
    if strace is None:
        # `.ci/packages` installs strace. No other tool sees every system call, or can make a
        # chosen one fail.
        pytest.skip("strace is not installed")
    if "LD_PRELOAD" in os.environ:
        # `tox -e sanitize` preloads a sanitizer, which strace is not built for.
        pytest.skip("the library in LD_PRELOAD would be loaded into strace as well")
    run = subprocess.Popen(
        [strace, "-f", "-qq", "-o", log, *options, sys.executable, "-c", textwrap.dedent(program)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, **environment},
    )  # fmt: skip
    try:
        out, errors = run.communicate(timeout=100)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)  # end the program as well, not only strace
        run.wait()
    if "ptrace" in errors:
        pytest.skip("strace may not trace here")  # a container may forbid it
    assert run.returncode == 0, errors
    return out
