"""What has changed between two runs, beyond the noise of both."""

from dataclasses import dataclass
from math import exp, hypot, log
from statistics import mean, median, variance

from .show import formatting

CHANGE = 0.10  # so much faster or slower is pointed out, beyond the noise
SIGMAS = 3.5  # of some two thousand figures about one is farther off by chance
#: A few rounds tell little of how far rounds lie apart: what they do in the whole run counts as so
#: many more (a moderated variance).
USUAL = 4
#: What stands for the machine: the first that both runs have in a case.
REFERENCES = ("pyzmq", "websockets", "raw")
MACHINE = ("cpu", "cpus", "system")


@dataclass(slots=True)
class Move:
    """How far a median has moved. In logarithms, where a tenth of the speed is as far as ten times.

    Attributes
    ----------
    shift : float
        More is better.
    noise : float
        What that may be by chance: ``SIGMAS`` standard errors of both medians.
    """

    shift: float
    noise: float

    @property
    def change(self):
        """Relative: -0.3 for 30% slower."""
        return exp(self.shift) - 1

    @property
    def regressed(self):
        return self.shift + self.noise < -log(1 + CHANGE)

    @property
    def improved(self):
        return self.shift - self.noise > log(1 + CHANGE)


@dataclass(slots=True)
class Change:
    """One library in one case, then and now.

    Attributes
    ----------
    move : Move
        Of the figure or of its ratio to a reference, whichever moved less beyond its noise.
    """

    case: object
    library: str
    before: float
    after: float
    move: Move


def changes(old, new):
    """All that both runs have measured of our libraries.

    A machine that is slower today is no regression, nor is a pyzmq that is faster today. Where
    both runs have pyzmq in the case, or else another of ``REFERENCES``, the figure and its ratio
    to that, taken round by round, must both have moved; if the runs are of different machines,
    the ratio alone.

    Parameters
    ----------
    old, new : bench.results.Results

    Returns
    -------
    list of Change
    """
    same_machine = all(old.environment.get(key) == new.environment.get(key) for key in MACHINE)
    usual = [deviation(each) for each in (old, new)]
    found = []
    for after in new.cases:
        before = old.result(after.case.name)
        if before is None:
            continue
        for series in after.series:
            if series.library.startswith("zlink"):
                found.append(change(before, after, series.library, same_machine, usual))
    return [each for each in found if each is not None]


def change(before, after, library, same_machine, usual):
    case = after.case
    series = [each.of(library) for each in (before, after)]
    if not all(each is not None and each.median() for each in series):
        return None
    moves = [move(case, *(each.figures() for each in series), usual)]
    for reference in REFERENCES:
        ratios = [each.ratio(library, reference) for each in (before, after)]
        if all(ratios):
            break
    if all(ratios):
        moves.append(move(case, *(each.values for each in ratios), usual))
        if not same_machine:
            del moves[0]
    least = min(moves, key=lambda each: abs(each.shift) - each.noise)
    if any(each.shift * least.shift < 0 for each in moves):  # one up, one down: neither
        least = Move(0.0, least.noise)
    return Change(case, library, *(each.median() for each in series), least)


def move(case, before, after, usual=(None, None)):
    """The :class:`Move` from some figures of a case to others.

    ``usual`` is the :func:`deviation` of both runs, where they have more than this case.
    """
    shift = log(median(after) / median(before)) * (1 if case.more_is_better else -1)
    return Move(shift, SIGMAS * hypot(*map(error, (before, after), usual)))


def deviation(results):
    """How far our libraries' rounds lie apart in a run: of logarithms, the root mean square."""
    squares = [
        variance(map(log, figures))
        for case in results.cases
        for series in case.series
        if series.library.startswith("zlink")
        and len(figures := series.figures()) > 1
        and min(figures) > 0
    ]
    return mean(squares) ** 0.5 if squares else 0.0


def error(values, usual):
    """The standard error of the logarithm's median, about 1.25 of that of its mean."""
    more = len(values) - 1
    squared = variance(map(log, values)) if more else 0.0
    if usual is not None:
        squared = (USUAL * usual**2 + more * squared) / (USUAL + more)
    return 1.25 * (squared / len(values)) ** 0.5


def show(changes):
    """Print what is different, or that nothing is."""
    different = [each for each in changes if each.move.regressed or each.move.improved]
    for each in sorted(different, key=lambda each: each.move.shift):
        word = "REGRESSED" if each.move.regressed else "improved"
        before, after = (formatting.figure(each.case, one) for one in (each.before, each.after))
        print(
            f"{word} {each.case.name} {each.library}: {before} -> {after} "
            f"({each.move.change:+.0%}, noise {each.move.noise:.0%})"
        )
    regressed = sum(each.move.regressed for each in different)
    print(
        f"{len(changes)} figures compared: {regressed} regressed, "
        f"{len(different) - regressed} improved by more than {CHANGE:.0%} beyond the noise"
    )
