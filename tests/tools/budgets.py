"""Measure what hostile peers cost a server, while an innocent peer sends it requests.

The server, the hostile peers and the innocent peer are programs of their own. The innocent peer
measures the CPU time of the server, not elapsed time, so other load does not change the figures.
"""

import contextlib
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

#: Milliseconds of CPU that the server may use before each answer to the innocent peer. It is the
#: promise of docs/reliability.md. A turn without a message ends after 1 ms, so this is some turns.
CPU_MS = 20

#: ``CPU_MS`` for the pure-Python build: its server handles as many messages before an answer as
#: the compiled one, and takes about 20 times the CPU time for each.
PURE_CPU_MS = 400

#: Each of many hostile peers may add this share of ``CPU_MS``, for one read and its decoding. With
#: 100 of them the compiled build took up to 127 ms on the hub engine and 52 ms on the other, where
#: 420 ms are allowed (CPython 3.11, a quiet machine).
CROWD_SHARE = 0.2

#: The share of ``PURE_CPU_MS``. The pure-Python build spent up to 3.2 s of CPU on one read of each
#: of 20 hostile peers, on a machine with other load.
PURE_CROWD_SHARE = 0.5

#: Milliseconds by which a call may exceed its timeout on a quiet machine.
QUIET_LATE_MS = 50

#: ``QUIET_LATE_MS`` for a machine with other load, where a process may wait for a CPU for a second.
#: Before calls had a budget, they exceeded their timeouts by 6 s and more.
LATE_MS = 1500

#: Milliseconds of CPU that a call with a timeout of 200 ms may use. It may spend the whole timeout
#: on messages that it skips.
CALL_CPU_MS = 250

#: KiB of memory that each hostile connection may cost the server: docs/reliability.md promises it.
#: A connection holds at most a read buffer of 128 KiB, a message within RCVBYTES_MAX, and answers.
MEMORY_KB = 1024

#: KiB by which a process grows at first use, for modules and their memory.
SLACK_KB = 2048

#: ``SLACK_KB`` for the pure-Python build, which allocates more small objects.
PURE_SLACK_KB = 8192

#: The type of the hostile peers of each socket type.
PEERS = {
    "PULL": "PUSH",
    "PUSH": "PULL",
    "ROUTER": "DEALER",
    "DEALER": "DEALER",
    "REP": "REQ",
    "REQ": "REP",
    "PAIR": "PAIR",
    "SUB": "PUB",
    "XSUB": "PUB",
    "PUB": "SUB",
    "XPUB": "SUB",
}

#: Options of the attacked sockets without which a flood would be delivered instead of skipped.
OPTIONS = {"SUB": {"subscribe": "wanted"}, "REQ": {"req_relaxed": 1, "req_correlate": 1}}


class Child:
    """A program in a process of its own, with which a test exchanges lines.

    A server has an ``engine``. On the hub engine, gevent monkey-patches its process."""

    def __init__(self, name, *args, engine=None):
        environment = dict(os.environ, ZLINK_ENGINE=engine or "thread", PYTHONPATH=str(ROOT))
        environment.pop("PYZMQ_BACKEND", None)
        patched = ["-m", "gevent.monkey"] if engine == "hub" else []
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [sys.executable, *patched, str(PROGRAMS / name), *map(str, args)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env=environment,
        )
        self.buffer = b""

    def line(self, patience=GUARD):
        """Return the next line of its output.

        If the program ends, or prints nothing for ``patience`` seconds, fail with its stderr.
        """
        end = time.monotonic() + patience
        while b"\n" not in self.buffer:
            left = end - time.monotonic()
            said = b""
            if left > 0 and select.select([self.process.stdout], [], [], left)[0]:
                said = os.read(self.process.stdout.fileno(), 65536)
            if not said:
                self.errors.seek(0)
                raise AssertionError(
                    f"{self.process.args[1:]} says no more (code "
                    f"{self.process.poll()}): {self.errors.read().decode()}"
                )
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
    """Return an endpoint to bind to."""
    return {
        "tcp": "tcp://127.0.0.1:*",
        "tls": "tls://127.0.0.1:*",
        "ws": "ws://127.0.0.1:*/x",
        "wss": "wss://127.0.0.1:*/x",
        "ipc": f"ipc://{folder}/x",
    }[transport]


def target(kind="PULL", transport="tcp", mechanism="NULL", folder="", drains=False, **options):
    """Return the specification of one socket of the server, which peers then attack."""
    return {
        "type": kind,
        "endpoint": bound_at(transport, folder),
        "mechanism": mechanism,
        "drains": drains,
        "options": {**OPTIONS.get(kind, {}), **options},
    }


def serving(engine, *targets):
    """Start a server; return it, and its first line of output decoded from JSON."""
    server = Child("flooded_server.py", json.dumps(targets), engine=engine)
    return server, json.loads(server.line())


def peers(told, kind, mechanism, state, flood, count=1, minor=1, number=0, drains=False):
    """Return the specification of peers that attack target ``number`` of the server.

    ``kind`` is the type of the target.
    """
    return {
        "endpoint": told["targets"][number],
        "type": PEERS[kind],
        "mechanism": mechanism,
        "key": told["key"],
        "state": state,
        "flood": flood,
        "count": count,
        "minor": minor,
        "drains": drains,
    }


def flooding(*specifications):
    """Start a program that runs hostile peers."""
    return Child("flood.py", json.dumps(specifications))


def await_begin(hostile):
    """Wait until the hostile peers have reached the state in which they attack."""
    assert hostile.line() == "ready"


def end(hostile):
    """Stop the hostile peers; return the counts and failures that ``flood.py`` reports."""
    hostile.tell()
    return json.loads(hostile.line())


def asked(told, server, seconds):
    """Run ``asker.py``, the innocent peer, for ``seconds``; return its results."""
    with Child("asker.py", told["echo"], server.process.pid, seconds) as asker:
        return json.loads(asker.line(GUARD + seconds))


def attack(
    engine,
    state,
    flood,
    kind="PULL",
    transport="tcp",
    mechanism="NULL",
    seconds=1.0,
    count=1,
    minor=1,
    folder="",
    **options,
):
    """Let ``count`` hostile peers flood a server while an innocent peer sends it requests.

    Returns
    -------
    dict
        The results of ``asker.py``; ``sent``, ``connections`` and ``ended`` of ``flood.py``;
        ``unexpected``, the unexpected errors that the engine logged or raised in the server;
        and ``stderr`` of the server.
    """
    drains = state == "draining"
    reached = "active" if drains else state
    server, told = serving(engine, target(kind, transport, mechanism, folder, drains, **options))
    with server:
        # Make one connection first: the modules that it loads are not a cost of a hostile peer.
        if not drains:
            with flooding(peers(told, kind, mechanism, "active", "leave", minor=minor)) as first:
                await_begin(first)
                end(first)
        with flooding(
            peers(told, kind, mechanism, reached, flood, count, minor, 0, drains)
        ) as hostile:
            await_begin(hostile)
            if drains:
                await_draining(server)
            found = asked(told, server, seconds)
            found.update(end(hostile))
        server.tell()
        found["unexpected"] = json.loads(server.line())["unexpected"]
        found["stderr"] = server.said_errors()
    return found


def await_draining(server):
    """Wait until the server has queued its own messages and closed its socket.

    What the server spends until then is not a cost of the hostile peers.
    """
    deadline = time.monotonic() + GUARD
    while True:
        server.tell()
        if json.loads(server.line())["draining"]:
            return
        assert time.monotonic() < deadline, "the server has not closed its socket"
        time.sleep(0.01)


#: Once the server's resources have not changed for so many seconds, ``settled`` takes them as
#: final: the server has closed the connections of peers that left.
SETTLED = 0.5

#: Number of processes that send the mixed floods.
PROGRAMS_MIXED = 4

#: Targets as (socket type, transport, mechanism), each with its floods as (state, flood).
MIXED = (
    (
        ("PULL", "tcp", "NULL"),
        (
            ("active", "more"),
            ("active", "ping"),
            ("active", "unknown"),
            ("connected", "leave"),
            ("mechanism", "large_ready"),
        ),
    ),
    (
        ("PULL", "ws", "NULL"),
        (("mechanism", "ws_ping"), ("active", "ws_fragments"), ("active", "ws_ping_small")),
    ),
    (
        ("PULL", "tls", "NULL"),
        (("connected", "key_updates"), ("active", "pong"), ("connected", "garbage")),
    ),
    (
        ("ROUTER", "tcp", "CURVE"),
        (("ready", "more"), ("mechanism", "leave"), ("active", "unknown")),
    ),
    (("PUB", "tcp", "NULL"), (("active", "subscription_pairs"),)),
    (("SUB", "tcp", "NULL"), (("active", "unwanted"),)),
    (("REP", "tcp", "NULL"), (("active", "malformed_requests"),)),
    (
        ("REP", "tcp", "PLAIN"),
        (("mechanism", "second_ready"), ("active", "byte_by_byte"), ("ready", "leave")),
    ),
)


def crowd(engine, seconds, each):
    """Attack one server with ``each`` peers of every flood of ``MIXED`` at once.

    Returns
    -------
    dict
        The results of ``asker.py``; ``peers``, the number of hostile peers; ``before`` and
        ``after``, the resources of the server; ``left``, by how much its descriptors, greenlets
        and threads grew; ``failures``, ``sent`` and ``connections`` of the peers; ``unexpected``
        and ``stderr`` of the server.
    """
    server, told = serving(
        engine,
        *(
            target(kind, transport, mechanism, rcvbytes_max=1 << 20)
            for (kind, transport, mechanism), _ in MIXED
        ),
    )

    def hostile(count):
        mixed = [
            peers(told, kind, mechanism, state, flood, count, number=number)
            for number, ((kind, _, mechanism), floods) in enumerate(MIXED)
            for state, flood in floods
        ]
        return [flooding(*mixed[number::PROGRAMS_MIXED]) for number in range(PROGRAMS_MIXED)]

    with server, contextlib.ExitStack() as programs:
        for program in hostile(1):
            with program:
                await_begin(program)
        before = settled(server, {})
        attackers = [programs.enter_context(each) for each in hostile(each)]
        for program in attackers:
            await_begin(program)
        found = asked(told, server, seconds)
        said = [end(program) for program in attackers]
        after = settled(server, before)
        count = each * sum(len(floods) for _, floods in MIXED)
        return {
            **found,
            "peers": count,
            "before": before,
            "after": after,
            "failures": [failure for one in said for failure in one["failures"]],
            "sent": sum(one["sent"] for one in said),
            "connections": sum(one["connections"] for one in said),
            "left": grown(before, after),
            "unexpected": after["unexpected"],
            "stderr": server.said_errors(),
        }


def grown(before, after):
    return {
        name: after[name] - before[name]
        for name in ("descriptors", "greenlets", "threads")
        if after[name] > before[name]
    }


def settled(server, before):
    """Return the server's resources once they are at most ``before``.

    If ``before`` is empty, return them once they have not changed for ``SETTLED`` seconds. Wait at
    most GUARD seconds."""
    end = time.monotonic() + GUARD
    held, since = None, 0
    while True:
        server.tell()
        now = json.loads(server.line())
        if (before and not grown(before, now)) or time.monotonic() > end:
            return now
        if held is None or grown(now, held) or grown(held, now):
            held, since = now, time.monotonic()
        elif not before and time.monotonic() - since > SETTLED:
            return now
        time.sleep(0.05)


def timed_calls(engine, kind, call, flood, minor=1, count=10, floods=2):
    """Call a socket ``count`` times while ``floods`` peers flood it; return what the calls cost."""
    with Child("flooded_calls.py", kind, call, count, engine=engine) as server:
        told = json.loads(server.line())
        with flooding(peers(told, kind, "NULL", "active", flood, floods, minor)) as hostile:
            await_begin(hostile)
            server.tell()
            return json.loads(server.line())
