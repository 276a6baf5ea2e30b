"""The rounds of a run. A round runs all libraries of a case in turn."""

import os
from contextlib import suppress
from subprocess import CalledProcessError

from . import certificate, latency
from .machine import OtherWork
from .processes import RoundFailed, run_processes
from .results import CaseResult, Series

# If other work takes more than this share of all CPUs, the round does not count.
SPOILT = 0.10
ATTEMPTS = 4  # at one round; after them, the figure is taken from disturbed rounds
COUNTING = 0.05  # seconds of sending while system calls are counted
PATIENCE = 20  # timeout in seconds of a round that counts system calls
WILDCARDS = {
    "tcp": "tcp://127.0.0.1:*",
    "ws": "ws://127.0.0.1:*",
    "tls": "tls://127.0.0.1:*",
    "wss": "wss://127.0.0.1:*",
}


class Run:
    """Measures cases.

    Parameters
    ----------
    families : list of list of bench.processes.ForkServer
        A list of forkservers for each library, in the order in which the libraries take turns. The
        rounds of a library use its forkservers in turn. The children of a process share its random
        properties, such as memory addresses and hash seeds. In one case these changed a figure by
        40%, and rounds from a single forkserver would not show this.
    rounds : int
    seconds : float
        How long a round sends, not counting the start and end of its processes.
    timeout : float, seconds
        The time limit for a round, in addition to its sending time. A round that takes longer has
        failed, and its library is not measured any more in this case.
    pinned : bool
        Whether each of two ends is pinned to its own CPU, if there are at least two.
    counting : callable or None
        A class that counts system calls (:mod:`bench.syscalls`), or None. If there is one, each
        library runs one more round, in which system calls and debug counters are counted.
    counted : collection of str
        The names of the cases with such a round.
    allowance : int
        How many disturbed rounds may be repeated in the whole run. The limit lets a run end on a
        busy machine.
    folder : str
        The folder for the socket files and the certificate, which are not removed.
    progress : object
        An object that shows the progress, such as :class:`bench.show.terminal.Live`.
    busy : bench.busy.BusyProcesses, optional
        The processes that compete for the CPUs on purpose. Their CPU time does not count as other
        work.
    """

    def __init__(
        self,
        families,
        rounds,
        seconds,
        timeout,
        pinned,
        counting,
        counted,
        allowance,
        folder,
        progress,
        busy=None,
    ):
        self.families = families
        self.rounds = rounds
        self.seconds = seconds
        self.timeout = timeout + 2 * seconds
        self.pinned = pinned
        self.counting = counting
        self.counted = counted
        self.allowance = allowance
        self.folder = folder
        self.progress = progress
        self.busy = busy
        self.played = 0

    def steps(self, case):
        """Return the number of rounds that ``case`` takes if none fails."""
        rounds = self.rounds + self.counts(case)
        return rounds * sum(family[0].adapter.runs(case) for family in self.families)

    def counts(self, case):
        return self.counting is not None and case.kind != "memory" and case.name in self.counted

    def empty(self, case):
        """Return a :class:`CaseResult` without rounds, with the libraries that can run ``case``."""
        return CaseResult(
            case,
            [
                Series(adapter.name, case.field)
                for adapter in (family[0].adapter for family in self.families)
                if adapter.runs(case)
            ],
        )

    def round(self, result, number):
        """Run round ``number`` (1 is the first) for each library that has not run it yet."""
        for forkserver, series in self.turns(result, number):
            if len(series.rounds) < number:
                self.attempt(series, self.play, forkserver, result.case, series)

    def count_calls(self, result):
        """Count the system calls and debug counters of the libraries that do not have them yet."""
        for forkserver, series in self.turns(result, 0):
            if series.syscalls is None:
                with suppress(RoundFailed):  # the other figures are valid without this round
                    self.count(forkserver, result.case, series)

    def turns(self, result, number):
        """Yield the forkserver and the series of each library that has not failed, in turn."""
        for family in self.families:
            forkserver = family[number % len(family)]
            series = result.of(forkserver.adapter.name)
            if series is not None:
                self.progress.at(result.case, number, series.library)
                if not series.error:
                    yield forkserver, series

    def attempt(self, series, function, *args):
        try:
            function(*args)
        except RoundFailed as error:
            series.error = str(error)
            self.progress.failed(series.library, series.error)

    def play(self, forkserver, case, series):
        """Run one round, and repeat it, at most ``ATTEMPTS`` times in all, if other work disturbed
        it."""
        for left in reversed(range(ATTEMPTS)):
            others = OtherWork()
            before = self.busy_cpu()
            round_, cpu = self.play_once(forkserver, case, self.seconds, self.timeout)
            round_["other_work"] = share = others.share(cpu + self.busy_cpu() - before)
            if share is None or share <= SPOILT:
                series.rounds.append(round_)
                return
            series.spoilt.append(round_)
            if not left or self.allowance <= 0:
                series.rounds.append(None)
                return
            self.allowance -= 1
            self.progress.again(case, series.library)

    def busy_cpu(self):
        return self.busy.cpu() if self.busy else 0.0

    def play_once(self, forkserver, case, seconds, timeout, on_message=None):
        self.played += 1
        results, cpu = run_processes(
            forkserver,
            specs(
                case,
                seconds,
                os.path.join(self.folder, str(self.played)),
                self.pinned,
                on_message is not None,
                slowdown(forkserver.adapter),
                self.certificate(case),
            ),
            timeout,
            on_message,
        )
        return combined(case, results), cpu

    def certificate(self, case):
        if case.transport not in certificate.TRANSPORTS:
            return None
        try:
            return certificate.made(self.folder)
        except (OSError, CalledProcessError) as error:
            raise RoundFailed(f"no certificate: {error}")

    def count(self, forkserver, case, series):
        with self.counting(case.charged) as counter:
            round_, _ = self.play_once(forkserver, case, COUNTING, PATIENCE, counter.on_message)
            calls = counter.total()
            if calls is not None:
                series.syscalls = calls / round_["count"]
            series.counters = round_.get("counters")


def slowdown(adapter):
    """Return the share of the time that our libraries waste on purpose, to test ``--compare``."""
    return float(os.environ.get("BENCH_SLOWDOWN", 0)) if adapter.name.startswith("zlink") else 0


def specs(case, seconds, prefix, pinned, counted, slowdown, certificate=None):
    """Return a spec for each process of a round (:func:`bench.peer.run`).

    Over inproc one process runs all roles. If ``pinned`` is set and there are two processes and at
    least two CPUs, each process is pinned to its own CPU. More than two processes are not pinned.
    """
    groups = [case.roles] if case.transport == "inproc" else [(role,) for role in case.roles]
    cpus = [None] * len(groups)
    if pinned and len(groups) == 2 and hasattr(os, "sched_getaffinity"):
        free = sorted(os.sched_getaffinity(0))
        if len(free) > 1:
            cpus = free[:2]
    return [
        {
            "pattern": case.pattern,
            "transport": case.transport,
            "size": case.size,
            "roles": roles,
            "seconds": seconds,
            "cpu": cpu,
            "counted": counted,
            "slowdown": slowdown,
            "certificate": certificate,
            "addresses": {
                name: address(case.transport, prefix, name)
                for name in ("endpoint", "inlet", "outlet")
            },
        }
        for roles, cpu in zip(groups, cpus, strict=True)
    ]


def address(transport, prefix, name):
    if transport == "ipc":
        return f"ipc://{prefix}-{name}"
    return WILDCARDS.get(transport, f"inproc://{name}")


def per_message(counted):
    """Return the debug counters of all ends per message sent, including the warm-up."""
    sums = {name: sum(each[name] for each in counted) for name in counted[0]}
    messages = sums["messages_out"]
    return {name: total / messages for name, total in sums.items()} if messages else None


def combined(case, results):
    """Return the round, computed from the results of its ends.

    ``user_us`` and ``system_us`` are the CPU microseconds of all ends per message. ``peak`` is the
    peak memory of the largest process, in bytes.
    """
    whole = {}
    for result in results:
        whole.update(result)
    if whole["sent"] != whole["received"]:
        raise RoundFailed(f"{whole['sent']} sent, {whole['received']} received")
    size = case.message_size
    # Plain sockets count bytes; everything else counts messages.
    count = whole["received"] / size if whole.pop("in_bytes", False) else whole["received"]
    # The costs of some cases are not per received message.
    count = whole.get("messages", count)
    round_ = {"count": count}
    for name in ("user", "system"):
        round_[f"{name}_us"] = sum(each.get(name, 0) for each in results) / count * 1e6
    round_["cpu_us"] = round_["user_us"] + round_["system_us"]
    round_["peak"] = max(each.get("peak", 0) for each in results)
    counted = [each["counters"] for each in results if each.get("counters")]
    if counted:
        round_["counters"] = per_message(counted)
    if "histogram" in whole:
        round_["histogram"] = whole["histogram"]
        round_.update(latency.percentiles((whole["histogram"],)))
    for name in ("rate", "bytes"):
        if name in whole:
            round_[name] = whole[name]
    return round_
