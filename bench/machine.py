"""The machine, the commit, and the share of the CPUs that other work takes."""

import os
import platform
import subprocess
import time
from pathlib import Path

#: The root of the checkout, if this file is in one.
ROOT = Path(__file__).resolve().parent.parent
FLAGS = ("ZLINK", "ZMQ_", "GEVENT", "PYZMQ")


def environment():
    """Return a description of the machine and the code. Runs are comparable if it is the same."""
    return {
        "date": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpu": cpu_model(),
        "cpus": cpus(),
        "governor": governor(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "commit": commit(),
        "flags": {
            name: value for name, value in sorted(os.environ.items()) if name.startswith(FLAGS)
        },
    }


def cpus():
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count()


def governor():
    try:
        path = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return "unknown"


def commit():
    """Return the commit of the checkout, with a + if there are uncommitted changes."""

    def git(*arguments):
        return subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
        ).stdout.strip()

    try:
        # This fails if the file is not tracked. Otherwise the commit of an enclosing repository
        # would be returned.
        git("ls-files", "--error-unmatch", __file__)
        changed = "+" if git("status", "--porcelain") else ""
        return git("rev-parse", "--short=12", "HEAD") + changed
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def cpu_model():
    try:
        with open("/proc/cpuinfo") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


class OtherWork:
    """Measures the share of all CPUs that other work takes, from now to :meth:`share`.

    Time in interrupts is not counted, because over loopback our own packets cause most of it.
    Stolen time is counted.
    """

    def __init__(self):
        self.wall = time.monotonic()
        self.busy = busy_seconds()
        self.own = time.process_time()

    def share(self, ours):
        """Return the share, from 0 to 1, or None if the system does not report it.

        Parameters
        ----------
        ours : float, seconds
            The CPU time of the measured processes.
        """
        busy = busy_seconds()
        if busy is None or self.busy is None:
            return None
        wall = time.monotonic() - self.wall
        other = busy - self.busy - (time.process_time() - self.own) - ours
        return min(1.0, max(0.0, other / (wall * (os.cpu_count() or 1))))


def busy_seconds():
    try:
        with open("/proc/stat") as stat:
            ticks = [int(each) for each in stat.readline().split()[1:]]
    except (OSError, ValueError):
        return None
    user, nice, system = ticks[:3]
    steal = ticks[7] if len(ticks) > 7 else 0
    return (user + nice + system + steal) / os.sysconf("SC_CLK_TCK")
