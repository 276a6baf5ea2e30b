"""A page with all results, for phones, desktops and paper. It works without a network."""

from html import escape
from pathlib import Path

from . import charts, formatting

STYLE = """
:root { --ahead: #e2f2dd; --behind: #fbe0da; --line: #d8d8d8; --quiet: #555; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 76rem; color: #1a1a1a; background: #fff;
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.2; margin: .5rem 0; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
p, ul { margin: .4rem 0; }
.quiet { color: var(--quiet); font-size: .85rem; overflow-wrap: anywhere; }
.grid { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); }
figure { margin: 0; break-inside: avoid; }
figure svg { width: 100%; height: auto; max-width: 40rem; }
figcaption { font-size: .9rem; font-weight: 600; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .8rem; white-space: nowrap; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .5rem; text-align: right; }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: #fff; }
td.ahead { background: var(--ahead); } td.behind { background: var(--behind); }
td small { color: var(--quiet); }
pre { overflow-x: auto; font-size: .75rem; background: #f6f6f6; padding: .5rem; }
@media print { body { max-width: none; font-size: 11px; } .wide { overflow: visible; }
  table { font-size: 6.5px; } th, td { padding: 1px 3px; } h2 { break-after: avoid; }
  .grid { grid-template-columns: 1fr 1fr; } }
"""
HEAT_MAPS = ("pyzmq", "zmq.green", "pyomq", "zmq.asyncio")


def write(results, folder):
    """Write ``index.html`` into ``folder``, which is created if necessary; return its path."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "index.html"
    path.write_text(document(results), encoding="utf-8")
    return path


def document(results):
    title = f"{results.subject} against {len(results.others)} others"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>\n"
        f"<h1>{escape(title)}</h1>\n" + "\n".join(body(results)) + "\n</body></html>\n"
    )


def body(results):
    summary = charts.summary(results)
    if summary:
        yield f"<p>{escape(summary)}</p>"
    for line in formatting.machine(results):
        yield f'<p class="quiet">{escape(line)}</p>'
    yield (
        '<p class="quiet">'
        + "<br>".join(
            escape(formatting.library(name, about)) for name, about in results.libraries.items()
        )
        + "</p>"
    )
    maps = [
        (other, charts.heat_map(results, other)) for other in HEAT_MAPS if other in results.others
    ]
    if any(chart for _, chart in maps):
        yield (
            f"<h2>How many times better {escape(results.subject)} is</h2><p class='quiet'>"
            "Rates, and round trips p50; over 1 is ahead, by pattern, transport and size.</p>"
        )
        yield grid((chart, f"than {other}") for other, chart in maps if chart)
    lines, curves = charts.all_of(results)
    if lines:
        yield "<h2>Throughput by message size</h2>"
        yield grid((chart, "") for chart in lines)
    if curves:
        yield "<h2>Latency of round trips</h2>"
        yield grid((chart, "") for chart in curves)
    compared = charts.metrics(results)
    if compared:
        yield "<h2>Latency, CPU and system calls against libzmq</h2>"
        yield grid((chart, "") for chart in compared)
    yield "<h2>All figures</h2>"
    yield (
        "<p class='quiet'>In each cell the median of the rounds; under it our ratio to it, taken "
        f"round by round. {escape(formatting.HOW_TO_READ)}</p>"
    )
    yield table(results)
    remarks = list(formatting.remarks(results))
    if remarks:
        yield "<h2>Remarks</h2>"
    for line in remarks:
        tag = "pre" if "\n" in line else "p"
        yield f"<{tag}>{escape(line)}</{tag}>"
    yield "<h2>Latency and costs</h2>"
    yield rows_of(
        formatting.DETAILS,
        (
            "".join(f"<td>{escape(cell)}</td>" for cell in row)
            for row in formatting.details(results)
        ),
    )


def grid(pairs):
    cells = []
    for chart, caption in pairs:
        said = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
        cells.append(f"<figure>{said}{chart}</figure>")
    return f'<div class="grid">{"".join(cells)}</div>'


def table(results):
    heads = ["case", *results.measured]
    rows = []
    for result in results.cases:
        for metric in (None, *result.metrics()):
            if metric:
                cells = [f"<td><small>{escape(metric.label)}</small></td>"]
            else:
                cells = [f"<td>{escape(result.case.name)}</td>"]
            for name in results.measured:
                ratio = results.against(result, name, metric)
                series = result.of(name)
                if metric:
                    text = escape(formatting.metric_figure(metric, series))
                else:
                    text = escape(formatting.series_figure(result.case, series))
                if ratio is None:
                    cells.append(f"<td>{text}</td>")
                else:
                    side = "ahead" if ratio.gain >= 1 else "behind"
                    said = f"{text}<br><small>{formatting.times(ratio)}</small>"
                    cells.append(f'<td class="{side}">{said}</td>')
            rows.append("".join(cells))
    return rows_of(heads, rows)


def rows_of(heads, rows):
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    lines = "".join(f"<tr>{row}</tr>\n" for row in rows)
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )
