"""Rounds of one case: every library in turn, then the next round."""

import os
import tempfile
from dataclasses import dataclass, field
from statistics import median

from bench.link import PeerFailed, converse
from bench.machine import OtherWork

NOISY = 0.10  # of all CPUs: a round trip then waits for a CPU, and the figure is of the machine
FIELD = {"rate": "rate", "trip": "p50_us", "memory": "bytes"}


@dataclass(slots=True)
class Series:
    """The rounds of one library in one case.

    ``rounds`` holds what the peers told; ``noisy`` the rounds that other work spoilt, which count
    only (and say so) if there is no other.
    """

    library: str
    kind: str
    rounds: list = field(default_factory=list)
    noisy: list = field(default_factory=list)
    error: str | None = None

    @property
    def is_noisy(self):
        return not self.rounds and bool(self.noisy)

    def median(self, name=None):
        """The median of a figure, by default the one that the case is about; None without one."""
        name = name or FIELD[self.kind]
        figures = [each[name] for each in self.rounds or self.noisy]
        return median(figures) if figures and not self.error else None

    def as_dict(self):
        return {
            "library": self.library,
            "median": self.median(),
            "p99_us": self.median("p99_us") if self.kind == "trip" else None,
            "rounds": self.rounds,
            "discarded": len(self.noisy),
            "noisy": self.is_noisy,
            "error": self.error,
        }


def run_case(case, libraries, rounds, seconds, timeout, repeats, note):
    """Measure ``case``.

    Parameters
    ----------
    case : Case
    libraries : sequence of str
    rounds : int
    seconds : float
        How long a round sends, without start and end of the processes.
    timeout : float, seconds
        For a round; one that takes longer is a failure, and its library is out of this case.
    repeats : int
        How many discarded rounds a library may repeat.
    note : callable
        Told of what goes on, in a line.

    Returns
    -------
    list of Series
        Those of the libraries that can do this case.
    """
    all_series = [Series(name, case.kind) for name in libraries if case.runs_on(name)]
    for number in range(rounds):
        for series in all_series:
            if series.error:
                continue
            note(f"{case.name}  round {number + 1}/{rounds}  {series.library}")
            try:
                while not play(series, case, seconds, timeout) and len(series.noisy) <= repeats:
                    note(f"{case.name}  again, other work took CPU  {series.library}")
            except PeerFailed as error:
                series.error = str(error)
                note(f"{case.name}  FAILED  {series.library}: {error}")
    return all_series


def play(series, case, seconds, timeout):
    """Run one round; returns whether it counts."""
    others = OtherWork()
    result = play_once(series.library, case, seconds, timeout)
    share = others.share()
    result["other_work"] = share
    if case.kind == "trip" and share is not None and share > NOISY:
        series.noisy.append(result)
        return False
    series.rounds.append(result)
    return True


def play_once(library, case, seconds, timeout):
    spec = {
        "library": library,
        "pattern": case.pattern,
        "transport": case.transport,
        "size": case.size,
        "seconds": seconds,
    }
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        spec["address"] = address(library, case, folder)
        roles = ("both",) if case.transport == "inproc" else ("bind", "connect")
        result = converse([{**spec, "role": role} for role in roles], timeout)
    if result["sent"] != result["received"]:
        raise PeerFailed(f"{library}: {result['sent']} sent, {result['received']} received")
    return result


def address(library, case, folder):
    path = os.path.join(folder, "s")
    if library == "raw":
        return path if case.transport == "ipc" else "tcp"
    return {"tcp": "tcp://127.0.0.1:*", "ipc": f"ipc://{path}", "inproc": "inproc://bench"}[
        case.transport
    ]
