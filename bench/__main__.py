"""``python -m bench``: measure the cases, print a table, and exit with 1 if a case failed."""

import os
import signal
import sys
import tempfile
import time
from contextlib import ExitStack, nullcontext
from pathlib import Path

from . import cases, compare, machine, options, phases, program, results, syscalls
from .busy import BusyProcesses
from .processes import ForkServer
from .run import Run
from .show import formatting, markdown, terminal

# The most rounds that may be repeated because other work disturbed them, as a share of all.
REPEATS = 0.2
FORKSERVERS = 5  # of each library; a round uses one of them
MOST_WITH_METRICS = 60  # with more cases, only the main figures are shown
SAVING = 20  # seconds between two writes of the results to their file
FULL = "bench-full.json"  # the file in which --full keeps its results, for --resume


def note(text):
    print(text, file=sys.stderr, flush=True)


def terminated(number, frame):
    raise SystemExit(128 + number)  # as an exception, so that all processes are ended


def main(argv=None):
    """Run the command line; return the exit code."""
    try:
        code = command(argv)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has closed the pipe, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def command(argv=None):
    parse = options.parser()
    arguments, commands = options.program_of(sys.argv[1:] if argv is None else list(argv))
    chosen = parse.parse_args(arguments)
    if commands is not None:
        return programs(parse, chosen, commands)
    if chosen.resume and not (chosen.json or chosen.full):
        parse.error("--resume needs the --json FILE of the run to go on with")
    if chosen.strict and not chosen.compare:
        parse.error("--strict needs --compare OLD.json")
    if chosen.phases and chosen.libs:
        parse.error("--phases compares settings of its own: it takes no --libs")
    kept = chosen.json or (FULL if chosen.full else None)
    signal.signal(signal.SIGTERM, terminated)
    name, mode = options.mode_of(chosen)
    try:
        adapters = phases.adapters() if chosen.phases else options.libraries(chosen, mode)
        old = results.load(chosen.compare) if chosen.compare else None
        earlier = results.load(kept) if chosen.resume and Path(kept).exists() else None
        for path in filter(None, (kept, chosen.markdown)):
            writable(Path(path))
        if chosen.report and Path(chosen.report).exists() and not Path(chosen.report).is_dir():
            raise ValueError(f"--report {chosen.report}: is a file, not a folder")
    except (ValueError, OSError) as error:
        parse.error(str(error))
    wanted = which_cases(chosen, name)
    if chosen.list:
        for case in wanted:
            print(case.name)
        return 0
    if not wanted:
        parse.error("no case has such a name; see --list")
    settings = {
        "mode": name,
        "rounds": chosen.rounds or mode.rounds,
        "seconds": chosen.seconds or mode.seconds,
        "pinned": not chosen.no_pin and not chosen.crowded,
        "crowded": chosen.crowded,
    }
    if old is not None:
        for what, now in settings.items():
            before = old.settings.get(what, 0)  # older runs have no "crowded"
            if what != "mode" and before != now:
                note(f"{chosen.compare} is of other settings: {what} {before}, now {now}")
    with ExitStack() as stack:
        # Enter this first: an ExitStack ends its parts in reverse order, so the folder is removed
        # after all processes have ended.
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
        families = [
            [
                stack.enter_context(ForkServer(each))
                for _ in range(min(FORKSERVERS, settings["rounds"]))
            ]
            for each in adapters
        ]
        found = results.Results(
            machine.environment(),
            settings,
            {
                each.adapter.name: {"missing": each.missing} if each.missing else each.about
                for each, *_ in families
            },
        )
        if earlier is not None:
            resume(found, earlier, kept)
        busy = stack.enter_context(BusyProcesses(chosen.crowded)) if chosen.crowded else None
        interrupted = measure(chosen, mode, found, families, wanted, old, folder, kept, busy)
    return finish(chosen, found, old, interrupted)


def writable(path):
    """Raise ValueError, before the run, if ``path`` cannot be written."""
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ValueError(f"{path}: cannot be written; is it a folder, or in none?")


def which_cases(chosen, name):
    if chosen.case:
        return cases.named(chosen.case)
    return phases.cases() if chosen.phases else cases.SETS[name]()


def programs(parse, chosen, arguments):
    """Compare the user's own two commands; return the exit code."""
    try:
        commands = program.split(arguments)
        if chosen.json:
            writable(Path(chosen.json))
    except ValueError as error:
        parse.error(str(error))
    rounds = chosen.rounds or program.ROUNDS
    with BusyProcesses(chosen.crowded) if chosen.crowded else nullcontext():
        try:
            found = program.measure(commands, rounds, chosen.timeout or program.TIMEOUT, note)
        except program.ProgramFailed as error:
            note(f"FAILED {error}")
            return 1
    program.show(found)
    if chosen.json:
        program.save(found, chosen.json, rounds, chosen.crowded)
    return 0


def measure(chosen, mode, found, families, wanted, old, folder, kept, busy):
    """Measure into ``found``, saving it from time to time; return whether it was interrupted."""
    for line in (
        *formatting.machine(found),
        *map(formatting.library, found.libraries, found.libraries.values()),
    ):
        note(line)
    there = [family for family in families if not family[0].missing]
    counting = None
    if chosen.full or chosen.syscalls or chosen.phases:
        counting = syscalls.available()
        if counting is syscalls.Unseen:
            note("system calls: not counted, since neither perf nor strace works here")
    # In a --full run, system calls are only counted in the cases whose costs the tables show.
    counted = cases.default_cases() if chosen.full and not chosen.syscalls else wanted
    run = Run(
        there,
        found.settings["rounds"],
        found.settings["seconds"],
        (chosen.timeout or mode.timeout) * (1 + chosen.crowded),
        found.settings["pinned"],
        counting,
        {case.name for case in counted},
        allowance=0,
        folder=folder,
        progress=None,
        busy=busy,
    )
    wanted = [case for case in wanted if run.steps(case)]
    total = sum(map(run.steps, wanted))
    run.allowance = max(3, int(total * REPEATS))
    keeper = Keeper(found, kept)
    try:
        with keeper, terminal.Live(total) as run.progress:
            in_passes(run, found, wanted, keeper)
            if old is not None:
                look_again(run, old, found, keeper)
    except KeyboardInterrupt:
        note("Interrupted; the results so far:")
        return True
    return False


class Keeper:
    """Saves results during the run, at most once in ``SAVING`` seconds, and at the end.

    Parameters
    ----------
    found : bench.results.Results
        The results to save. The keeper also updates their ``duration``.
    path : str or None
        The file to write, or None to save nothing.
    """

    def __init__(self, found, path):
        self.found = found
        self.path = path
        self.since = self.saved = time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.save()

    def __call__(self):
        if time.monotonic() - self.saved > SAVING:
            self.save()

    def save(self):
        now = time.monotonic()
        self.found.duration += now - self.since
        self.since = now
        if self.path:
            results.save(self.found, self.path)
        self.saved = time.monotonic()


def in_passes(run, found, wanted, keep):
    """Run all rounds that ``found`` does not have yet, and add them to it.

    The first rounds of all cases run before the second round of any case. Otherwise a disturbance
    of some seconds or minutes could fall into all rounds of one case, and would look like a result.
    """
    order = {case: place for place, case in enumerate(wanted)}
    for number in range(1, run.rounds + 1):
        for case in wanted:
            result = found.result(case.name) or run.empty(case)
            run.round(result, number)
            if found.result(case.name) is None:
                found.cases.append(result)
                found.cases.sort(key=lambda each: order[each.case])
            keep()
    for case in filter(run.counts, wanted):
        run.count_calls(found.result(case.name))
        keep()


def look_again(run, old, found, keep):
    """Add rounds to the cases that seem to have regressed: of hundreds, a few do so by chance."""
    suspects = {
        each.case.name: found.result(each.case.name)
        for each in compare.changes(old, found)
        if each.move.regressed
    }
    for name in suspects:
        run.progress.suspect(name)
    for number in range(run.rounds + 1, 2 * run.rounds + 1):
        for result in suspects.values():
            run.round(result, number)
            keep()


def resume(found, earlier, path):
    """Copy the results of an earlier run into ``found`` if its settings and code were the same."""
    same = ("commit", "cpu", "system", "python", "flags")
    if (earlier.settings, earlier.libraries) != (found.settings, found.libraries) or any(
        earlier.environment.get(key) != found.environment[key] for key in same
    ):
        note(f"{path} is of other settings, libraries or code; starting anew")
        return
    note(f"{path} has {len(earlier.cases)} cases already")
    found.cases = earlier.cases
    found.duration = earlier.duration


def finish(chosen, found, old, interrupted):
    """Print and write all results; return the exit code."""
    terminal.show(found, metrics=len(found.cases) <= MOST_WITH_METRICS)
    if chosen.targets:
        terminal.show_targets(found)
    if chosen.phases:
        phases.show(found)
    if chosen.markdown:
        Path(chosen.markdown).write_text(markdown.document(found))
    if chosen.report:
        from .show import page  # imported only if needed: it imports matplotlib, which takes long

        note(f"report: {page.write(found, chosen.report)}")
    code = 130 if interrupted else 1 if found.failures() or not found.measured else 0
    if old is not None:
        changes = compare.changes(old, found)
        compare.show(changes)
        if chosen.strict and any(each.move.regressed for each in changes):
            code = code or 1
    return code


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # Ctrl-C before the first result
        sys.exit(130)
