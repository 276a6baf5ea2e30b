"""``--program A -- B``: two commands of the user, by the method of the cases.

They run in turn, round by round. What counts is the wall time, the CPU time of all their processes
that are waited for, and the system calls, which are counted in a run of their own.
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
TIMEOUT = 600  # seconds for a run
FIGURES = {"wall": " s", "cpu": " s", "syscalls": ""}  # and their units
LABELS = {"wall": "wall", "cpu": "CPU", "syscalls": "system calls"}


class ProgramFailed(Exception):
    """A command did not end with 0; the text says how, with the end of its stderr."""


@dataclass(slots=True)
class Program:
    """A command and what its runs took, one value a run."""

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
                    start_new_session=True,  # a session of its own, so that all of it can be killed
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
    """The two commands of ``A -- B``, each a list of str.

    Raises
    ------
    ValueError
        There are not two of them.
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
    """Return the median of A to B, taken round by round; None if B is 0 or missing."""
    values = [one / other for one, other in zip(a, b, strict=True) if other]
    return median(values) if values else None


def rows(programs):
    """A row a figure: its label, the medians of A and B, and the ratio."""
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
