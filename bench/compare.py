"""What has changed between two runs, beyond the noise of both."""

from dataclasses import dataclass
from math import hypot
from statistics import median

from bench.results import relative_deviation
from bench.show import words

CHANGE = 0.10  # what is pointed out, beyond the noise
SIGMAS = 2
REFERENCE = "pyzmq"


@dataclass(slots=True)
class Change:
    """One library in one case, then and now.

    Attributes
    ----------
    change : float
        Of the figure, relative and so that more is better: -0.3 for 30% slower.
    noise : float
        What a change may be by chance: two standard errors of both runs' medians.
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

    A machine that is slower today is no regression: where both runs have pyzmq in the case, the
    ratio to it, taken round by round, is compared instead of the figure.

    Parameters
    ----------
    old, new : bench.results.Results

    Returns
    -------
    list of Change
    """
    found = []
    for result in new.cases:
        before = old.result(result.case.name)
        if before is None:
            continue
        for series in result.series:
            if series.library.startswith("zlink"):
                found.append(change(before, result, series.library))
    return [each for each in found if each is not None]


def change(before, after, library):
    case = after.case
    theirs = [values(each, library) for each in (before, after)]
    if not all(theirs):
        return None
    was, now = map(median, theirs)
    factor = now / was if case.more_is_better else was / now
    noise = SIGMAS * hypot(*map(error, theirs))
    figures = [each.of(library).median() for each in (before, after)]
    return Change(case, library, *figures, factor - 1, noise)


def values(result, library):
    """Its ratios to pyzmq round by round, or else its figures."""
    ratio = result.ratio(library, REFERENCE)
    if ratio is not None:
        return ratio.values
    series = result.of(library)
    return [] if series is None or series.error else series.figures()


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
