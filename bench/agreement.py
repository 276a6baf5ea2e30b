"""``python -m bench.agreement PERF.PY``: does this benchmark agree with pyzmq's own?

pyzmq's released source has ``perf/perf.py``; it measures round trips of REQ/REP, and messages from
a DEALER to a ROUTER. Both are run in turn, round by round, on libzmq and on this project as pyzmq's
backend, unpinned, with unlimited queues and with keywords in the calls as perf.py has them. The
rest of its loop, a look-up or two a message, is not imitated. Exits with 1 if a figure differs by
more than what ``bench.compare`` calls a change.
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
SECONDS = {"trip": 0.5, "rate": 0.1}  # seconds to send; queued messages then arrive later
TRIES = 3  # attempts at a round that other work disturbs
CASES = (  # and the number of perf.py's messages
    (Case("req-rep", "tcp", 64), 20_000),
    (Case("req-rep", "tcp", 64 * KB), 10_000),
    (Case("dealer-router", "tcp", 64), 200_000),
    (Case("dealer-router", "tcp", KB), 200_000),
)
FIGURES = {  # kind: (perf.py's test, its line, to the unit of ours)
    "trip": (
        "lat",
        r"mean latency *: *([\d.]+)",
        2.0,
    ),  # a round trip is two of perf.py's one-way latencies
    "rate": ("thr", r"mean throughput: *([\d.]+) *\[msg/s\]", 1.0),
}


class Quiet:
    """Progress without output."""

    def failed(self, library, error):
        print(f"{library}: {error}", file=sys.stderr)

    def again(self, case, library):
        pass


def free_port():
    """Return a port below those that the kernel assigns, so that it is still free for perf.py."""
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
    """Run one round of our own, in the same unit; return a list of one, or none if it failed."""
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
