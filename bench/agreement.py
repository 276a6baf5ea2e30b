"""``python -m bench.agreement PERF.PY``: does this benchmark agree with pyzmq's own?

pyzmq's released source has ``perf/perf.py``; it measures round trips of REQ/REP, and messages from
a DEALER to a ROUTER. Both are run in turn, round by round, on libzmq and on this project as pyzmq's
backend, unpinned as perf.py is. Exits with 1 if a figure differs by more than what
``bench.compare`` calls a change.
"""

import os
import re
import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from statistics import median

from bench.adapters import adapter
from bench.cases import KB, Case
from bench.compare import move
from bench.link import Nursery
from bench.results import Series
from bench.run import Run
from bench.show import words

LIBRARIES = ("pyzmq", "zlink-backend")
ROUNDS = 7
SECONDS = 0.5
TRIES = 3  # of a round that other work spoils
CASES = (  # and the number of perf.py's messages, about what goes in SECONDS
    (Case("req-rep", "tcp", 64), 5_000),
    (Case("req-rep", "tcp", 64 * KB), 3_000),
    (Case("dealer-router", "tcp", 64), 200_000),
    (Case("dealer-router", "tcp", KB), 200_000),
)
FIGURES = {  # kind: (perf.py's test, its line, to the unit of ours)
    "trip": ("lat", r"mean latency *: *([\d.]+)", 2.0),  # it halves a round trip
    "rate": ("thr", r"mean throughput: *([\d.]+) *\[msg/s\]", 1.0),
}


class Quiet:
    """Progress that nobody watches."""

    def failed(self, library, error):
        print(f"{library}: {error}", file=sys.stderr)

    def again(self, case, library):
        pass


def theirs(perf, library, case, count):
    """One run of perf.py on ``library``: microseconds, or messages per second."""
    test, line, factor = FIGURES[case.kind]
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    done = subprocess.run(
        [sys.executable, perf, test, "-s", str(case.size), "-n", str(count), "--url", url],
        env={**os.environ, **adapter(library).environment}, capture_output=True, text=True,
        timeout=60, check=True,
    )
    return float(re.search(line, done.stdout)[1]) * factor


def ours(run, nursery, case):
    """One round of our own, in the same unit; a list of one, or none if it failed."""
    series = Series(nursery.adapter.name, "mean_us" if case.kind == "trip" else case.field)
    run.allowance = TRIES
    run.attempt(series, run.play, nursery, case, series)
    return series.figures()


def main(perf):
    agreed = True
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
        nurseries = [stack.enter_context(Nursery(adapter(name))) for name in LIBRARIES]
        run = Run([], ROUNDS, SECONDS, 30, False, None, (), TRIES, folder, Quiet())
        for case, count in CASES:
            for nursery in nurseries:
                mine, others = [], []
                for _ in range(ROUNDS):
                    mine += ours(run, nursery, case)
                    others.append(theirs(perf, nursery.adapter.name, case, count))
                moved = move(case, others, mine)
                same = not (moved.regressed or moved.improved)
                agreed = agreed and same
                print(f"{case.name} {nursery.adapter.name}: "
                      f"perf.py {words.figure(case, median(others))}, "
                      f"bench {words.figure(case, median(mine))} ({moved.change:+.0%}, "
                      f"noise {moved.noise:.0%}): {'agree' if same else 'DIFFER'}", flush=True)
    return 0 if agreed else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
