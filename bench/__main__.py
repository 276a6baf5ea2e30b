"""``python -m bench``: measure, print a table, exit 1 if anything failed."""

import argparse
import json
import signal
import sys

from bench import table
from bench.cases import chosen
from bench.machine import machine, probe
from bench.run import run_case

SUBJECT = "zlinkcompat"
QUICK_LIBRARIES = ["zmq", "zmq.green", SUBJECT]
LIBRARIES = ["zmq", "zmq.green", "pyomq", "raw", SUBJECT]
OPTIONAL = {"pyomq"}


def parser():
    parse = argparse.ArgumentParser(
        prog="python -m bench",
        description="zlinkcompat against libzmq and others: each end of a case in a process of "
        "its own, the libraries in turn, medians and ratios in a table.",
        epilog="Round trips are p50 (p99). A round-trip round during which other work took over "
        "10%% of the CPUs is discarded and repeated.",
    )
    add = parse.add_argument
    add("--quick", action="store_true", help="few cases, short rounds: under a minute")
    add("--case", action="append", default=[], metavar="PATTERN",
        help="only cases whose name has this part or matches this glob (may be given again)")
    add("--libs", metavar="A,B,C",
        help="module names, and 'raw' for plain sockets; the last is compared with the others")
    add("--rounds", type=int, metavar="N", help="rounds per case (default 5, quick 2)")
    add("--seconds", type=float, metavar="T", help="sending time of a round (default 0.5, "
        "quick 0.25)")
    add("--timeout", type=float, metavar="T",
        help="seconds after which a round is killed, beyond its sending time (default 30, "
        "quick 6)")
    add("--memory", action="store_true", help="also the memory of 3000 idle connections")
    add("--json", metavar="FILE", help="write every round there")
    add("--list", action="store_true", help="list the cases and end")
    return parse


def importable(names, asked):
    """The libraries to run and what each tells of itself; the missing ones are told apart.

    Returns
    -------
    (list of str, dict, bool)
        Names, name to what :func:`bench.machine.probe` found, and whether one is missing
        that should not be.
    """
    found = {name: probe(name) for name in dict.fromkeys(names)}
    missing = {name for name in found if "error" in found[name]}
    return [name for name in names if name not in missing], found, bool(
        missing - (set() if asked else OPTIONAL)
    )


def head(about, libraries):
    yield f"{about['system']}, {about['cpu']}, {about['cpus']} CPUs, {about['python']}"
    for name, found in libraries.items():
        if "error" in found:
            yield f"{name}: not importable: {found['error']}"
        else:
            yield f"{name}: " + ", ".join(f"{key} {value}" for key, value in found.items())


def note(text):
    print(text, file=sys.stderr, flush=True)


def terminated(number, frame):
    raise SystemExit(128 + number)  # an exception, so that the peers are killed on the way


def main(argv=None):
    options = parser().parse_args(argv)
    signal.signal(signal.SIGTERM, terminated)
    memory = options.memory or options.list
    cases = chosen(options.case, options.quick, memory)
    if options.list:
        for case in cases:
            print(case.name)
        return 0
    if not cases:
        note("no case has such a name; see --list")
        return 2
    if options.libs:
        names = [name.strip() for name in options.libs.split(",")]
    else:
        names = QUICK_LIBRARIES if options.quick else LIBRARIES
    rounds = options.rounds or (2 if options.quick else 5)
    seconds = options.seconds or (0.25 if options.quick else 0.5)
    timeout = options.timeout or (6 if options.quick else 30)
    about = machine()
    subject = names[-1]
    names, found, failed = importable(names, bool(options.libs))
    for line in head(about, found):
        print(line)
    sys.stdout.flush()
    if not names:
        return 1

    results = []
    for case in cases:
        all_series = run_case(
            case, names, rounds, seconds,
            timeout=timeout + 2 * seconds,
            repeats=1 if options.quick else rounds,
            note=note,
        )
        results.append((case, all_series))
        failed = failed or any(series.error for series in all_series)

    # A missing subject keeps its column, so that no other is judged in its place.
    report = table.Report(names if subject == names[-1] else [*names, subject], results)
    print(f"Medians of {rounds} rounds of {seconds:g} s; vs: {report.subject} to the other")
    table.show(report.headers(), report.rows())
    foot(results)
    if options.json:
        with open(options.json, "w") as file:
            json.dump({
                "machine": about, "libraries": found, "subject": report.subject,
                "rounds": rounds, "seconds": seconds, "cases": report.cases(),
            }, file, indent=1)
    return 1 if failed else 0


def foot(results):
    everything = [(case, series) for case, all_series in results for series in all_series]
    discarded = sum(len(series.noisy) for _, series in everything)
    print(f"Discarded for other work on the CPUs: {discarded} round-trip rounds")
    if any(series.is_noisy for _, series in everything):
        print("?: every round was disturbed, so the figure is of those")
    for case, series in everything:
        if series.error:
            print(f"FAILED {case.name} {series.library}: {series.error}")


if __name__ == "__main__":
    sys.exit(main())
