"""The machine, the versions, and how much of the CPUs others take."""

import json
import os
import platform
import resource
import subprocess
import sys
import time

from bench.link import ROOT

PROBE = """
import importlib, json, sys
name = sys.argv[1]
module = importlib.import_module(name)
found = {"version": getattr(module, "__version__", "?")}
if name.split(".")[0] == "zmq":
    found = {"version": module.pyzmq_version(), "libzmq": module.zmq_version()}
if name == "zmq.green":
    import gevent
    found["gevent"] = gevent.__version__
if name.split(".")[0] == "zlinkcompat":
    import gevent
    from zlinkcompat.debug import build_info
    info = build_info()
    found = {"version": info["version"], "gevent": gevent.__version__,
             "compiled": info["compiled"], "pure": info["pure"]}
print(json.dumps(found))
"""


def machine():
    try:
        cpus = len(os.sched_getaffinity(0))
    except AttributeError:
        cpus = os.cpu_count()
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpu": cpu_model(),
        "cpus": cpus,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def cpu_model():
    try:
        with open("/proc/cpuinfo") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


def probe(library):
    """Import ``library`` in a process of its own.

    Returns
    -------
    dict
        ``version`` and what else there is to tell, or ``error``.
    """
    if library == "raw":
        return {"version": "plain sockets"}
    try:
        done = subprocess.run(
            [sys.executable, "-c", PROBE, library],
            cwd=ROOT, capture_output=True, text=True, timeout=30,
        )
        if done.returncode == 0:
            return json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError) as error:
        return {"error": str(error)}
    return {"error": (done.stderr.strip().splitlines() or ["no reason given"])[-1]}


class OtherWork:
    """The share of all CPUs that other work takes, from here to :meth:`share`.

    Interrupt time is left out: with loopback it is mostly our own packets. Stolen time counts.
    Children count once they have ended and been waited for.
    """

    def __init__(self):
        self.wall = time.monotonic()
        self.busy = busy_seconds()
        self.own = own_seconds()

    def share(self):
        """Between 0 and 1, or None where the system does not tell."""
        busy = busy_seconds()
        if busy is None or self.busy is None:
            return None
        wall = time.monotonic() - self.wall
        other = busy - self.busy - (own_seconds() - self.own)
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


def own_seconds():
    total = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        total += usage.ru_utime + usage.ru_stime
    return total
