"""The secondary figures of a case: latencies, CPU time and system calls."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Metric:
    """A secondary figure, for which less is better.

    Parameters
    ----------
    field : str
        The key of the figure in a round, or the name of the attribute of a series.
    label : str
        The name in tables, charts and the output of ``--compare``.
    unit : str
    uncertainty : float
        The relative error of a single value, for a figure that is counted once and not in every
        round.
    least : float
        Values below this do not matter, and are not compared between runs.
    """

    field: str
    label: str
    unit: str = " us"
    uncertainty: float = 0.0
    least: float = 0.0

    more_is_better = False

    def text(self, value):
        return "-" if value is None else f"{short(value)}{self.unit}"


def short(value):
    """Format a number with three digits, and never as a power of ten."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


P50 = Metric("p50_us", "p50")
P99 = Metric("p99_us", "p99")
P999 = Metric("p999_us", "p99.9")
CPU = Metric("cpu_us", "CPU/message")
CALLS = Metric("syscalls", "calls/message", "", uncertainty=0.25, least=0.05)
METRICS = (P50, P99, P999, CPU, CALLS)
