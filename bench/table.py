"""The figures as rows of text, in a rich table where rich is installed."""

from bench.cases import KB


def figure(case, value):
    """A median in the unit of its case."""
    if value is None:
        return "-"
    if case.kind == "memory":
        return f"{value / 1024:.1f} KB"
    if case.kind == "trip":
        return f"{value:.1f} us"
    if case.size >= 64 * KB:
        return f"{value * case.size / 1e9:.2f} GB/s"
    return f"{value / 1e6:.3f} M/s"


def cell(case, series):
    if series is None:
        return "-"
    if series.error:
        return "FAILED"
    text = figure(case, series.median())
    if case.kind == "trip":
        text += f" ({series.median('p99_us'):.0f})"
    return text + ("?" if series.is_noisy else "")


def ratio(subject, other):
    """The subject's figure to another's; None without both."""
    if subject is None or other is None:
        return None
    mine, theirs = subject.median(), other.median()
    return mine / theirs if mine is not None and theirs else None


def judged(case, value, target):
    """A target in words, and whether ``value`` reaches it."""
    if target is None:
        return "-", "-"
    words = f"{'>=' if case.kind == 'rate' else '<='} {target:g}x"
    if value is None:
        return words, "-"
    return words, "yes" if (value >= target if case.kind == "rate" else value <= target) else "no"


class Report:
    """The results of a run in rows.

    Parameters
    ----------
    libraries : sequence of str
        Columns; the last is the subject, which the others are compared with.
    results : list of (Case, list of Series)
    """

    def __init__(self, libraries, results):
        self.libraries = list(libraries)
        self.subject = self.libraries[-1]
        self.others = self.libraries[:-1]
        self.results = results

    def headers(self):
        heads = ["case", *self.libraries]
        for name in self.others:
            heads.append(f"vs {name}")
            if name == "zmq":
                heads += ["target", "reached"]
        return heads

    def columns(self, case, all_series):
        """The series per column, None where the library cannot do the case."""
        rest = list(all_series)
        found = []
        for name in self.libraries:
            takes = rest and rest[0].library == name and case.runs_on(name)
            found.append(rest.pop(0) if takes else None)
        return found

    def row(self, case, all_series):
        *others, subject = columns = self.columns(case, all_series)
        cells = [case.name, *(cell(case, series) for series in columns)]
        targets = dict(case.targets)
        for name, other in zip(self.others, others, strict=True):
            value = ratio(subject, other)
            text = "-" if value is None else f"{value:.2f}x"
            words, reached = judged(case, value, targets.get(name))
            if name == "zmq":
                if case.limit is not None:
                    words, reached = self.limited(case, subject)
                cells += [text, words, reached]
            elif words != "-" and value is not None:
                cells.append(f"{text} ({words}: {reached})")
            else:
                cells.append(text)
        return cells

    def limited(self, case, subject):
        words = f"<= {case.limit / 1024:g} KB"
        value = subject.median() if subject else None
        return words, "-" if value is None else ("yes" if value <= case.limit else "no")

    def rows(self):
        return [self.row(case, all_series) for case, all_series in self.results]

    def cases(self):
        """For JSON: figures in messages/s, us or bytes."""
        found = []
        for case, all_series in self.results:
            *others, subject = self.columns(case, all_series)
            found.append({
                "case": case.name,
                "kind": case.kind,
                "size": case.size,
                "libraries": [series.as_dict() for series in all_series],
                "ratios": [
                    {"to": name, "ratio": ratio(subject, other)}
                    for name, other in zip(self.others, others, strict=True)
                ],
                "targets": dict(case.targets),
                "limit": case.limit,
            })
        return found


def show(headers, rows):
    """Print the table."""
    try:
        from rich.console import Console
        from rich.measure import Measurement
        from rich.table import Table
    except ImportError:
        print(plain(headers, rows))
        return
    table = Table(*headers)
    for column in table.columns[1:]:
        column.justify = "right"
    for column in table.columns:
        column.no_wrap = True
    for row in rows:
        table.add_row(*row)
    console = Console(highlight=False)
    wide = console.options.update(width=1000)
    needed = Measurement.get(console, wide, table).maximum
    if console.width < needed:  # a table cut short tells nothing; a terminal can be made wider
        console.width = needed
    console.print(table)


def plain(headers, rows):
    widths = [max(map(len, column)) for column in zip(headers, *rows, strict=True)]
    lines = []
    for row in (headers, ["-" * width for width in widths], *rows):
        first, *rest = [text.ljust(width) for text, width in zip(row, widths, strict=True)]
        rest = [text.strip().rjust(len(text)) for text in rest]
        lines.append("  ".join([first, *rest]))
    return "\n".join(lines)
