"""Update the matrix in the documentation: ``python -m compat_tests.upstream.table FOLDER``.

FOLDER has the cells that ``python -m compat_tests.upstream --keep FOLDER`` has written. Rows
without a cell in FOLDER do not change, so it is possible to run a part of the matrix only.
"""

import argparse
import json
import pathlib

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs" / "compatibility.md"
COLUMNS = ("pyzmq", "entry point", "engine", "Python", "passed", "failed", "deselected", "skipped")
BEGIN, END = "<!-- upstream matrix -->", "<!-- end -->"
HEADING = """
## pyzmq's own test suite

`python -m compat_tests.upstream.table` writes this table from what `tox -m matrix` ran, or a part
of it. Skipped tests skip themselves, on libzmq as well. Deselected tests are named in
`compat_tests/upstream/expected.py`, with the reason.

"""


def row(cell):
    """Return the fields of a row for a cell, which is a dict from `cell.judge`."""
    fields = {**cell, "Python": cell["python"], "failed": len(cell["failed"])}
    return [str(fields[name.replace(" ", "_")]) for name in COLUMNS]


def place(row):
    """Return the sort key of a row: entry point, engine and major version, which are unique."""
    pyzmq, entry_point, engine = row[:3]
    return entry_point, engine, int(pyzmq.partition(".")[0])


def table(rows):
    """Return the rows as a table in Markdown."""
    head, *lines = (f"| {' | '.join(line)} |\n" for line in [COLUMNS, *sorted(rows, key=place)])
    return head + "|---" * len(COLUMNS) + "|\n" + "".join(lines)


def rows_of(text):
    """Return the rows of a table in Markdown."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[field.strip() for field in line.strip("|").split("|")] for line in lines[2:]]


def write(cells, document=DOCUMENT):
    """Write rows for the cells into the page's table, and replace earlier rows of these cells.

    Two marker comments enclose the table. They are appended if the page does not have them.
    """
    text = document.read_text() if document.exists() else "# Compatibility\n"
    if BEGIN not in text:
        text = f"{text.rstrip()}\n{HEADING}{BEGIN}\n{END}\n"
    before, _, rest = text.partition(BEGIN)
    earlier, _, after = rest.partition(END)
    rows = {place(each): each for each in [*rows_of(earlier), *map(row, cells)]}
    document.write_text(f"{before}{BEGIN}\n{table(rows.values())}{END}{after}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser("python -m compat_tests.upstream.table", description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    files = sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime)
    cells = [json.loads(file.read_text()) for file in files]
    if not cells:
        parser.error(f"no cells in {folder}: run python -m compat_tests.upstream --keep {folder}")
    write(cells)
