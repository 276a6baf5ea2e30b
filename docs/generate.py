"""Writes the tables of these pages that are made from the code: ``python docs/generate.py``."""

import re
from pathlib import Path

from zlinkcompat import counters, tuning

HERE = Path(__file__).parent


def settings():
    """The rows of ``zlinkcompat.tuning``."""
    yield "| environment | socket option | default | unit | what it does |"
    yield "|---|---|---|---|---|"
    for row in tuning.TABLE:
        option = f"`{row.option}` ({row.number})" if row.option else "-"
        yield f"| `{row.variable}` | {option} | {row.default} | {row.unit} | {row.effect} |"


def counter_names():
    """The names of ``zlinkcompat.counters``, with what is counted."""
    yield "| counter | counts |"
    yield "|---|---|"
    for name, what in counters.NAMES.items():
        yield f"| `{name}` | {what} |"


TABLES = {"tuning.md": {"settings": settings, "counters": counter_names}}


def page(name):
    """The page with its tables made anew."""
    text = (HERE / name).read_text()
    for table, rows in TABLES[name].items():
        begin, end = f"<!-- generated: {table} -->", "<!-- end -->"
        pattern = f"{re.escape(begin)}.*?{re.escape(end)}"
        made = "\n".join([begin, *rows(), end])
        text, count = re.subn(pattern, lambda match, made=made: made, text, flags=re.DOTALL)
        if count != 1:
            raise ValueError(f"{name} has {count} places for the table {table!r}")
    return text


if __name__ == "__main__":
    for name in TABLES:
        (HERE / name).write_text(page(name))
