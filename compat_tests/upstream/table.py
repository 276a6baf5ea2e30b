"""The matrix' table in the documentation: ``python -m compat_tests.upstream.table FOLDER``.

FOLDER has the cells that ``python -m compat_tests.upstream --keep FOLDER`` wrote.
"""

import argparse
import json
import pathlib
import re

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs" / "compatibility.md"
BEGIN, END = "<!-- upstream matrix -->", "<!-- end -->"
HEADING = """
## pyzmq's own test suite

Written by `python -m compat_tests.upstream.table`, of what `tox -m matrix` ran. Skipped: tests that
skip themselves, on libzmq too. Deselected: named, with the reason, in
`compat_tests/upstream/expected.py`.

"""


def table(cells):
    """The cells (dicts of `cell.judge`) as Markdown."""
    lines = [
        "| pyzmq | door | engine | Python | passed | failed | deselected | skipped |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for cell in sorted(cells, key=lambda c: (c["door"], c["engine"], version(c["pyzmq"]))):
        lines.append(
            "| {pyzmq} | {door} | {engine} | {python} | {passed} | {0} | {deselected} | {skipped} |"
            .format(len(cell["failed"]), **cell)
        )
    return "\n".join(lines) + "\n"


def version(text):
    return [int(part) for part in re.findall(r"\d+", text)]


def write(cells, document=DOCUMENT):
    """Put the table between its marks, which are appended where there are none."""
    text = document.read_text() if document.exists() else "# Compatibility\n"
    if BEGIN not in text:
        text = f"{text.rstrip()}\n{HEADING}{BEGIN}\n{END}\n"
    before, _, rest = text.partition(BEGIN)
    document.write_text(f"{before}{BEGIN}\n{table(cells)}{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser("python -m compat_tests.upstream.table", description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    cells = [json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))]
    if not cells:
        parser.error(f"no cells in {folder}: run python -m compat_tests.upstream --keep {folder}")
    write(cells)
