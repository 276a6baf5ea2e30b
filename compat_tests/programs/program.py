"""Start a program on one of the libraries, and wait for its output."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

from compat_tests.libraries import REFERENCE
from compat_tests.upstream import sdist as upstream

CHECKOUT = pathlib.Path(__file__).parents[2]


def own_environment():
    """Return the environment of a program that needs only a library, from this checkout."""
    env = {name: value for name, value in os.environ.items() if name != "PYZMQ_BACKEND"}
    path = [str(CHECKOUT), env.get("PYTHONPATH")]
    env["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    return env


class Program:
    """A running program, which is killed at the end of the ``with`` block.

    Parameters
    ----------
    library : str
        With "zmq" the command is ``python prog.py``, otherwise ``python -m LIBRARY prog.py``.
    path : pathlib.Path
        The program.
    args : str
        Its arguments.
    start : list of str, optional
        Command words before the program, instead of ``-m LIBRARY``.
    environment : dict, optional
        Additional environment variables.
    sdist : bool
        Whether this is a program of pyzmq's sdist, which needs further packages.
    inside : list of str
        Words before the whole command, from :func:`compat_tests.apart.network`.
    """

    def __init__(self, library, path, *args, start=None, environment=None, sdist=True, inside=()):
        if start is None:
            start = [] if library == REFERENCE else ["-m", library]
        variables = upstream.environment() if sdist else own_environment()
        self.name = f"{path.name} on {library}"
        self._output = tempfile.TemporaryFile("w+b")
        # Start a session of its own, so that we can also end the processes that the program starts.
        self._process = subprocess.Popen(
            [*inside, sys.executable, *start, str(path), *args],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            env={**variables, "PYTHONUNBUFFERED": "1", **(environment or {})},
            start_new_session=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
        self._output.close()

    @property
    def output(self):
        """Return everything that the program has printed so far."""
        return os.pread(self._output.fileno(), 1 << 24, 0).decode()

    def wait_for(self, pattern, timeout=60):
        """Wait until the output matches `pattern`; the program may go on running."""
        deadline = time.monotonic() + timeout
        while not (match := re.search(pattern, self.output, re.DOTALL)):
            ended = self._process.poll()
            if time.monotonic() > deadline or ended is not None:
                if re.search(pattern, self.output, re.DOTALL):
                    continue
                raise AssertionError(f"{self.name} ({ended=}): no {pattern!r} in:\n{self.output}")
            time.sleep(0.02)
        return match

    def wait(self, timeout=60):
        """Wait until the program ends with exit code 0, and return its output."""
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} does not end:\n{self.output}")
        assert code == 0, f"{self.name}: exit code {code}:\n{self.output}"
        return self.output
