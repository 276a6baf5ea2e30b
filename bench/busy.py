"""Processes that compete for the CPUs while something is measured (``--crowded N``)."""

import os
import subprocess
import sys

#: Each process ends when its parent has ended, even if the parent was killed.
PROGRAM = """
import os, sys
parent = int(sys.argv[1])
while os.getppid() == parent:
    for _ in range(100_000):
        pass
"""


class BusyProcesses:
    """Run ``count`` processes that compute all the time, from ``__enter__`` to ``__exit__``."""

    def __init__(self, count):
        self.count = count
        self.running = []

    def __enter__(self):
        for _ in range(self.count):
            command = [sys.executable, "-S", "-E", "-c", PROGRAM, str(os.getpid())]
            self.running.append(subprocess.Popen(command, stdin=subprocess.DEVNULL))
        return self

    def __exit__(self, *exc_info):
        for each in self.running:
            each.kill()
            each.wait()
        self.running = []

    def cpu(self):
        """Return the CPU seconds that these processes have used; 0 if the system does not report
        them."""
        return sum(cpu_of(each.pid) for each in self.running)


def cpu_of(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
