"""The command line, and the settings of quick, default and full runs."""

import argparse
from dataclasses import dataclass

from .adapters import adapter, known


@dataclass(frozen=True, slots=True)
class Mode:
    """The settings of a kind of run.

    Parameters
    ----------
    libraries : tuple of str
    rounds : int
    seconds : float
        How long a round sends.
    timeout : float, seconds
        The time limit for the rest of a round.
    """

    libraries: tuple
    rounds: int
    seconds: float
    timeout: float


MAIN = ("pyzmq", "zmq.green", "pyomq", "raw", "zlink", "zlink-backend")
MODES = {
    "quick": Mode(("pyzmq", "zmq.green", "zlink"), 3, 0.15, 6),
    "default": Mode(MAIN, 5, 0.3, 20),
    "full": Mode(tuple(known()), 3, 0.1, 20),
}


def parser():
    parse = argparse.ArgumentParser(
        prog="python -m bench",
        description="Compare zlinkcompat with libzmq and others. Each end of a case runs in a "
        "process of its own, and the libraries take turns. The result is a table of medians and "
        "ratios.",
    )
    add = parse.add_argument
    size = parse.add_mutually_exclusive_group()
    size.add_argument(
        "--quick", action="store_true", help="measure a few cases, in less than a minute"
    )
    size.add_argument(
        "--full",
        action="store_true",
        help="measure all cases and libraries, and count system calls, in less than an hour; "
        "see --resume",
    )
    add(
        "--case",
        action="append",
        default=[],
        metavar="PATTERN",
        help="measure only cases whose name contains this text or matches this glob (may be "
        "repeated)",
    )
    add(
        "--libs",
        metavar="A,B@VAR=VALUE,...",
        help=f"measure these libraries, of {', '.join(known())}; @ sets environment variables",
    )
    add(
        "--rounds",
        type=positive(int),
        metavar="N",
        help="rounds per case (default 5, quick 3, full 3)",
    )
    add(
        "--seconds",
        type=positive(float),
        metavar="T",
        help="sending time of a round (default 0.3, quick 0.15, full 0.1)",
    )
    add(
        "--timeout",
        type=positive(float),
        metavar="T",
        help="seconds after which a round is killed, in addition to its sending time (default 20, "
        "quick 6)",
    )
    add("--no-pin", action="store_true", help="do not pin each end to a CPU of its own")
    add(
        "--syscalls",
        action="store_true",
        help="also count system calls, in a separate round (needs perf or strace)",
    )
    add(
        "--json",
        metavar="FILE",
        help="write the results of all rounds to this file, also during the run",
    )
    add("--markdown", metavar="FILE", help="write the table to this file")
    add("--report", metavar="DIR", help="write a page with charts to this folder, as index.html")
    add(
        "--resume",
        action="store_true",
        help="continue a run that was stopped, from its --json FILE",
    )
    add(
        "--compare",
        metavar="OLD.json",
        help="print the figures that have changed since an earlier run, by more than 10%% beyond "
        "the noise",
    )
    add("--strict", action="store_true", help="with --compare: exit with 1 if a figure regressed")
    add(
        "--phases",
        action="store_true",
        help="measure each feature of the performance plan turned on and turned off",
    )
    add(
        "--crowded",
        type=positive(int),
        metavar="N",
        default=0,
        help="measure beside N processes that compute all the time, without pinning",
    )
    add(
        "--targets",
        action="store_true",
        help="also print which of the project's targets are reached",
    )
    add(
        "--program",
        nargs=argparse.REMAINDER,
        metavar="A ... -- B ...",
        help="run two commands of yours in turn instead, and compare their wall time, CPU time and "
        "system calls (must be the last option; --rounds, --timeout, --crowded and --json go "
        "before it)",
    )
    add("--list", action="store_true", help="list the cases and end")
    return parse


def program_of(arguments):
    """Return the arguments before ``--program``, and those after it, or None without it."""
    if "--program" not in arguments:
        return arguments, None
    at = arguments.index("--program")
    return arguments[:at], arguments[at + 1 :]


def positive(kind):
    def convert(text):
        value = kind(text)
        if not value > 0:
            raise ValueError
        return value

    convert.__name__ = f"positive {kind.__name__}"
    return convert


def mode_of(options):
    name = "quick" if options.quick else "full" if options.full else "default"
    return name, MODES[name]


def libraries(options, mode):
    """Return the adapters to measure; raise ValueError for an unknown name."""
    names = mode.libraries
    if options.libs:
        names = dict.fromkeys(name.strip() for name in split(options.libs))
    return [adapter(name) for name in names]


def split(text):
    """Split ``A,B@X=1,Y=2,C`` into names.

    A part with ``=`` and without ``@``, such as ``Y=2``, belongs to the name before it.
    """
    names = []
    for part in text.split(","):
        if "=" in part and "@" not in part and names:
            names[-1] += f",{part}"
        else:
            names.append(part)
    return names
