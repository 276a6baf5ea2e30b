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
    # Reading stdin would block the hub.
    if "gevent.monkey" in sys.modules:
        import gevent
        return gevent.get_hub().threadpool.apply(sys.stdin.readline)
    return sys.stdin.readline()

context = zmq.Context()
"""


class Service:
    """A program in a process of its own, which says lines and waits for them."""

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
        """Return the next line of output; fail with its stderr if it ends instead."""
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        return line.rstrip("\n")

    def tell(self, text=""):
        """Let ``wait()`` return a line."""
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def ends(self):
        """Let ``wait()`` return, and wait for the end; return the exit status and both outputs."""
        said, errors = self.process.communicate("\n", timeout=PATIENCE)
        return self.process.returncode, said, errors


@pytest.fixture
def runtime(monkeypatch):
    """The directory of control sockets, with a path that is short enough for a Unix socket."""
    folder = Path(tempfile.mkdtemp(prefix="zlink-"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    yield folder / "zlinkcompat"
    shutil.rmtree(folder)


@pytest.fixture(params=["plain", "patched"])
def service(request):
    """service(source, **environment): a program, monkey-patched or not."""
    started = []

    def service(source, **environment):
        environment.setdefault("ZLINK_ENGINE", "auto")
        started.append(Service(source, request.param == "patched", environment))
        return started[-1]

    yield service
    for one in started:
        one.process.kill()
        with contextlib.suppress(ValueError):  # it has ended already
            one.process.communicate()
