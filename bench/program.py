"""``--program A -- B``: compare two commands of the user, with the same method as the cases.

The commands run in turn, round by round. The figures are the wall time, the CPU time of the command
and of all child processes that it waits for, and the system calls. These are counted in a separate
run.
"""

import json
import os
import shlex
import signal
import subprocess
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter

from rich.console import Console
from rich.table import Table

from . import machine, results, syscalls
from .processes import end_of_stderr

NAMES = ("A", "B")
ROUNDS = 5
TIMEOUT = 600  # seconds for one run of a command
FIGURES = {"wall": " s", "cpu": " s", "syscalls": ""}  # each with its unit
LABELS = {"wall": "wall", "cpu": "CPU", "syscalls": "system calls"}


class ProgramFailed(Exception):
    """A command failed; the text has its exit code and the end of its stderr."""


@dataclass(slots=True)
class Program:
    """A command, and the figures of its runs, one value for each run."""

    name: str
    command: list
    wall: list = field(default_factory=list)
    cpu: list = field(default_factory=list)
    syscalls: list = field(default_factory=list)

    def run(self, timeout, command=None):
        """Run the command once; return its wall and CPU seconds.

        Raises
        ------
        ProgramFailed
        """
        with tempfile.TemporaryFile() as errors:
            start = perf_counter()
            try:
                process = subprocess.Popen(
                    command or self.command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    start_new_session=True,  # so that killpg ends all its processes
                )
            except OSError as error:
                raise ProgramFailed(f"{self.name} ({shlex.join(self.command)}): {error}")
            timer = threading.Timer(timeout, os.killpg, (process.pid, signal.SIGKILL))
            timer.start()
            try:
                _, status, usage = os.wait4(process.pid, 0)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
            finally:
                timer.cancel()
            wall = perf_counter() - start
            process.returncode = code = os.waitstatus_to_exitcode(status)
            if code:
                raise ProgramFailed(
                    f"{self.name} ({shlex.join(self.command)}) ended with {code}\n"
                    f"{end_of_stderr(errors)}".rstrip()
                )
        return wall, usage.ru_utime + usage.ru_stime

    def round(self, timeout):
        wall, cpu = self.run(timeout)
        self.wall.append(wall)
        self.cpu.append(cpu)

    def count(self, counter, timeout):
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            output = Path(folder, "counts")
            self.run(timeout, [*counter.around(output), *self.command])
            self.syscalls.append(counter.parse(output.read_text()))


def split(arguments):
    """Return the two commands of ``A -- B``, each as a list of str.

    Raises
    ------
    ValueError
        There are not exactly two commands.
    """
    if "--" not in arguments:
        raise ValueError("--program needs two commands: --program A ... -- B ...")
    at = arguments.index("--")
    commands = arguments[:at], arguments[at + 1 :]
    if not all(commands):
        raise ValueError("--program needs two commands: --program A ... -- B ...")
    return commands


def measure(commands, rounds, timeout, note):
    """Run both commands in turn; return the two :class:`Program`."""
    programs = [Program(*each) for each in zip(NAMES, commands, strict=True)]
    for number in range(rounds + 1):
        note(f"round {number}" if number else "warm-up")
        for each in programs:
            if number:
                each.round(timeout)
            else:
                each.run(timeout)
    counter = syscalls.available()
    if counter is syscalls.Unseen:
        note("system calls: not counted, since neither perf nor strace works here")
        return programs
    note("system calls")
    for each in programs:
        each.count(counter, timeout)
    return programs


def ratio(a, b):
    """Return the median of the ratios A/B of single rounds; None if B is always 0."""
    values = [one / other for one, other in zip(a, b, strict=True) if other]
    return median(values) if values else None


def rows(programs):
    """Yield a row for each figure: its label, the medians of A and B, and the ratio."""
    for name, unit in FIGURES.items():
        values = [getattr(each, name) for each in programs]
        if not all(values):
            continue
        cells = []
        for each in values:
            deviation = results.relative_deviation(each)
            noise = f" ~{deviation:.0%}" if deviation and deviation > results.NOISY else ""
            cells.append(f"{median(each):,.4g}{unit}{noise}")
        found = ratio(*values)
        yield LABELS[name], *cells, "-" if found is None else f"{found:.2f}x"


def show(programs, file=None):
    console = Console(file=file, highlight=False)
    table = Table("", *NAMES, "A/B")
    for row in rows(programs):
        table.add_row(*row)
    for each in programs:
        console.print(f"{each.name}: {shlex.join(each.command)}", markup=False)
    console.print(table)


def save(programs, path, rounds, crowded):
    text = {
        "kind": "program",
        "environment": machine.environment(),
        "settings": {"rounds": rounds, "crowded": crowded},
        "programs": [
            {"name": each.name, "command": each.command}
            | {name: getattr(each, name) for name in FIGURES}
            for each in programs
        ],
    }
    Path(path).write_text(json.dumps(text, indent=1) + "\n")
