"""The results of a run, its cases, series and rounds, and their JSON form."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median, stdev

from . import latency
from .adapters import known
from .cases import MEMORY, TARGETED, Case
from .metrics import METRICS, P50, P99, P999

FORMAT = 1
NOISY = 0.05  # a relative standard deviation above this is shown
OURS = "zlink"  # prefix of the names of our libraries
#: The libraries that comparisons take as the reference for the machine's speed. A case uses the
#: first of them that it has.
REFERENCES = ("pyzmq", "zmq.asyncio", "websockets", "raw")


@dataclass(slots=True)
class Series:
    """The rounds of one library in one case.

    Parameters
    ----------
    library : str
    field : str
        The main figure of the case: "rate", "p50_us" or "bytes".
    rounds : list
        One dict of figures for each round; None if other work disturbed every attempt.
    spoilt : list of dict
        The rounds that were discarded because other work disturbed them. If
        all rounds were disturbed, they are used, and the figures get a mark.
    error : str, optional
        Why the library dropped out of the case.
    syscalls : float, optional
        System calls per message, of all ends together.
    counters : dict of float, optional
        Our debug counters per message, of all ends together.
    """

    library: str
    field: str
    rounds: list = field(default_factory=list)
    spoilt: list = field(default_factory=list)
    error: str | None = None
    syscalls: float | None = None
    counters: dict | None = None

    @property
    def disturbed(self):
        return not any(self.rounds) and bool(self.spoilt)

    def good(self):
        return [each for each in self.rounds if each] or self.spoilt

    def figures(self, name=None):
        """Return the figure ``name`` of each round, by default the main figure of the case."""
        if name == "syscalls":
            return [self.syscalls] if self.syscalls is not None else []
        found = (value_of(each, name or self.field) for each in self.good())
        return [each for each in found if each is not None]

    def median(self, name=None):
        """Return the median of a figure, by default the main one; None if there is none."""
        figures = self.figures(name)
        return median(figures) if figures and not self.error else None

    @property
    def deviation(self):
        """Return the standard deviation, relative to the mean; None for fewer than two rounds."""
        return relative_deviation(self.figures()) if not self.error else None

    def percentiles(self):
        """Return the percentiles of all rounds together; None if the case does not measure
        times."""
        texts = tuple(each["histogram"] for each in self.good() if "histogram" in each)
        return latency.percentiles(texts) if texts and not self.error else None

    def summary(self):
        return {
            "median": self.median(),
            "deviation": self.deviation,
            "percentiles": self.percentiles(),
            **{each.field: self.median(each.field) for each in (P50, P99, P999)},
            "cpu_us": self.median("cpu_us"),
            "user_us": self.median("user_us"),
            "system_us": self.median("system_us"),
            "peak": self.median("peak"),
            "discarded": len(self.spoilt),
            "disturbed": self.disturbed,
        }


def value_of(round_, name):
    """Return a figure of a round, or None."""
    if name == "cpu_us" and name not in round_ and "user_us" in round_:
        return round_["user_us"] + round_["system_us"]  # older runs only have these two
    return round_.get(name)


@dataclass(slots=True)
class CaseResult:
    """The series of all libraries in one case."""

    case: Case
    series: list

    def of(self, library):
        """Return the series of ``library``, or None."""
        return next((each for each in self.series if each.library == library), None)

    def metrics(self):
        """Return the secondary figures that exist in this case."""
        if self.case.kind == "memory":
            return []
        return [
            each
            for each in METRICS
            if each.field != self.case.field
            and any(series.median(each.field) is not None for series in self.series)
        ]

    def ratio(self, library, other, metric=None):
        """Return the :class:`Ratio` of two libraries, or None if one of them has no figure.

        It is the ratio of the case's main figures, or of their figures for ``metric``.
        """
        mine, theirs = self.of(library), self.of(other)
        if mine is None or theirs is None or mine.error or theirs.error:
            return None
        name = metric.field if metric else self.case.field
        pairs = [
            (value_of(a, name), value_of(b, name))
            for a, b in zip(mine.rounds, theirs.rounds, strict=False)
            if a and b
        ]
        values = [a / b for a, b in pairs if a is not None and b]
        # If the figure is not in the rounds, or all rounds were disturbed, use the ratio of the
        # medians.
        if not values:
            medians = mine.median(name), theirs.median(name)
            values = [medians[0] / medians[1]] if medians[0] is not None and medians[1] else []
        return Ratio(self.case, library, other, values, metric) if values else None


@dataclass(slots=True)
class Ratio:
    """The ratio of a library's figure to another library's, computed for each round."""

    case: Case
    library: str
    other: str
    values: list
    metric: object = None

    @property
    def value(self):
        return median(self.values)

    @property
    def deviation(self):
        return relative_deviation(self.values)

    @property
    def gain(self):
        """Return how many times better ``library`` is. Above 1 it is ahead, even if less is
        better."""
        if (self.metric or self.case).more_is_better:
            return self.value
        return 1 / self.value if self.value else float("inf")

    @property
    def target(self):
        return dict(self.case.targets).get(self.other) if self.metric is None else None

    @property
    def reached(self):
        """Return whether the target is reached, or None if there is no target."""
        if self.target is None:
            return None
        return self.value >= self.target if self.case.more_is_better else self.value <= self.target


@dataclass(slots=True)
class Results:
    """The results of a run.

    Parameters
    ----------
    environment : dict
    settings : dict
        ``mode``, ``rounds``, ``seconds``, ``pinned``.
    libraries : dict
        For each name the library's versions and build, or ``{"missing": reason}``.
    cases : list of CaseResult
    duration : float, seconds
        How long the measurement took, including earlier parts of a resumed run; 0 if an old file
        does not have it.
    """

    environment: dict
    settings: dict
    libraries: dict
    cases: list = field(default_factory=list)
    duration: float = 0.0

    @property
    def measured(self):
        """Return the libraries that are not missing."""
        return [name for name, about in self.libraries.items() if "missing" not in about]

    @property
    def subject(self):
        """Return the library that others are compared with: ``zlink``, or else the first of ours,
        or else the last one."""
        ours = [name for name in self.measured if name.startswith(OURS)]
        return "zlink" if "zlink" in ours else (ours or self.measured[-1:] or [None])[0]

    @property
    def others(self):
        return [name for name in self.measured if name != self.subject]

    def ours(self, result, other):
        """Return our library that is compared with ``other`` in a case, or None.

        This is the one for the same kind of programs, or else the subject, or else the first of
        ours.
        """
        adapter = known().get(other.partition("@")[0])
        wanted = (adapter.counterpart if adapter else None, self.subject, *self.measured)
        return next((name for name in wanted if self.is_ours(result, name, other)), None)

    def is_ours(self, result, name, other):
        ours = name is not None and (name == self.subject or name.startswith(OURS))
        return ours and name != other and result.of(name) is not None

    def against(self, result, other, metric=None):
        """Return the :class:`Ratio` of our library to ``other`` in a case, or None if there is
        none."""
        ours = self.ours(result, other) if other != self.subject else None
        return result.ratio(ours, other, metric) if ours else None

    def reference(self, result):
        """Return the first of ``REFERENCES`` that has a figure in the case, or None."""
        for name in REFERENCES:
            series = result.of(name)
            if series is not None and series.median() is not None:
                return name
        return None

    def result(self, name):
        return next((each for each in self.cases if each.case.name == name), None)

    def failures(self):
        """Return pairs of a case and a series that failed in it."""
        return [
            (each.case, series) for each in self.cases for series in each.series if series.error
        ]

    def discarded(self):
        return sum(len(series.spoilt) for each in self.cases for series in each.series)


def relative_deviation(values):
    return stdev(values) / mean(values) if len(values) > 1 and mean(values) else None


def as_dict(results):
    return {
        "format": FORMAT,
        "environment": results.environment,
        "settings": results.settings,
        "libraries": results.libraries,
        "subject": results.subject,
        "duration_s": results.duration,
        "cases": [case_as_dict(each, results) for each in results.cases],
    }


def case_as_dict(result, results):
    case = result.case
    ratios = []
    for other in results.others:
        for metric in (None, *result.metrics()):
            ratio = results.against(result, other, metric)
            if ratio is not None:
                ratios.append(
                    {
                        "of": ratio.library,
                        "to": other,
                        "figure": metric.field if metric else case.field,
                        "ratio": ratio.value,
                        "deviation": ratio.deviation,
                        "target": ratio.target,
                        "reached": ratio.reached,
                    }
                )
    return {
        "case": case.name,
        "pattern": case.pattern,
        "transport": case.transport,
        "size": case.size,
        "kind": case.kind,
        "libraries": [
            {
                "library": series.library,
                "summary": series.summary(),
                "error": series.error,
                "syscalls": series.syscalls,
                "counters": series.counters,
                "rounds": series.rounds,
                "spoilt": series.spoilt,
            }
            for series in result.series
        ],
        "ratios": ratios,
    }


def from_dict(text):
    if text.get("format") != FORMAT:
        raise ValueError(f"format {text.get('format')!r}, not {FORMAT}")
    results = Results(
        text["environment"],
        text["settings"],
        text["libraries"],
        duration=text.get("duration_s", 0.0),
    )
    for each in text["cases"]:
        case = Case(each["pattern"], each["transport"], each["size"])
        case = {**TARGETED, MEMORY.name: MEMORY}.get(case.name, case)
        results.cases.append(
            CaseResult(
                case,
                [
                    Series(
                        one["library"],
                        case.field,
                        one["rounds"],
                        one["spoilt"],
                        one["error"],
                        one["syscalls"],
                        one.get("counters"),
                    )
                    for one in each["libraries"]
                ],
            )
        )
    return results


def save(results, path):
    """Write the results to ``path`` atomically."""
    path = Path(path)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(as_dict(results), indent=1) + "\n")
    os.replace(part, path)


def load(path):
    """Return the results that :func:`save` wrote to ``path``.

    Raises
    ------
    OSError
    ValueError
        The file does not contain such results.
    """
    try:
        return from_dict(json.loads(Path(path).read_text()))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path}: not the results of python -m bench --json ({error})")
