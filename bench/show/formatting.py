"""Format figures and ratios as text, in the same way for every kind of output."""

from ..cases import KB, MB
from ..latency import PERCENTILES
from ..metrics import short
from ..results import NOISY

HOW_TO_READ = (
    "x: ours to the library on its left, green where ours is ahead. Ours is zlink; for libraries "
    "of asyncio it is zlink.asyncio, if measured. More is better for rates; less is better for "
    "latencies, CPU, system calls and memory."
)


def figure(case, value):
    """Format a figure in the unit of its case."""
    if value is None:
        return "-"
    if case.kind == "memory":
        return f"{value / KB:.1f} KB"
    if case.kind == "trip":
        return f"{value:.4g} us"
    if case.pattern == "storm":
        return f"{value:,.0f}/s"
    if case.message_size >= 64 * KB and case.transport != "inproc":  # inproc copies no bytes
        return f"{value * case.size / 1e9:.2f} GB/s"
    return f"{value / 1e6:.3g} M/s" if value >= 1e5 else f"{value / 1e3:.3g} k/s"


def series_figure(case, series):
    """Format the median of a library in a case, with marks for noise (~) and disturbed rounds
    (?)."""
    if series is None:
        return "-"
    if series.error:
        return "FAILED"
    if not series.good():
        return "-"
    text = figure(case, series.median())
    if series.deviation is not None and series.deviation > NOISY:
        text += f" ~{series.deviation:.0%}"
    return text + ("?" if series.disturbed else "")


def metric_figure(metric, series):
    """Format the median of a library's secondary figure."""
    if series is None or series.error:
        return "-"
    return metric.text(series.median(metric.field))


def times(ratio):
    return f"{ratio.value:.2f}x" if ratio.value < 10 else f"{ratio.value:.1f}x"


def target(ratio):
    """Format a target, and whether it is reached; return an empty str if there is none."""
    if ratio is None or ratio.target is None:
        return ""
    sign = ">=" if ratio.case.more_is_better else "<="
    return f"{sign} {ratio.target:g}x {'yes' if ratio.reached else 'no'}"


def targets(result, results):
    """Format all targets of a case: those for ratios to other libraries, and the limit."""
    found = []
    for other in results.others:
        text = target(results.against(result, other))
        if text:
            found.append(f"{text} ({other})")
    series = result.of(results.subject)
    if result.case.limit is not None and series is not None and series.median() is not None:
        reached = "yes" if series.median() <= result.case.limit else "no"
        found.append(f"<= {figure(result.case, result.case.limit)} {reached}")
    return ", ".join(found)


def latency(series):
    """Format p50, p90, p99 and p99.9 in microseconds; return an empty str if times were not
    measured."""
    found = series.percentiles() if series is not None else None
    return " / ".join(short(found[name]) for name in PERCENTILES) if found else ""


def costs(case, series):
    """Format the CPU time and the system calls per message, and the peak memory."""
    if series is None or series.error or series.median("user_us") is None:
        return ""
    parts = []
    if case.kind != "memory":
        parts.append(f"{short(series.median('user_us'))}+{short(series.median('system_us'))} us")
    if series.syscalls is not None:
        parts.append(f"{short(series.syscalls)} calls")
    if series.median("peak"):
        parts.append(f"{series.median('peak') / MB:.0f} MB")
    return ", ".join(parts)


DETAILS = (
    "case",
    "library",
    "p50 / p90 / p99 / p99.9 us",
    "CPU user+system, system calls per message; peak memory",
)


def details(results):
    """Yield a row with the columns ``DETAILS`` for each case and library."""
    for result in results.cases:
        for series in result.series:
            spent = costs(result.case, series)
            if spent:
                yield result.case.name, series.library, latency(series), spent


def machine(results):
    """Yield two lines that describe the machine and the run."""
    about, settings = results.environment, results.settings
    yield (
        f"{about['system']}, {about['cpu']}, {about['cpus']} CPUs, governor "
        f"{about['governor']}, {about['python']}"
    )
    flags = ", ".join(f"{key}={value}" for key, value in about["flags"].items())
    yield (
        f"commit {about['commit']}, {about['date']}, {settings['rounds']} rounds of "
        f"{settings['seconds']:g} s in turn, "
        f"{'each end on a CPU of its own' if settings['pinned'] else 'not pinned'}"
        + (f", beside {busy} busy processes" if (busy := settings.get("crowded")) else "")
        + (f", {flags}" if flags else "")
    )


def duration(results):
    """Format how long the run took; return an empty str if that is not known."""
    if not results.duration:
        return ""
    minutes = results.duration / 60
    took = f"{minutes:.0f} minutes" if minutes >= 2 else f"{results.duration:.0f} s"
    return f"{len(results.cases)} cases of {len(results.measured)} libraries took {took}"


def library(name, about):
    if "missing" in about:
        return f"{name}: {about['missing']}"
    return f"{name}: " + ", ".join(f"{key} {value}" for key, value in about.items())


def remarks(results):
    """Return remarks about the figures."""
    if results.discarded():
        yield (
            f"{results.discarded()} rounds were discarded, since other work took over 10% of "
            "the CPUs."
        )
    everything = [series for each in results.cases for series in each.series]
    if any(series.disturbed for series in everything):
        yield "?: every round was disturbed, so the figure is of those."
    if any(series.deviation and series.deviation > NOISY for series in everything):
        yield f"~: the standard deviation of the rounds, where it is over {NOISY:.0%} of the mean."
    for case, series in results.failures():
        yield f"FAILED {case.name} {series.library}: {series.error}"
