"""System limits that sockets can reach: file descriptors, CPUs, buffers, memory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: A socket needs one file descriptor, and each of its connections needs one more.
FEW_DESCRIPTORS = 4096

MIB = 1 << 20


@dataclass(frozen=True)
class Limit:
    """One limit: its ``value`` as text, and ``advice`` if it is too low."""

    name: str
    value: str
    advice: str = ""


def read(path: str) -> str:
    """Return the text of a kernel file; empty if the file does not exist."""
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def descriptors() -> Any:
    """Return the limit of open file descriptors; None on Windows."""
    try:
        import resource
    except ImportError:
        return None  # Windows
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    named = ["unlimited" if n == resource.RLIM_INFINITY else str(n) for n in (soft, hard)]
    advice = ""
    if 0 <= soft < FEW_DESCRIPTORS:
        advice = (
            f"Only {soft} file descriptors may be open, and each connection needs one: raise the "
            f"limit (ulimit -n {FEW_DESCRIPTORS} or more) if the program has many peers."
        )
    return Limit("open files", f"{named[0]} (hard limit {named[1]})", advice)


def usable_cpus() -> Any:
    """Return the number of CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def cpu_quota(root: Path | str = "/sys/fs/cgroup") -> float | None:
    """Return the CPU time that the control group may use, in CPUs; None without a limit."""
    quota, _, period = read(f"{root}/cpu.max").partition(" ")
    if not quota:
        quota = read(f"{root}/cpu/cpu.cfs_quota_us")
        period = read(f"{root}/cpu/cpu.cfs_period_us")
    try:
        found = int(quota) / int(period)
    except (ValueError, ZeroDivisionError):
        return None  # the quota is "max", or there are no control groups
    return found if found > 0 else None


def cpus(root: Path | str = "/sys/fs/cgroup") -> Limit:
    """Return the number of CPUs, and how many of them this process may use."""
    count, quota = usable_cpus(), cpu_quota(root)
    text = f"{count} usable of {os.cpu_count()}"
    advice = ""
    if quota is not None:
        text += f", quota {quota:g}"
    if min(count, quota or count) < 2:
        advice = (
            "This process has fewer than two CPUs, so with the thread engine the I/O thread and "
            "the program's threads take turns. The hub engine (gevent) is the better choice."
        )
    return Limit("CPUs", text, advice)


def memory(root: str = "/sys/fs/cgroup") -> Limit:
    """Return the memory that the control group may use."""
    text = read(f"{root}/memory.max") or read(f"{root}/memory/memory.limit_in_bytes")
    if not text.isdigit() or int(text) >= 1 << 60:
        return Limit("memory of the group", "unlimited")
    return Limit("memory of the group", f"{int(text) // MIB} MiB")


def kernel(name: str, path: str) -> Any:
    """Return a kernel setting; None where the kernel does not have it."""
    text = read(path)
    return Limit(name, text) if text else None


def limits() -> list[Limit]:
    """Return all limits of this platform."""
    found = [
        descriptors(),
        cpus(),
        memory(),
        kernel("net.core.somaxconn", "/proc/sys/net/core/somaxconn"),
        kernel("net.core.rmem_max", "/proc/sys/net/core/rmem_max"),
        kernel("net.core.wmem_max", "/proc/sys/net/core/wmem_max"),
    ]
    return [limit for limit in found if limit is not None]
