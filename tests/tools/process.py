"""Run programs in processes of their own, to test exits, crashes, limits and monkey-patching."""

import os
import signal
import subprocess
import sys
import textwrap

import gevent
from gevent import subprocess as gevent_subprocess
from guard import GUARD

PRELUDE = """
import gevent, os, sys, time
sys.path.insert(0, {here!r})
import zlinkcompat
import {library} as zmq
def say(*words):
    print(*words, flush=True)
"""

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


class Program:
    """A Python program. While a test waits for a line of its output, other greenlets run.

    Parameters
    ----------
    source : str or Path
        A file is run as it is. A program given as text need not import ``gevent``, ``os``,
        ``sys``, ``time`` and ``zmq``, and may call ``say(words)``, which prints a line.
    args : str
        Its ``sys.argv[1:]``.
    library : str
        The module that the text finds as ``zmq``: ``zlinkcompat``, or ``zmq`` for real libzmq.
    engine : str, optional
        The program's ``ZLINK_ENGINE``. By default the program has none, even if this process does.
    """

    def __init__(self, source, *args, library="zlinkcompat", patch=False, engine=None):
        if isinstance(source, os.PathLike):
            command = [sys.executable, source]
        else:
            head = "from gevent import monkey; monkey.patch_all()\n" if patch else ""
            text = head + PRELUDE.format(here=HERE, library=library) + textwrap.dedent(source)
            command = [sys.executable, "-c", text]
        paths = filter(None, [ROOT, os.environ.get("PYTHONPATH")])
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(paths))
        for name in ("PYZMQ_BACKEND", "ZLINK_ENGINE"):
            environment.pop(name, None)
        if engine is not None:
            environment["ZLINK_ENGINE"] = engine
        self.process = gevent_subprocess.Popen(
            [*command, *map(str, args)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=environment,
        )  # fmt: skip

    @property
    def pid(self):
        return self.process.pid

    def line(self):
        """Return the next line of output; if the program ends instead, fail with its stderr."""
        with gevent.Timeout(GUARD):
            line = self.process.stdout.readline()
        assert line, self.process.stderr.read().decode()
        return line.decode().rstrip("\n")

    def tell(self, text=""):
        """Write a line to its standard input."""
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def ends(self, code=0, patience=GUARD):
        """Wait at most ``patience`` seconds until the program ends; return its remaining output."""
        with gevent.Timeout(patience):
            said, errors = self.process.communicate()
        assert self.process.returncode == code, errors.decode()
        assert not errors, errors.decode()
        return said.decode()

    def kill(self):
        """Send SIGKILL, and wait until the program has ended."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def close(self):
        self.kill()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()
