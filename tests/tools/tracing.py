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
    """What ``program`` prints, its system calls traced, with all its threads.

    Parameters
    ----------
    program : str
        Source code.
    options : str
        More for strace.
    log : path
        Where strace writes.
    environment : str
        Variables beside those of this process.
    """
    strace = shutil.which("strace")
    if strace is None:
        # `.ci/packages` installs it; no other tool sees every call, or makes one fail at will.
        pytest.skip("strace is not installed")
    if "LD_PRELOAD" in os.environ:
        # `tox -e sanitize` preloads its own library, and strace is not built for it.
        pytest.skip("what is preloaded (a sanitizer) would be in strace, too")
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
