import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest
from process import HERE, ROOT

PATIENCE = 30  # seconds

PRELUDE = """
import os, signal, sys, time
import zlinkcompat as zmq
from zlinkcompat import metrics

def say(*words):
    print(*words, flush=True)

def wait():
    # Read in another thread under gevent, since reading stdin would block the hub.
    if "gevent.monkey" in sys.modules:
        import gevent
        return gevent.get_hub().threadpool.apply(sys.stdin.readline)
    return sys.stdin.readline()

context = zmq.Context()
"""


class Service:
    """A program in a process of its own, which prints lines and waits for lines."""

    def __init__(self, source, patch, environment):
        head = "from gevent import monkey; monkey.patch_all()\n" if patch else ""
        paths = [ROOT, HERE, *filter(None, [os.environ.get("PYTHONPATH")])]
        self.process = subprocess.Popen(
            [sys.executable, "-c", head + PRELUDE + textwrap.dedent(source)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), **environment},
        )
        self.pid = self.process.pid

    def line(self):
        """Return the next line of output; if the program ends instead, fail with its stderr."""
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        return line.rstrip("\n")

    def tell(self, text=""):
        """Send a line, which makes the program's ``wait()`` return."""
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def ends(self):
        """Let ``wait()`` return and the program end; return its exit status, stdout and stderr."""
        said, errors = self.process.communicate("\n", timeout=PATIENCE)
        return self.process.returncode, said, errors


@pytest.fixture
def runtime(monkeypatch):
    """Return a directory for control sockets, whose path is short enough for a Unix socket."""
    folder = Path(tempfile.mkdtemp(prefix="zlink-"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    yield folder / "zlinkcompat"
    shutil.rmtree(folder)


@pytest.fixture(params=["plain", "patched"])
def service(request):
    """``service(source, **environment)`` starts a program.

    Each test runs twice: without and with monkey-patching.
    """
    started = []

    def service(source, **environment):
        environment.setdefault("ZLINK_ENGINE", "auto")
        started.append(Service(source, request.param == "patched", environment))
        return started[-1]

    yield service
    for one in started:
        one.process.kill()
        with contextlib.suppress(ValueError):  # the test has already read its output
            one.process.communicate()
