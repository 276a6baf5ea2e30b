"""``python -m bench.publish RESULTS.json``: write the figures of a run into README and docs.

A run of ``--phases`` goes into docs/performance-plan.md, any other run into README.md,
docs/performance.md, docs/figures.md and docs/compare.md. The program replaces the text between
``<!-- bench:NAME -->`` and ``<!-- /bench:NAME -->``, and writes the chart to ``docs/overview.svg``.
"""

import re
import sys

from . import phases
from .cases import default_cases
from .machine import ROOT
from .results import load
from .show import charts, formatting, markdown

README_LIBRARIES = ("pyzmq", "zmq.green", "pyomq", "zlink")
#: The cases of README's chart.
CHART_RATES = (
    "push-pull/tcp/64B",
    "push-pull/tcp/64KB",
    "push-pull/inproc/64B",
    "pub-sub/tcp/64B",
    "dealer-router/tcp/64B",
    "curve/tcp/64B",
)
CHART_TRIPS = ("req-rep/tcp/64B", "req-rep/tcp/64KB")
CROWDS = ("crowd/tcp/1000x",)
#: The libraries of docs/compare.md.
COMPARED = ("zlink", "pyzmq", "zmq.green", "pyomq", "pynng")
THREAD = "zlink-thread"
#: The columns of the two tables of main results: other libraries, and the ways to use ours.
OTHERS = ("zlink", "pyzmq", "zmq.green", "zmq.asyncio", "pyomq", "pynng")
VARIANTS = ("zlink", "zlink-thread", "zlink-backend", "zlink.asyncio", "zlink-pure", "raw")


def main(path):
    results = load(path)
    if phases.PLAIN in results.libraries:
        fill(
            ROOT / "docs" / "performance-plan.md",
            {
                "where": "\n".join(f"{line}  " for line in formatting.machine(results)),
                "flags": phases.table(results),
                "targets": markdown.fold(
                    "Each feature on and off, by case, and the plan's targets",
                    "```text\n" + "\n".join(phases.lines(results)) + "\n```",
                ),
            },
        )
        return
    rows = [case.name for case in default_cases()]
    where = filter(None, (*formatting.machine(results), formatting.duration(results)))
    fill(ROOT / "README.md", {"machine": "; ".join(formatting.machine(results))})
    fill(
        ROOT / "docs" / "performance.md",
        {
            "where": "\n".join(f"{line}  " for line in where),
            "summary": charts.summary(results),
            "ratios": markdown.ratios(only(results, OTHERS), rows),
            "variants": markdown.ratios(only(results, VARIANTS), rows),
            "behind": where_not(results),
        },
    )
    fill(
        ROOT / "docs" / "figures.md",
        {
            "grid": markdown.folded(only(results, README_LIBRARIES)),
            "details": markdown.fold(
                "Costs by case and library", markdown.details(at(results, rows))
            ),
            "aims": markdown.fold("Targets by case", markdown.aims(results)),
        },
    )
    compared = markdown.ratios(only(results, COMPARED), (*CHART_RATES, *CHART_TRIPS, *CROWDS))
    fill(ROOT / "docs" / "compare.md", {"compared": compared})
    chart = charts.overview(only(results, README_LIBRARIES), CHART_RATES, CHART_TRIPS)
    (ROOT / "docs" / "overview.svg").write_text(chart + "\n", encoding="utf-8")


def only(results, libraries):
    """Return the results of the run for only these libraries."""
    return type(results)(
        results.environment,
        results.settings,
        {name: about for name, about in results.libraries.items() if name in libraries},
        results.cases,
    )


def at(results, rows):
    """Return the results of the run for only these cases."""
    cases = [each for each in results.cases if each.case.name in rows]
    return type(results)(results.environment, results.settings, results.libraries, cases)


def where_not(results):
    """Return tables of the cases in which another library is ahead of ours."""
    subject = results.subject
    rivals = [
        name
        for name in results.others
        if name not in ("pyzmq", "raw") and not name.startswith("zlink")
    ]
    groups = [("pyzmq ahead of", subject, ["pyzmq"]), ("another ahead of", subject, rivals)]
    if THREAD in results.measured:
        groups.insert(1, ("pyzmq ahead of", THREAD, ["pyzmq"]))
    return "\n\n".join(
        f"{what} {ours}:\n\n{behind(results, ours, others)}" for what, ours, others in groups
    )


def behind(results, ours, others):
    """Return a table of the cases in which one of ``others`` is ahead of ``ours``, worst first."""
    found = [(each.ratio(ours, other), each) for each in results.cases for other in others]
    found = sorted(
        ((ratio, each) for ratio, each in found if ratio and ratio.gain < 1),
        key=lambda pair: pair[0].gain,
    )
    rows = [["case", "ahead", "its figure", ours, "ratio"]]
    for ratio, each in found:
        figures = (
            formatting.series_figure(each.case, each.of(name)) for name in (ratio.other, ours)
        )
        rows.append([f"`{each.case.name}`", ratio.other, *figures, formatting.times(ratio)])
    return markdown.table(rows) or "None."


def fill(path, parts):
    """Replace the text between the marks of each name in ``parts``.

    Raises
    ------
    ValueError
        The page does not have such a mark.
    """
    text = path.read_text(encoding="utf-8")
    for name, part in parts.items():
        begin, end = f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"
        marked = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        if not marked.search(text):
            raise ValueError(f"{path} has no {begin} ... {end}")
        text = marked.sub(lambda _, part=part: f"{begin}\n{part}\n{end}", text)  # noqa: B023
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
