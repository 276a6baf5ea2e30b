"""The machine, the commit, and how much of the CPUs others take."""

import os
import platform
import subprocess
import time
from pathlib import Path

#: The checkout, where this is one.
ROOT = Path(__file__).resolve().parent.parent
FLAGS = ("ZLINK", "ZMQ_", "GEVENT", "PYZMQ")


def environment():
    """Describe where a run is made. Two runs are comparable if it is the same."""
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
        # otherwise the commit is that of an enclosing repository
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
    """The share of all CPUs that other work takes, from here to :meth:`share`.

    Interrupt time is left out: with loopback it is mostly our own packets. Stolen time counts.
    """

    def __init__(self):
        self.wall = time.monotonic()
        self.busy = busy_seconds()
        self.own = time.process_time()

    def share(self, ours):
        """Between 0 and 1, or None where the system does not tell.

        Parameters
        ----------
        ours : float, seconds
            CPU time of the processes that were measured.
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
