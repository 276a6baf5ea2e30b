"""The live progress and the table of a run."""

from rich.console import Console
from rich.measure import Measurement
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from . import formatting


class Live:
    """Shows the progress of a run and the time left, or one line per case without a terminal.

    Parameters
    ----------
    total : int
        The number of rounds in the whole run.
    """

    def __init__(self, total):
        self.console = Console(stderr=True, highlight=False)
        self.plain = not self.console.is_terminal
        self.case = None
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=self.plain,
        )
        self.task = self.bar.add_task("", total=total)
        self.begun = False

    def __enter__(self):
        self.bar.start()
        return self

    def __exit__(self, *exc_info):
        self.bar.stop()

    def at(self, case, number, library):
        what = f"round {number}" if number else "system calls"
        if self.plain and case is not self.case:
            self.console.print(f"{what}  {case.name}")
        self.case = case
        self.bar.update(
            self.task, description=f"{case.name}  {what}  {library}", advance=1 if self.begun else 0
        )
        self.begun = True

    def again(self, case, library):
        self.console.print(f"{case.name}  {library}: again, other work took CPU", style="dim")

    def failed(self, library, error):
        name = self.case.name if self.case else ""
        self.console.print(f"{name}  {library}: FAILED", style="red")
        self.console.print(error, style="dim", markup=False)

    def suspect(self, name):
        self.console.print(f"{name}: seems slower than before, more rounds", style="dim")


def show(results, file=None, metrics=True):
    """Print the table of a run, with ratios in colour, and the remarks.

    With ``metrics``, rows of latencies, CPU time and system calls follow each case.
    """
    console = Console(file=file, highlight=False)
    table = Table("case")
    subject = results.subject
    for name in results.measured:
        table.add_column(name, justify="right")
        if name != subject:
            table.add_column("", justify="right")
    for column in table.columns:
        column.no_wrap = True
    for result in results.cases:
        for metric in (None, *(result.metrics() if metrics else ())):
            cells = [f"  {metric.label}" if metric else result.case.name]
            for name in results.measured:
                series = result.of(name)
                style = "red" if series is not None and series.error else ""
                if metric:
                    text = formatting.metric_figure(metric, series)
                else:
                    text = formatting.series_figure(result.case, series)
                cells.append(Text(text, style))
                if name != subject:
                    cells.append(compared(results.against(result, name, metric)))
            table.add_row(*cells)
    widen(console, table)
    console.print(table)
    console.print(formatting.HOW_TO_READ)
    for line in formatting.remarks(results):
        console.print(line, markup=False)


def show_targets(results, file=None):
    """Print the project's own targets, and whether each is reached."""
    console = Console(file=file, highlight=False)
    for result in results.cases:
        text = formatting.targets(result, results)
        if text:
            console.print(f"{result.case.name}: {text}", markup=False)


def compared(ratio):
    if ratio is None:
        return Text("")
    return Text(formatting.times(ratio), "green" if ratio.gain >= 1 else "red")


def widen(console, table):
    """Make the console as wide as the table, so that no column is truncated: the user can widen the
    terminal."""
    needed = Measurement.get(console, console.options.update(width=1000), table).maximum
    console.width = max(console.width, needed)
