"""The command line, and the settings of each size of run."""

import argparse
from dataclasses import dataclass

from .adapters import adapter, known


@dataclass(frozen=True, slots=True)
class Mode:
    """A size of run: its libraries, rounds, seconds of sending in a round, and time for the rest
    of a round, in seconds."""

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
        description="zlinkcompat against libzmq and others: each end of a case in a process of "
        "its own, the libraries in turn, medians and ratios in a table.",
    )
    add = parse.add_argument
    size = parse.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="few cases: under a minute")
    size.add_argument(
        "--full",
        action="store_true",
        help="every case and library, and system calls: under an hour; see --resume",
    )
    add(
        "--case",
        action="append",
        default=[],
        metavar="PATTERN",
        help="only cases whose name has this part or matches this glob (may be given again)",
    )
    add(
        "--libs",
        metavar="A,B@VAR=VALUE,...",
        help=f"of {', '.join(known())}; @ sets environment variables",
    )
    add("--rounds", type=positive(int), metavar="N", help="rounds per case (default 5, else 3)")
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
        help="seconds after which a round is killed, beyond its sending time (default 20, quick 6)",
    )
    add("--no-pin", action="store_true", help="do not give each end a CPU of its own")
    add(
        "--syscalls",
        action="store_true",
        help="also count system calls, in a round of their own (needs perf or strace)",
    )
    add("--json", metavar="FILE", help="write every round there, after each case")
    add("--markdown", metavar="FILE", help="write the table there")
    add("--report", metavar="DIR", help="write a page with charts there, as index.html")
    add("--resume", action="store_true", help="go on where the run that wrote --json was stopped")
    add(
        "--compare",
        metavar="OLD.json",
        help="tell what has changed since an earlier run by more than 10%% beyond the noise",
    )
    add("--strict", action="store_true", help="with --compare: exit with 1 if anything regressed")
    add(
        "--phases",
        action="store_true",
        help="each feature flag of the performance plan on against off",
    )
    add(
        "--crowded",
        type=positive(int),
        metavar="N",
        default=0,
        help="measure beside N processes that compute all the time; nothing is pinned then",
    )
    add("--targets", action="store_true", help="also tell which of the project's aims are reached")
    add(
        "--program",
        nargs=argparse.REMAINDER,
        metavar="A ... -- B ...",
        help="compare two commands of yours instead: wall time, CPU and system calls, in turn "
        "(last option; --rounds, --timeout, --crowded and --json go before it)",
    )
    add("--list", action="store_true", help="list the cases and end")
    return parse


def program_of(arguments):
    """Split off the arguments after ``--program``: (the rest, those arguments or None)."""
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
    """Split ``A,B@X=1,Y=2,C``: a part with = and without @ belongs to the name before it."""
    names = []
    for part in text.split(","):
        if "=" in part and "@" not in part and names:
            names[-1] += f",{part}"
        else:
            names.append(part)
    return names
