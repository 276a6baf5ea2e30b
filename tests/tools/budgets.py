"""A server, hostile peers and an innocent one, each a program of its own, and what it costs.

The innocent peer measures CPU time and not time: a busy machine makes no figure worse.
"""

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from guard import GUARD

PROGRAMS = Path(__file__).parents[1] / "engine" / "programs"
ROOT = Path(__file__).parents[2]

#: Milliseconds of the server's CPU before each answer to the innocent peer.
CPU_MS = 20

#: The same of the pure-Python build, whose budgets have the same numbers of messages.
PURE_CPU_MS = 400

#: Milliseconds by which a call may be late on a quiet machine, by the issue that asked for it.
QUIET_LATE_MS = 50

#: The same on a machine that others keep busy. The calls were late by 6 s and more once.
LATE_MS = 1500

#: Milliseconds of CPU of a call that waits for 200 ms, all of which may go into what it skips.
CALL_CPU_MS = 250

#: KiB by which the server may grow for each hostile connection.
MEMORY_KB = 1024

#: KiB by which a process grows for what it loads or allocates at first use.
SLACK_KB = 2048

#: The peer that a socket type talks to.
PEERS = {"PULL": "PUSH", "PUSH": "PULL", "ROUTER": "DEALER", "DEALER": "DEALER", "REP": "REQ",
         "REQ": "REP", "PAIR": "PAIR", "SUB": "PUB", "XSUB": "PUB", "PUB": "SUB", "XPUB": "SUB"}

#: Options of the attacked sockets without which a flood would be served, and not skipped.
OPTIONS = {"SUB": {"subscribe": "wanted"}, "REQ": {"req_relaxed": 1, "req_correlate": 1}}


class Child:
    """A program in a process of its own, that talks in lines.

    With an ``engine`` it is a server: monkey-patched for the hub's."""

    def __init__(self, name, *args, engine=None):
        environment = dict(os.environ, ZLINK_ENGINE=engine or "thread", PYTHONPATH=str(ROOT))
        environment.pop("PYZMQ_BACKEND", None)
        patched = ["-m", "gevent.monkey"] if engine == "hub" else []
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [sys.executable, *patched, str(PROGRAMS / name), *map(str, args)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, env=environment)
        self.buffer = b""

    def line(self, patience=GUARD):
        """The next line; fails with what the program said on stderr if it ends, or says none."""
        end = time.monotonic() + patience
        while b"\n" not in self.buffer:
            left = end - time.monotonic()
            said = b""
            if left > 0 and select.select([self.process.stdout], [], [], left)[0]:
                said = os.read(self.process.stdout.fileno(), 65536)
            if not said:
                self.errors.seek(0)
                raise AssertionError(f"{self.process.args[1:]} says no more (code "
                                     f"{self.process.poll()}): {self.errors.read().decode()}")
            self.buffer += said
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line.decode()

    def tell(self, text=""):
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def said_errors(self):
        self.errors.seek(0)
        return self.errors.read().decode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.errors):
            stream.close()


def bound_at(transport, folder):
    """An endpoint to bind to."""
    return {"tcp": "tcp://127.0.0.1:*", "tls": "tls://127.0.0.1:*", "ws": "ws://127.0.0.1:*/x",
            "wss": "wss://127.0.0.1:*/x", "ipc": f"ipc://{folder}/x"}[transport]


def serving(engine, kind="PULL", transport="tcp", mechanism="NULL", folder="", drains=False,
            **options):
    """Start the server; returns it and what it said."""
    server = Child("flooded_server.py", json.dumps({
        "type": kind, "endpoint": bound_at(transport, folder), "mechanism": mechanism,
        "drains": drains, "options": {**OPTIONS.get(kind, {}), **options}}), engine=engine)
    return server, json.loads(server.line())


def flooding(told, kind, mechanism, state, flood, seconds, count=1, minor=1):
    """Start hostile peers of a socket of type ``kind``; they are in their state on return."""
    program = Child("flood.py", json.dumps({
        "endpoint": told["target"], "type": PEERS[kind], "mechanism": mechanism,
        "key": told["key"], "state": state, "flood": flood, "seconds": seconds, "count": count,
        "minor": minor}))
    assert program.line(GUARD + seconds) == "ready"
    return program


def attack(engine, state, flood, kind="PULL", transport="tcp", mechanism="NULL", seconds=1.0,
           count=1, minor=1, folder="", **options):
    """Let ``count`` hostile peers flood a server, and have an innocent peer ask it meanwhile.

    Returns
    -------
    dict
        What ``asker.py`` found, with ``sent``, ``connections`` and ``ended`` of ``flood.py``,
        and ``unexpected``: what the engine logged, or the application was raised, by surprise.
    """
    drains = state == "draining"
    server, told = serving(engine, kind, transport, mechanism, folder, drains, **options)
    with server:
        # What is loaded at the first connection is no peer's cost.
        reached = "active" if drains else state
        if not drains:
            with flooding(told, kind, mechanism, "active", "leave", 0.05, minor=minor) as first:
                first.line()
        with flooding(told, kind, mechanism, reached, flood, seconds + 0.5, count,
                      minor) as hostile:
            with Child("asker.py", told["echo"], server.process.pid, seconds) as asker:
                found = json.loads(asker.line(GUARD + seconds))
            found.update(json.loads(hostile.line(GUARD + seconds)))
        server.tell()
        found["unexpected"] = json.loads(server.line())["unexpected"]
        found["stderr"] = server.said_errors()
    return found


def timed_calls(engine, kind, call, flood, minor=1, count=10, floods=2):
    """Have a socket make ``count`` calls while ``floods`` peers flood it; what they took."""
    with Child("flooded_calls.py", kind, call, count, engine=engine) as server:
        told = json.loads(server.line())
        with flooding(told, kind, "NULL", "active", flood, 0.3 * count + 2, floods, minor):
            server.tell()
            return json.loads(server.line())
