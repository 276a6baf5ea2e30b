"""Writes the tables of these pages that are made from the code: ``python docs/generate.py``."""

import re
from pathlib import Path

from zlinkcompat import counters, tuning
from zlinkcompat.core import options

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


LIMITS = {
    "MAXMSGSIZE": "A frame that says it is longer ends its connection before memory is taken; "
                  "others grow as their bytes arrive.",
    "HANDSHAKE_IVL": "A handshake that takes longer is ended.",
    "HANDSHAKES_MAX": "Unfinished handshakes of one bound endpoint. At the limit others wait in "
                      "the backlog, and the oldest is ended once it took a second.",
    "SUBSCRIPTIONS_MAX": "Of one peer of a PUB or XPUB; one more ends its connection.",
    "SNDHWM": "Messages that wait for one peer.",
    "RCVHWM": "Messages of one peer that wait for the program.",
    "BACKLOG": "Peers that wait in the kernel to be accepted.",
}


def limits():
    """The options that bound what peers can cost."""
    yield "| socket option | default | unit | what it bounds |"
    yield "|---|---|---|---|"
    for row in options.SOCKET_OPTIONS:
        if row.name in LIMITS:
            yield f"| `{row.name}` ({row.id}) | {row.default} | {row.unit} | {LIMITS[row.name]} |"


def inert_options():
    """The options of ``zlinkcompat.core.options`` that are kept and change nothing."""
    yield "| option | of | unit | why it has no meaning here |"
    yield "|---|---|---|---|"
    for kind, rows in (("socket", options.SOCKET_OPTIONS), ("context", options.CONTEXT_OPTIONS)):
        for row in rows:
            if row.inert:
                yield f"| `{row.name}` | {kind} | {row.unit or '-'} | {row.inert} |"


def refused_options():
    """The options that libzmq would take, and this library refuses."""
    yield "| option | why it is refused with `EINVAL` |"
    yield "|---|---|"
    for row in options.SOCKET_OPTIONS:
        if row.refused:
            yield f"| `{row.name}` | {row.refused} |"


TABLES = {
    "compatibility.md": {"inert options": inert_options, "refused options": refused_options},
    "tuning.md": {"settings": settings, "limits": limits, "counters": counter_names},
}


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
