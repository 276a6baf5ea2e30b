"""``python -m bench.agreement PERF.PY``: compare this benchmark's results with those of pyzmq's.

pyzmq's sdist has the benchmark ``perf/perf.py``. It measures round trips of REQ/REP, and messages
from a DEALER to a ROUTER. Both benchmarks run in turn, round by round, once on libzmq and once on
this project as pyzmq's backend. Ours is set up like perf.py: without pinning, with unlimited
queues, and with keyword arguments in the calls. Only one difference remains: perf.py's loop makes
one or two more look-ups per message. The program exits with 1 if a figure differs by more than
``bench.compare`` would report as a change.
"""

import os
import re
import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack, suppress
from random import randrange
from statistics import median

from .adapters import adapter
from .cases import KB, Case
from .compare import move
from .processes import ForkServer
from .results import Series
from .run import Run
from .show import formatting

LIBRARIES = ("pyzmq", "zlink-backend")
ROUNDS = 7
SECONDS = {"trip": 0.5, "rate": 0.1}  # of sending; the messages in the queues arrive after it
TRIES = 3  # attempts at a round that other work disturbs
CASES = (  # each with the number of messages for perf.py
    (Case("req-rep", "tcp", 64), 20_000),
    (Case("req-rep", "tcp", 64 * KB), 10_000),
    (Case("dealer-router", "tcp", 64), 200_000),
    (Case("dealer-router", "tcp", KB), 200_000),
)
FIGURES = {  # kind: (test of perf.py, pattern of its line of output, factor to our unit)
    "trip": (
        "lat",
        r"mean latency *: *([\d.]+)",
        2.0,
    ),  # perf.py prints half a round trip
    "rate": ("thr", r"mean throughput: *([\d.]+) *\[msg/s\]", 1.0),
}


class Quiet:
    """The progress display of a run, which prints failures only."""

    def failed(self, library, error):
        print(f"{library}: {error}", file=sys.stderr)

    def again(self, case, library):
        pass


def free_port():
    """Return a free port below the kernel's ephemeral ports, so nothing takes it before perf.py
    does."""
    while True:
        port = randrange(20_000, 30_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def theirs(perf, library, case, count):
    """Run perf.py once on ``library``; return microseconds, or messages per second."""
    test, line, factor = FIGURES[case.kind]
    url = f"tcp://127.0.0.1:{free_port()}"
    done = subprocess.run(
        [sys.executable, perf, test, "-s", str(case.size), "-n", str(count), "--url", url],
        env={**os.environ, **adapter(library).environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return float(re.search(line, done.stdout)[1]) * factor


def ours(run, forkserver, case):
    """Run one round of our benchmark; return a list with its figure, in the unit of :func:`theirs`.
    The list is empty if the round failed."""
    series = Series(forkserver.adapter.name, "mean_us" if case.kind == "trip" else case.field)
    run.allowance = TRIES
    run.attempt(series, run.play, forkserver, case, series)
    return series.figures()


def main(perf):
    agreed = True
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
        forkservers = [
            stack.enter_context(ForkServer(adapter(f"{name}@BENCH_AS_PERF=1")))
            for name in LIBRARIES
        ]
        for case, count in CASES:
            seconds = SECONDS[case.kind]
            run = Run([], ROUNDS, seconds, 30, False, None, (), TRIES, folder, Quiet())
            for name, forkserver in zip(LIBRARIES, forkservers, strict=True):
                mine, others = [], []
                for _ in range(ROUNDS):
                    mine += ours(run, forkserver, case)
                    others.append(theirs(perf, name, case, count))
                moved = move(case, others, mine)
                same = not (moved.regressed or moved.improved)
                agreed = agreed and same
                print(
                    f"{case.name} {name}: "
                    f"perf.py {formatting.figure(case, median(others))}, "
                    f"bench {formatting.figure(case, median(mine))} ({moved.change:+.0%}, "
                    f"noise {moved.noise:.0%}): {'agree' if same else 'DIFFER'}",
                    flush=True,
                )
    return 0 if agreed else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
