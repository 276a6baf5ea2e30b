"""Charts as SVG text, drawn by matplotlib."""

import io
from math import log2

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from .. import latency
from ..cases import PATTERNS, SIZES, TRANSPORTS, human
from ..metrics import METRICS
from . import formatting

# Okabe and Ito's colours, which colour-blind people can distinguish, and one marker shape each.
STYLES = {
    "zlink": ("#d55e00", "o"),
    "zlink-backend": ("#e69f00", "s"),
    "zlink-thread": ("#cc79a7", "D"),
    "zlink-pure": ("#b8860b", "v"),
    "zlink.asyncio": ("#882255", "P"),
    "zlink.asyncio-uvloop": ("#ee3377", "P"),
    "pyzmq": ("#0072b2", "o"),
    "zmq.green": ("#009e73", "s"),
    "zmq.asyncio": ("#56b4e9", "D"),
    "zmq.asyncio-uvloop": ("#33bbee", "d"),
    "pyomq": ("#332288", "v"),
    "pyomq.asyncio": ("#6644aa", "<"),
    "pyomq.asyncio-uvloop": ("#9977cc", ">"),
    "pynng": ("#117733", "P"),
    "raw": ("#777777", "x"),
    "websockets": ("#aa4499", "^"),
}
WIDTH = 5.2  # inches of 72 px, about the width of a phone
SETTINGS = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
}
NINES = (0, 90, 99, 99.9, 99.99)
MOST_ROWS = 40  # of a chart; the tables have all rows
MOST = 16  # the gain at which the colour is strongest


def style(library):
    color, marker = STYLES.get(library, ("#444444", "."))
    return {"color": color, "marker": marker, "markersize": 4, "linewidth": 1.4}


def figure(height):
    made = Figure(figsize=(WIDTH, height), layout="constrained")
    return made, made.add_subplot()


def svg(made, name):
    """Return the text of a figure without the XML head, so that it can be embedded in a page."""
    buffer = io.StringIO()
    with matplotlib.rc_context({**SETTINGS, "svg.hashsalt": name}):
        made.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :].replace("<svg", f'<svg role="img" aria-label="{name}"', 1)


def plain_log(axis, numbers=None):
    """Format numbers on a logarithmic axis."""
    axis.set_major_formatter(FuncFormatter(numbers or (lambda value, _: f"{value:g}")))
    axis.set_minor_formatter(NullFormatter())


def throughput(results, pattern, transport):
    """Draw messages per second by size, one line per library; None for fewer than two sizes."""
    rows = [
        each
        for each in results.cases
        if (each.case.pattern, each.case.transport) == (pattern, transport)
    ]
    if len(rows) < 2 or PATTERNS[pattern].kind != "rate" or not PATTERNS[pattern].of_messages:
        return None
    with matplotlib.rc_context(SETTINGS):
        made, axes = figure(3.5)
        for library in results.measured:
            points = [
                (place, each.of(library).median())
                for place, each in enumerate(rows)
                if each.of(library) is not None and each.of(library).median()
            ]
            if points:
                axes.plot(*zip(*points, strict=True), label=library, **style(library))
        axes.set_yscale("log")
        axes.set_xticks(range(len(rows)), [human(each.case.size) for each in rows])
        plain_log(axes.yaxis, per_second)
        axes.set_title(f"{pattern} over {transport}, messages a second", loc="left", fontsize=10)
        legend(made)
        return svg(made, f"{pattern} over {transport}: messages a second by size")


def per_second(value, _=None):
    for unit, name in ((1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:g} {name}"
    return f"{value:g}"


def legend(made):
    made.legend(loc="outside lower center", ncols=4, handlelength=1.6, columnspacing=1.2)


def distribution(results, result):
    """Draw latency by percentile, with an enlarged tail; None if the case is not a round trip."""
    curves = {}
    for series in result.series:
        texts = [each["histogram"] for each in series.good() if "histogram" in each]
        if texts and not series.error:
            curves[series.library] = latency.merged(texts)
    if not curves:
        return None
    name = f"{result.case.name}: microseconds by percentile"
    with matplotlib.rc_context(SETTINGS):
        made, axes = figure(3.5)
        for library, histogram in curves.items():
            percents = [100 - 10 ** (2 - step / 20) for step in range(81)]
            values = [histogram.get_value_at_percentile(each) / 1000 for each in percents]
            axes.plot(
                [step / 20 for step in range(81)],
                values,
                label=library,
                **{**style(library), "marker": None},
            )
        axes.set_yscale("log")
        axes.set_xticks(range(len(NINES)), [f"{each:g}%" for each in NINES])
        plain_log(axes.yaxis)
        axes.set_title(name, loc="left", fontsize=10)
        legend(made)
        return svg(made, name)


def heat_map(results, other):
    """Draw the subject's gain over ``other``: rows are patterns and transports, columns are sizes.
    Return None if there are no figures."""
    gains = {}
    for result in results.cases:
        ratio = results.against(result, other)
        if ratio is not None and result.case.shape.of_messages:
            row = (result.case.pattern, result.case.transport)
            gains.setdefault(row, {})[result.case.size] = ratio.gain
    if not gains:
        return None
    rows = sorted(gains, key=lambda row: (list(PATTERNS).index(row[0]), TRANSPORTS.index(row[1])))
    sizes = [size for size in SIZES if any(size in gains[row] for row in rows)]
    name = f"how many times better {results.subject} is than {other}"
    with matplotlib.rc_context({**SETTINGS, "axes.grid": False}):
        made, axes = figure(0.9 + 0.24 * len(rows))
        shades = [
            [log2(gains[row][size]) if size in gains[row] else float("nan") for size in sizes]
            for row in rows
        ]
        axes.imshow(shades, cmap="RdYlGn", vmin=-log2(MOST), vmax=log2(MOST), aspect="auto")
        for y, row in enumerate(rows):
            for x, size in enumerate(sizes):
                if size in gains[row]:
                    gain = gains[row][size]
                    axes.text(
                        x,
                        y,
                        f"{gain:.1f}" if gain < 100 else f"{gain:.0f}",
                        ha="center",
                        va="center",
                        fontsize=8.5,
                        color="white" if abs(log2(gain)) > 3.2 else "black",
                    )
        axes.set_xticks(range(len(sizes)), map(human, sizes), fontsize=8)
        axes.set_yticks(
            range(len(rows)), [f"{pattern} {transport}" for pattern, transport in rows], fontsize=8
        )
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        return svg(made, name)


def overview(results, rates, trips):
    """Return the chart of README: two panels of bars, throughput above and round trips below.

    Parameters
    ----------
    results : bench.results.Results
    rates, trips : sequence of str
        Names of the cases of each panel. Rates are drawn as multiples of pyzmq's, round trips in
        microseconds.
    """
    libraries = [results.subject, *(name for name in results.others)]
    panels = [
        [each for each in results.cases if each.case.name in names] for names in (rates, trips)
    ]
    with matplotlib.rc_context({**SETTINGS, "axes.grid": False}):
        made = Figure(figsize=(WIDTH, 1.6 + 0.55 * sum(map(len, panels))), layout="constrained")
        above, below = made.subplots(2, 1, height_ratios=[len(each) or 1 for each in panels])
        for axes, cases, reference in ((above, panels[0], "pyzmq"), (below, panels[1], None)):
            bars(axes, cases, libraries, reference)
        above.set_title("Throughput, times pyzmq's: longer is better", loc="left", fontsize=10)
        below.set_title("Round trip, microseconds: shorter is better", loc="left", fontsize=10)
        handles, labels = above.get_legend_handles_labels()
        made.legend(
            handles, labels, loc="outside lower center", ncols=4, handlelength=1, columnspacing=1.2
        )
        return svg(made, "throughput and round trips of zlinkcompat, pyzmq, zmq.green and pyomq")


def bars(axes, cases, libraries, reference):
    """Draw a group of bars for each case. Each library has one bar, with its figure at the end."""
    thickness = 0.8 / len(libraries)
    for place, library in enumerate(libraries):
        rows, lengths, figures = [], [], []
        for y, result in enumerate(cases):
            series, base = result.of(library), result.of(reference) if reference else None
            value = series.median() if series is not None else None
            if value and (base is None or base.median()):
                rows.append(y + (place - (len(libraries) - 1) / 2) * thickness)
                lengths.append(value / base.median() if base is not None else value)
                figures.append(formatting.figure(result.case, value))
        drawn = axes.barh(
            rows,
            lengths,
            thickness * 0.9,
            color=style(library)["color"],
            label="zlinkcompat" if library == "zlink" else library,
        )
        axes.bar_label(drawn, figures, padding=3, fontsize=7.5)
    axes.set_yticks(range(len(cases)), [each.case.name for each in cases])
    axes.invert_yaxis()
    axes.margins(x=0.16)
    axes.tick_params(axis="y", length=0)


def metrics(results):
    """Return a chart for each secondary figure, which shows the gain of each library in each
    case."""
    found = []
    for metric in METRICS:
        rows = [
            each.case.name
            for each in results.cases
            if metric in each.metrics() and results.reference(each)
        ]
        if rows and len(results.measured) > 1:
            found.append(gains(results, rows[:MOST_ROWS], metric))
    return found


def gains(results, cases, metric):
    """Draw how many times better than libzmq each library is in ``metric``, one row per case."""
    chosen = [each for each in results.cases if each.case.name in cases]
    libraries = [name for name in results.others if name != "pyzmq"] + [results.subject]
    with matplotlib.rc_context(SETTINGS):
        made, axes = figure(0.9 + 0.28 * len(chosen))
        for library in libraries:
            points = []
            for y, result in enumerate(chosen):
                reference = results.reference(result) or "pyzmq"
                ratio = result.ratio(library, reference, metric) if library != reference else None
                if ratio is not None and 0 < ratio.gain < float("inf"):
                    points.append((ratio.gain, y))
            if points:
                axes.plot(
                    *zip(*points, strict=True),
                    label=library,
                    linestyle="none",
                    **{**style(library), "markersize": 6, "linewidth": 0},
                )
        axes.axvline(1, color=STYLES["pyzmq"][0], linewidth=1.4, label="pyzmq")
        axes.set_xscale("log", base=2)
        plain_log(axes.xaxis, lambda value, _: f"{value:g}x")
        axes.set_yticks(range(len(chosen)), [each.case.name for each in chosen])
        axes.invert_yaxis()
        axes.set_title(f"times better than pyzmq: {metric.label}", loc="left", fontsize=10)
        legend(made)
        return svg(made, f"how many times better than pyzmq: {metric.label}")


def all_of(results):
    """Return the charts of all figures: a list of throughputs and a list of distributions, as
    SVG."""
    lines = [
        throughput(results, pattern, transport) for pattern in PATTERNS for transport in TRANSPORTS
    ]
    curves = [distribution(results, each) for each in results.cases]
    return [each for each in lines if each], [each for each in curves if each]


def summary(results):
    """Return one sentence: in how many cases the subject is ahead of pyzmq."""
    ratios = [each.ratio(results.subject, "pyzmq") for each in results.cases]
    ratios = [each for each in ratios if each is not None]
    if not ratios:
        return ""
    ahead = sum(each.gain >= 1 for each in ratios)
    worst = min(ratios, key=lambda each: each.gain)
    best = max(ratios, key=lambda each: each.gain)
    return (
        f"{results.subject} is ahead of pyzmq in {ahead} of {len(ratios)} cases; best "
        f"{best.gain:.1f} times ({best.case.name}), worst {worst.gain:.2f} times "
        f"({worst.case.name})."
    )
