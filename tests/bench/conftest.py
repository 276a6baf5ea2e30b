"""Fixtures for the tests of the benchmark."""

from contextlib import ExitStack

import pytest

from bench import latency
from bench.adapters import adapter
from bench.cases import TARGETED, Case
from bench.processes import ForkServer
from bench.results import CaseResult, Results, Series
from bench.run import Run

RATE = TARGETED["push-pull/tcp/64B"]
TRIP = TARGETED["req-rep/tcp/64B"]


class Silent:
    """Progress that prints nothing and records the failures."""

    def __init__(self):
        self.failures = []

    def at(self, case, number, library):
        pass

    def again(self, case, library):
        pass

    def failed(self, library, error):
        self.failures.append((library, error))


@pytest.fixture(scope="session")
def forkserver():
    """``forkserver(name)`` returns the forkserver of a library, which is started only once.

    It skips the test if the library is not installed.
    """
    with ExitStack() as stack:
        started = {}

        def get(name):
            if name not in started:
                started[name] = stack.enter_context(ForkServer(adapter(name)))
            found = started[name]
            if found.missing and found.missing.startswith("not installed"):
                pytest.skip(f"{name}: {found.missing}")
            return found

        yield get


@pytest.fixture
def tiny(tmp_path):
    """Return a function that runs a case with few messages, and returns its CaseResult."""

    def measure(forkservers, case, rounds=1, timeout=100, counting=None):
        families = [[each] for each in forkservers]
        run = Run(
            families, rounds, 0.02, timeout, True, counting, {case.name}, 0, str(tmp_path), Silent()
        )
        result = run.empty(case)
        for number in range(1, rounds + 1):
            run.round(result, number)
        if counting:
            run.count_calls(result)
        return result

    return measure


def series(library, field, *figures, **more):
    """Return a series with these figures; None is a round that failed."""
    return Series(
        library, field, [each if each is None else {field: each} for each in figures], **more
    )


def results(*cases, libraries=("pyzmq", "zlink")):
    """Return the results of a run; each of ``cases`` is a Case and its series."""
    return Results(
        {
            "system": "S",
            "cpu": "C",
            "cpus": 2,
            "governor": "g",
            "python": "P",
            "commit": "c",
            "date": "d",
            "flags": {},
        },
        {"mode": "quick", "rounds": 3, "seconds": 0.1, "pinned": True},
        {name: {"version": "1"} for name in libraries},
        [CaseResult(case, list(all_series)) for case, *all_series in cases],
    )


@pytest.fixture
def run():
    """Return a run with three cases: one that is ahead, one that is behind, one that failed."""
    trip = {
        "p50_us": 10.0,
        "user_us": 1.0,
        "system_us": 2.0,
        "peak": 5e7,
        "histogram": latency.encoded([10_000, 11_000, 50_000]),
    }
    return results(
        (RATE, series("pyzmq", "rate", 1e6, 1e6), series("zlink", "rate", 4e6, 4e6)),
        (
            Case("push-pull", "tcp", 256),
            series("pyzmq", "rate", 1e6, 1e6),
            series("zlink", "rate", 5e5, 5e5, syscalls=0.2),
        ),
        (
            TRIP,
            series("pyzmq", "p50_us", error="hung <here>"),
            Series("zlink", "p50_us", [trip, trip]),
        ),
    )
