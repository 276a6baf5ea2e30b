"""The feature flags of the performance plan, each compared on with off, and the plan's targets."""

from dataclasses import dataclass

from .adapters import adapter
from .cases import KB, MB, Case
from .show import formatting, markdown

SMALL = Case("push-pull", "tcp", 64)
LARGE = Case("push-pull", "tcp", MB)
TRIPS = (Case("req-rep", "tcp", 64), Case("req-rep", "tcp", 64 * KB))
CASES = (
    SMALL,
    Case("push-pull", "tcp", KB),
    Case("push-pull", "tcp", 64 * KB),
    Case("push-pull", "tcp", 128 * KB),
    LARGE,
    *TRIPS,
    *(
        Case("push-pull", transport, size)
        for transport in ("tls", "ws", "wss")
        for size in (64, 64 * KB)
    ),
)
SLOWER = 0.05  # a round trip that a flag makes slower by more than this is reported


@dataclass(frozen=True, slots=True)
class Flag:
    """A feature that is on by default. The environment variable ``variable`` set to 0 turns it
    off."""

    phase: int
    variable: str
    what: str

    @property
    def off(self):
        """Return the name of the library with the flag off."""
        return f"zlink@{self.variable}=0"

    @property
    def built(self):
        from zlinkcompat import tuning

        return any(setting.variable == self.variable for setting in tuning.TABLE)


FLAGS = (
    Flag(0, "ZLINK_TCP_NODELAY", "TCP_NODELAY"),
    Flag(1, "ZMQ_ASIO_ZEROCOPY_WRITE", "zero-copy writes"),
    Flag(2, "ZMQ_ASIO_LAZY_COMPACT", "lazy compaction"),
    Flag(3, "ZMQ_ASIO_WRITE_BATCHING", "write batching"),
    Flag(4, "ZMQ_ASIO_HANDSHAKE_ZEROCOPY", "handshake buffer ownership"),
)


PLAIN = "zlink@" + ",".join(f"{flag.variable}=0" for flag in FLAGS if flag.phase)
#: The settings without any of the plan's features, once with and once without TCP_NODELAY.
BASELINE = {PLAIN: "all off", f"{PLAIN},{FLAGS[0].variable}=0": "all off, no TCP_NODELAY"}


@dataclass(frozen=True, slots=True)
class Target:
    """A target of the plan: by how much a figure must change when a flag is turned on."""

    phase: int
    what: str
    case: Case
    measure: object
    change: float


def rate(series):
    return series.median()


def cpu(series):
    return series.median("user_us") + series.median("system_us")


def calls(series):
    return series.syscalls


def counter(name):
    """Return a function that takes a series, and returns its debug counter ``name`` per message."""
    return lambda series: (series.counters or {}).get(name)


TARGETS = (
    Target(1, "throughput, 64 KB", CASES[2], rate, 0.10),
    Target(1, "throughput, 128 KB", CASES[3], rate, 0.15),
    Target(1, "CPU per large message", LARGE, cpu, -0.10),
    Target(1, "bytes copied per large message", LARGE, counter("bytes_copied"), -0.80),
    Target(2, "memmove calls per message, 64 KB", CASES[2], counter("compaction_count"), -0.90),
    Target(3, "system calls per small message", SMALL, calls, -0.50),
)


def adapters():
    """Return adapters of the library with all flags on, with each flag off, and with all flags
    off."""
    return [
        adapter("zlink"),
        *(adapter(flag.off) for flag in FLAGS if flag.built),
        *map(adapter, BASELINE),
    ]


def cases():
    return CASES


def show(results):
    """Print the effect of each flag, and whether the plan's targets are reached."""
    for line in lines(results):
        print(line)


def table(results):
    """Return a Markdown table with a row for each case, and columns for all flags on, each flag
    off, and all flags off."""
    heads = {"zlink": "all on", **{flag.off: f"no {flag.what}" for flag in FLAGS}, **BASELINE}
    rows = [["case", *heads.values()]]
    for result in results.cases:
        row = [f"`{result.case.name}`"]
        for name in heads:
            text = formatting.series_figure(result.case, result.of(name))
            ratio = result.ratio("zlink", name) if name != "zlink" else None
            row.append(text if ratio is None else f"{text} ({markdown.bold(ratio)})")
        rows.append(row)
    return markdown.table(rows)


def lines(results):
    for flag in FLAGS:
        if not flag.built:
            yield f"Phase {flag.phase}, {flag.what} ({flag.variable}): not built yet"
            continue
        yield f"Phase {flag.phase}, {flag.what} ({flag.variable}), on against off:"
        for result in results.cases:
            ratio = result.ratio("zlink", flag.off)
            if ratio is not None:
                on, off = (
                    formatting.series_figure(result.case, result.of(name))
                    for name in ("zlink", flag.off)
                )
                slower = result.case in TRIPS and ratio.value > 1 + SLOWER
                yield (
                    f"  {result.case.name}: {on} / {off}, {formatting.times(ratio)}"
                    + (f"  SLOWER by over {SLOWER:.0%}" if slower else "")
                )
        for target in TARGETS:
            if target.phase == flag.phase:
                yield f"  {target_line(results, target, flag)}"


def target_line(results, target, flag):
    result = results.result(target.case.name)
    on, off = (
        (None if result is None or result.of(name) is None else target.measure(result.of(name)))
        for name in ("zlink", flag.off)
    )
    goal = f"target {target.change:+.0%}"
    if on is None or off is None:
        return f"{target.what}: {goal}, not measured"
    if not off:
        return f"{target.what}: {goal}, but without it there are none"
    change = on / off - 1
    reached = change >= target.change if target.change > 0 else change <= target.change
    return f"{target.what}: {change:+.0%}, {goal}: {'reached' if reached else 'not reached'}"
