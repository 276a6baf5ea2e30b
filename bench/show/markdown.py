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


def ratios(results, cases=None):
    """A row a case: each library's figure, and in brackets the subject's ratio to it.

    Parameters
    ----------
    results : bench.results.Results
    cases : sequence of str, optional
        Names of the cases to show, all by default.
    """
    subject = results.subject
    chosen = [each for each in results.cases if cases is None or each.case.name in cases]
    names = [name for name in results.measured if any(each.of(name) is not None for each in chosen)]
    rows = [["case", *names, "targets"]]
    for result in chosen:
        cells = [f"`{result.case.name}`"]
        for name in names:
            text = formatting.series_figure(result.case, result.of(name))
            ratio = result.ratio(subject, name) if name != subject else None
            cells.append(text if ratio is None else f"{text} ({bold(ratio)})")
        rows.append([*cells, formatting.targets(result, results)])
    return table(rows)


def gains(results, cases):
    """A row a case: the subject's figure, and its ratio to each other library."""
    subject = results.subject
    names = [name for name in results.measured if name != subject]
    rows = [["case", subject, *(f"to {name}" for name in names)]]
    for result in results.cases:
        if result.case.name in cases:
            ratios = [result.ratio(subject, name) for name in names]
            rows.append(
                [
                    f"`{result.case.name}`",
                    formatting.series_figure(result.case, result.of(subject)),
                    *(bold(ratio) if ratio else "-" for ratio in ratios),
                ]
            )
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
