"""The table of a run in Markdown."""

from . import formatting


def document(results):
    """Return the whole document: machine, ratios, costs and remarks."""
    parts = [
        "\n".join(f"{line}  " for line in formatting.machine(results)),
        ratios(results, metrics=True),
        details(results),
        *(f"- {' '.join(line.split())}" for line in formatting.remarks(results)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def ratios(results, cases=None, metrics=False):
    """Return a table with a row for each case: the subject's figure, then those of the other
    libraries.

    Each figure of another library is followed by the ratio of our figure to it, in brackets.

    Parameters
    ----------
    results : bench.results.Results
    cases : sequence of str, optional
        Names of the cases to show, all by default.
    metrics : bool
        Whether rows of latencies, CPU time and system calls follow each case.
    """
    chosen = [each for each in results.cases if cases is None or each.case.name in cases]
    measured = [name for name in results.measured if any(each.of(name) for each in chosen)]
    names = sorted(measured, key=lambda name: name != results.subject)  # sorting is stable
    rows = [["case", *names]]
    for result in chosen:
        for metric in (None, *(result.metrics() if metrics else ())):
            cells = [metric.label if metric else f"`{result.case.name}`"]
            for name in names:
                series = result.of(name)
                if metric:
                    text = formatting.metric_figure(metric, series)
                else:
                    text = formatting.series_figure(result.case, series)
                ratio = results.against(result, name, metric)
                cells.append(text if ratio is None else f"{text} ({bold(ratio)})")
            rows.append(cells)
    return table(rows)


def folded(results):
    """Return the ratios of all cases, as one table that can be unfolded for each pattern."""
    groups = {}
    for result in results.cases:
        groups.setdefault(result.case.pattern, []).append(result.case.name)
    return "\n\n".join(fold(name, ratios(results, cases)) for name, cases in groups.items())


def fold(summary, text):
    """Return ``text`` in a block that is closed until the reader clicks on ``summary``."""
    return f"<details>\n<summary>{summary}</summary>\n\n{text}\n\n</details>"


def aims(results):
    """Return a table of the cases that have targets, with the targets and whether they are
    reached."""
    rows = [["case", "targets"]]
    for result in results.cases:
        text = formatting.targets(result, results)
        if text:
            rows.append([f"`{result.case.name}`", text])
    return table(rows)


def details(results):
    """Return a table with a row for each case and library: latency percentiles, CPU time, system
    calls and memory."""
    return table(
        [formatting.DETAILS, *((f"`{name}`", *rest) for name, *rest in formatting.details(results))]
    )


def bold(ratio):
    """Format a ratio, in bold if the subject is ahead."""
    return f"**{formatting.times(ratio)}**" if ratio.gain >= 1 else formatting.times(ratio)


def table(rows):
    head, *rest = rows
    if not rest:
        return ""
    lines = [head, ["---"] * len(head), *rest]
    return "\n".join("| " + " | ".join(row) + " |" for row in lines)
