"""Find changes between two runs that exceed the noise of both."""

from dataclasses import dataclass
from math import exp, hypot, log
from statistics import mean, median, variance

from .metrics import METRICS
from .results import OURS, REFERENCES
from .show import formatting

CHANGE = 0.10  # a change is reported if it is larger than this, beyond the noise
SIGMAS = 3.5  # about one of two thousand figures is farther off by chance
#: The variance of a few rounds is uncertain. So the variance in the whole run is averaged with it,
#: as if it came from this many further rounds (a moderated variance).
USUAL = 4
MACHINE = ("cpu", "cpus", "system")


@dataclass(slots=True)
class Move:
    """How far a median has moved, in logarithms.

    Attributes
    ----------
    shift : float
        The difference of the logarithms; above 0 if the new figure is better. A tenth of the speed
        is as far away as ten times the speed.
    noise : float
        How large the shift may be by chance: ``SIGMAS`` standard errors of both medians.
    """

    shift: float
    noise: float

    @property
    def change(self):
        """Return the relative change: -0.3 for 30% slower."""
        return exp(self.shift) - 1

    @property
    def regressed(self):
        return self.shift + self.noise < -log(1 + CHANGE)

    @property
    def improved(self):
        return self.shift - self.noise > log(1 + CHANGE)


@dataclass(slots=True)
class Change:
    """The results of one library in one case, in both runs.

    Attributes
    ----------
    move : Move
        The move of the figure, or of its ratio to a reference: the one that moved less beyond its
        noise.
    """

    case: object
    library: str
    before: float
    after: float
    move: Move
    metric: object = None

    @property
    def what(self):
        """Return the library, and which of its figures is compared."""
        return f"{self.library} {self.metric.label}" if self.metric else self.library

    def text(self, value):
        return self.metric.text(value) if self.metric else formatting.figure(self.case, value)


def changes(old, new):
    """Compare our libraries in both runs: main figures, latencies, CPU time and system calls.

    A slower machine is not a regression, and neither is a faster pyzmq. So a change counts only if
    both the figure and its ratio to a reference have moved. The reference is pyzmq, or another of
    ``REFERENCES`` if one of the runs does not have pyzmq in the case. Ratios are taken round by
    round. If the runs come from different machines, only the ratio is compared. A secondary figure
    that only one of the runs has is not compared.

    Parameters
    ----------
    old, new : bench.results.Results

    Returns
    -------
    list of Change
    """
    same_machine = all(old.environment.get(key) == new.environment.get(key) for key in MACHINE)
    found = []
    for metric in (None, *METRICS):
        usual = [deviation(each, metric) for each in (old, new)]
        for after in new.cases:
            before = old.result(after.case.name)
            if before is None or (metric and metric not in after.metrics()):
                continue
            for series in after.series:
                if series.library.startswith(OURS):
                    found.append(change(before, after, series.library, same_machine, usual, metric))
    return [each for each in found if each is not None]


def change(before, after, library, same_machine, usual, metric=None):
    case = after.case
    name = metric.field if metric else None
    series = [each.of(library) for each in (before, after)]
    if not all(each is not None and each.median(name) for each in series):
        return None
    medians = [each.median(name) for each in series]
    if metric and max(medians) < metric.least:
        return None
    moves = [move(metric or case, *(each.figures(name) for each in series), usual)]
    for reference in REFERENCES:
        ratios = [each.ratio(library, reference, metric) for each in (before, after)]
        if all(ratios) and all(each.value for each in ratios):
            moves.append(move(metric or case, *(each.values for each in ratios), usual))
            if not same_machine:
                del moves[0]
            break
    least = min(moves, key=lambda each: abs(each.shift) - each.noise)
    # The figure and the ratio moved in opposite directions, so this is not a change.
    if any(each.shift * least.shift < 0 for each in moves):
        least = Move(0.0, least.noise)
    if metric:
        least.noise = hypot(least.noise, 2 * metric.uncertainty)
    return Change(case, library, *medians, least, metric)


def move(what, before, after, usual=(None, None)):
    """Return the :class:`Move` from the figures ``before`` to the figures ``after``.

    ``what`` is the case or the metric. ``usual`` has the :func:`deviation` of both runs, if the
    runs have more cases than this one.
    """
    shift = log(median(after) / median(before)) * (1 if what.more_is_better else -1)
    return Move(shift, SIGMAS * hypot(*map(error, (before, after), usual)))


def deviation(results, metric=None):
    """Return the standard deviation of our libraries' rounds in a run, of logarithms, averaged over
    all cases."""
    name = metric.field if metric else None
    squares = [
        variance(map(log, figures))
        for case in results.cases
        for series in case.series
        if series.library.startswith(OURS)
        and len(figures := series.figures(name)) > 1
        and min(figures) > 0
    ]
    return mean(squares) ** 0.5 if squares else 0.0


def error(values, usual):
    """Return the standard error of the logarithms' median, which is about 1.25 times that of their
    mean."""
    values = [each for each in values if each > 0]
    more = len(values) - 1
    squared = variance(map(log, values)) if more > 0 else 0.0
    if usual is not None:
        squared = (USUAL * usual**2 + more * squared) / (USUAL + more)
    return 1.25 * (squared / len(values)) ** 0.5


def show(changes):
    """Print the differences, or that there are none."""
    different = [each for each in changes if each.move.regressed or each.move.improved]
    for each in sorted(different, key=lambda each: each.move.shift):
        word = "REGRESSED" if each.move.regressed else "improved"
        before, after = map(each.text, (each.before, each.after))
        print(
            f"{word} {each.case.name} {each.what}: {before} -> {after} "
            f"({each.move.change:+.0%}, noise {each.move.noise:.0%})"
        )
    regressed = sum(each.move.regressed for each in different)
    print(
        f"{len(changes)} figures compared: {regressed} regressed, "
        f"{len(different) - regressed} improved by more than {CHANGE:.0%} beyond the noise"
    )
