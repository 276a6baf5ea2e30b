"""The table of a run in Markdown."""

from . import formatting


def document(results):
    """Everything: where it was measured, the ratios, the costs and the remarks."""
    parts = [
        "\n".join(f"{line}  " for line in formatting.machine(results)),
        ratios(results),
        details(results),
        *(f"- {' '.join(line.split())}" for line in formatting.remarks(results)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def ratios(results, cases=None, targets=True):
    """Return a row for each case: the subject's figure first, then each other library's.

    The figure of another library is followed by the subject's ratio to it, in brackets.

    Parameters
    ----------
    results : bench.results.Results
    cases : sequence of str, optional
        Names of the cases to show, all by default.
    targets : bool
        Add a column with the targets of each case.
    """
    subject = results.subject
    chosen = [each for each in results.cases if cases is None or each.case.name in cases]
    measured = [name for name in results.measured if any(each.of(name) for each in chosen)]
    names = sorted(measured, key=lambda name: name != subject)  # sorting is stable
    rows = [["case", *names, *(["targets"] if targets else [])]]
    for result in chosen:
        cells = [f"`{result.case.name}`"]
        for name in names:
            text = formatting.series_figure(result.case, result.of(name))
            ratio = result.ratio(subject, name) if name != subject else None
            cells.append(text if ratio is None else f"{text} ({bold(ratio)})")
        if targets:
            cells.append(formatting.targets(result, results))
        rows.append(cells)
    return table(rows)


def folded(results):
    """Return the ratios of every case, one folded table for each pattern and transport."""
    groups = {}
    for result in results.cases:
        name = f"{result.case.pattern} over {result.case.transport}"
        groups.setdefault(name, []).append(result.case.name)
    return "\n\n".join(
        fold(name, ratios(results, cases, targets=False)) for name, cases in groups.items()
    )


def fold(summary, text):
    """Return ``text`` in a block that a reader opens by a click."""
    return f"<details>\n<summary>{summary}</summary>\n\n{text}\n\n</details>"


def aims(results):
    """Return a row for each case that has targets: the targets, and whether they are reached."""
    rows = [["case", "targets"]]
    for result in results.cases:
        text = formatting.targets(result, results)
        if text:
            rows.append([f"`{result.case.name}`", text])
    return table(rows)


def details(results):
    """A row a case and library: latency percentiles, CPU, system calls, memory."""
    return table(
        [formatting.DETAILS, *((f"`{name}`", *rest) for name, *rest in formatting.details(results))]
    )


def bold(ratio):
    """A ratio, in bold where the subject is ahead."""
    return f"**{formatting.times(ratio)}**" if ratio.gain >= 1 else formatting.times(ratio)


def table(rows):
    head, *rest = rows
    if not rest:
        return ""
    lines = [head, ["---"] * len(head), *rest]
    return "\n".join("| " + " | ".join(row) + " |" for row in lines)
