"""What has changed between two runs, beyond the noise of both."""

from dataclasses import dataclass
from math import hypot
from statistics import median

from bench.results import relative_deviation
from bench.show import words

CHANGE = 0.10  # what is pointed out, beyond the noise
SIGMAS = 2
REFERENCE = "pyzmq"
MACHINE = ("cpu", "cpus", "system")


@dataclass(slots=True)
class Change:
    """One library in one case, then and now.

    Attributes
    ----------
    change : float
        Of the figure or of its ratio to pyzmq, whichever moved less beyond its noise, relative
        and so that more is better: -0.3 for 30% slower.
    noise : float
        What that may be by chance: two standard errors of both runs' medians.
    """

    case: object
    library: str
    before: float
    after: float
    change: float
    noise: float

    @property
    def regressed(self):
        return -self.change > CHANGE + self.noise

    @property
    def improved(self):
        return self.change > CHANGE + self.noise


def changes(old, new):
    """All that both runs have measured of our libraries.

    A machine that is slower today is no regression, nor is a pyzmq that is faster today. Where
    both runs have pyzmq in the case, its figure and its ratio to that, taken round by round,
    must both have moved; if the runs are of different machines, the ratio alone.

    Parameters
    ----------
    old, new : bench.results.Results

    Returns
    -------
    list of Change
    """
    same_machine = all(old.environment.get(key) == new.environment.get(key) for key in MACHINE)
    found = []
    for after in new.cases:
        before = old.result(after.case.name)
        if before is None:
            continue
        for series in after.series:
            if series.library.startswith("zlink"):
                found.append(change(before, after, series.library, same_machine))
    return [each for each in found if each is not None]


def change(before, after, library, same_machine):
    case = after.case
    series = [each.of(library) for each in (before, after)]
    if not all(each is not None and each.median() for each in series):
        return None
    moves = [move(case, *(each.figures() for each in series))]
    ratios = [each.ratio(library, REFERENCE) for each in (before, after)]
    if all(ratios):
        moves.append(move(case, *(each.values for each in ratios)))
        if not same_machine:
            del moves[0]
    least = min(moves, key=lambda each: abs(each[0]) - each[1])
    if any(each[0] * least[0] < 0 for each in moves):  # one up, one down: neither
        least = (0.0, least[1])
    return Change(case, library, *(each.median() for each in series), *least)


def move(case, before, after):
    """The relative change of the median, and its noise."""
    was, now = median(before), median(after)
    factor = now / was if case.more_is_better else was / now
    return factor - 1, SIGMAS * hypot(error(before), error(after))


def error(values):
    """The standard error of the median, about 1.25 of that of the mean, relative."""
    return 1.25 * (relative_deviation(values) or 0) / len(values) ** 0.5


def show(changes):
    """Print what is different, or that nothing is."""
    different = [each for each in changes if each.regressed or each.improved]
    for each in sorted(different, key=lambda each: each.change):
        word = "REGRESSED" if each.regressed else "improved"
        print(f"{word} {each.case.name} {each.library}: {words.figure(each.case, each.before)} -> "
              f"{words.figure(each.case, each.after)} ({each.change:+.0%}, noise {each.noise:.0%})")
    regressed = sum(each.regressed for each in different)
    print(f"{len(changes)} figures compared: {regressed} regressed, "
          f"{len(different) - regressed} improved by more than {CHANGE:.0%} beyond the noise")
