"""Rounds: each of them runs every library of a case in turn."""

import os
from contextlib import suppress
from subprocess import CalledProcessError

from . import certificate, latency
from .machine import OtherWork
from .processes import RoundFailed, run_processes
from .results import CaseResult, Series

# share of all CPUs taken by other work: above it the figure says more about the machine
SPOILT = 0.10
ATTEMPTS = 4  # attempts at one round: after these the disturbance is a lasting one
COUNTING = 0.05  # seconds of sending while system calls are counted
PATIENCE = 20  # timeout in seconds for such a round, which affects nothing else
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
        Of each library in the order of their turns; its rounds take them one by one. What a
        process has by chance (where its memory lies, how it hashes) all its children have: it
        made 40% in one case, which rounds from one forkserver never show.
    rounds : int
    seconds : float
        How long a round sends, without start and end of the processes.
    timeout : float, seconds
        For a round, beyond its sending time; one that takes longer is a failure, and its
        library is out of this case.
    pinned : bool
        Whether the two ends get a CPU each, where there are as many.
    counting : callable or None
        A counter of system calls (:mod:`bench.syscalls`). With one each library plays another
        round for it, and for the debug counters.
    counted : collection of str
        The names of the cases in which it does.
    allowance : int
        How many spoilt rounds may be repeated in all, so that a run ends on a busy machine.
    folder : str
        For the socket files and the certificate; they are left there.
    progress : object
        Its ``at(case, round, library)`` and ``again`` are called as things happen.
    busy : bench.busy.BusyProcesses, optional
        The processes that compete for the CPUs on purpose. They do not spoil a round.
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
        """Return a :class:`CaseResult` of the libraries that can do ``case``, for :meth:`round`."""
        return CaseResult(
            case,
            [
                Series(adapter.name, case.field)
                for adapter in (family[0].adapter for family in self.families)
                if adapter.runs(case)
            ],
        )

    def round(self, result, number):
        """Measure round ``number``, from 1, of the libraries that do not have it yet."""
        for forkserver, series in self.turns(result, number):
            if len(series.rounds) < number:
                self.attempt(series, self.play, forkserver, result.case, series)

    def count_calls(self, result):
        """Count the system calls and debug counters of the libraries that do not have them yet."""
        for forkserver, series in self.turns(result, 0):
            if series.syscalls is None:
                with suppress(RoundFailed):  # the figures are valid without it
                    self.count(forkserver, result.case, series)

    def turns(self, result, number):
        """Yield every library in turn, except those that have failed."""
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
        """Run one round; repeat it a few times at most if other work spoilt it."""
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
    """Return the share of the time that our libraries waste: a test hook for ``--compare``."""
    return float(os.environ.get("BENCH_SLOWDOWN", 0)) if adapter.name.startswith("zlink") else 0


def specs(case, seconds, prefix, pinned, counted, slowdown, certificate=None):
    """Return the specs for the processes of a round (:func:`bench.peer.run`), one for each.

    Over inproc one process has all roles. Two processes get a CPU each, if ``pinned`` and there
    are as many; more than two are left to the kernel.
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
    """One round of what its ends told.

    ``user_us`` and ``system_us`` are CPU microseconds per message of all ends, ``peak`` is the
    memory of the largest, in bytes.
    """
    whole = {}
    for result in results:
        whole.update(result)
    if whole["sent"] != whole["received"]:
        raise RoundFailed(f"{whole['sent']} sent, {whole['received']} received")
    size = case.message_size
    # Plain sockets count bytes; everything else counts messages.
    count = whole["received"] / size if whole.pop("in_bytes", False) else whole["received"]
    count = whole.get("messages", count)  # some costs are not per received message
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
