"""Write the tables of docs/ that are made from the code: ``python tools/generate_docs.py``."""

import ast
import json
import re
import sys
from pathlib import Path

from zlinkcompat import tuning
from zlinkcompat._runtime import counters
from zlinkcompat.core.context_options import CONTEXT_OPTIONS
from zlinkcompat.core.option_table import SOCKET_OPTIONS
from zlinkcompat.debug import records
from zlinkcompat.metrics import definitions

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
sys.path.insert(0, str(ROOT))

from compat_tests.differential.known import KNOWN  # noqa: E402  (of the checkout)


def settings():
    """Yield the rows of ``zlinkcompat.tuning``."""
    yield "| environment, socket option | default | what it does |"
    yield "|---|---|---|"
    for row in tuning.TABLE:
        option = f", `{row.option}` ({row.number})" if row.option else ""
        unit = "" if " or " in row.unit else f" {row.unit}"
        yield f"| `{row.variable}`{option} | {row.default}{unit} | {row.effect} |"


def counter_names():
    """Yield the names of ``zlinkcompat._runtime.counters``, with what they count."""
    yield "| counter | counts |"
    yield "|---|---|"
    for name, what in counters.NAMES.items():
        yield f"| `{name}` | {what} |"


def metric_names():
    """Yield the metrics of ``zlinkcompat.metrics``."""
    for scope, labels in definitions.LABELS.items():
        if labels:
            yield (
                f"Every metric of a {scope} has the labels "
                + ", ".join(f"`{label}`" for label in labels)
                + "."
            )
            yield ""
    yield "| metric | kind | more labels | value |"
    yield "|---|---|---|---|"
    for metric in definitions.METRICS:
        more = ", ".join(f"`{label}`" for label in metric.extra)
        yield f"| `{metric.sample_name}` | {metric.kind} | {more} | {metric.help} |"


def drop_reasons():
    """Yield the reasons for which messages are dropped."""
    yield "| reason | the dropped message |"
    yield "|---|---|"
    for reason, what in records.DROP_REASONS.items():
        yield f"| `{reason}` | {what} |"


LIMITS = {
    "MAXMSGSIZE": "The size of a frame. A frame that announces more ends its connection before "
    "memory is allocated for it. Memory for other frames grows as their bytes arrive.",
    "HANDSHAKE_IVL": "The time of a handshake. A handshake that takes longer is ended.",
    "HANDSHAKES_MAX": "The unfinished handshakes of one bound endpoint. At the limit, new peers "
    "wait in the backlog, and the oldest handshake is ended once it has taken a second.",
    "SUBSCRIPTIONS_MAX": "The subscriptions of one peer of a PUB or XPUB. One more ends its "
    "connection.",
    "SNDBYTES_MAX": "The bytes that wait to be written to one peer. A message is accepted as "
    "long as fewer bytes wait, whatever its size. At the limit `send` waits, drops the message or "
    "raises `Again`, as at SNDHWM for this socket type. The limit has no effect over inproc.",
    "RCVBYTES_MAX": "The bytes from one peer that wait for the program. At the limit the socket "
    "stops reading from this peer, so messages wait in the peer's own queue. The limit also holds "
    "for an unfinished message of several frames, for which each frame counts 48 bytes more; a "
    "longer message ends its connection. The limit has no effect over inproc.",
    "COMMAND_MAX": "The size of a command, or of a subscription to a PUB. A peer that announces "
    "more is disconnected before memory is allocated for it. A subscription that a peer sends to "
    "an XPUB as a message is checked when it has arrived.",
    "METADATA_MAX": "The size of the metadata that a peer sends in its handshake: its socket "
    "type, its routing id and its `X-...` properties, with 5 bytes more for each. A peer that "
    "sends more is refused.",
    "PROPERTIES_MAX": "The number of properties in this metadata.",
    "SNDHWM": "The messages that wait to be sent to one peer.",
    "RCVHWM": "The messages from one peer that wait for the program.",
    "BACKLOG": "The peers that wait in the kernel to be accepted.",
}


def limits():
    """Yield the options that limit what a peer can cost."""
    yield "| socket option | default | what it limits |"
    yield "|---|---|---|"
    for row in SOCKET_OPTIONS:
        if row.name in LIMITS:
            yield f"| `{row.name}` ({row.id}) | {row.default} {row.unit} | {LIMITS[row.name]} |"


def by_reason(rows, reason):
    """Yield a table row for each reason, with the names of the options that have it."""
    names = {}
    for row in rows:
        if getattr(row, reason):
            names.setdefault(getattr(row, reason), []).append(f"`{row.name}`")
    for why, options_of_it in names.items():
        yield f"| {', '.join(options_of_it)} | {why} |"


def inert_options():
    """Yield the options that are stored and have no effect."""
    yield "| option | why it has no effect |"
    yield "|---|---|"
    yield from by_reason((*SOCKET_OPTIONS, *CONTEXT_OPTIONS), "inert")


def refused_options():
    """Yield the options that libzmq can accept, but this library refuses."""
    yield "| option | why it is refused with `EINVAL` |"
    yield "|---|---|"
    yield from by_reason(SOCKET_OPTIONS, "refused")


def differences():
    """Yield the differences that the differential tests allow, with the reasons."""
    yield "| what differs | why |"
    yield "|---|---|"
    for _, what, why in KNOWN:
        yield f"| {what} | {why} |"


def programs():
    """Yield the first line of the docstring of each example."""
    yield "| program | shows |"
    yield "|---|---|"
    for path in sorted((ROOT / "examples").rglob("*.py")):
        what = ast.get_docstring(ast.parse(path.read_text())).partition("\n\n")[0]
        yield f"| `{path.relative_to(ROOT / 'examples')}` | {' '.join(what.split())} |"


def reliability():
    """Return the stored results of ``python -m reliability``, by the names of the runs."""
    return json.loads((ROOT / "reliability" / "results.json").read_text())


def faults():
    """Yield the numbers of faults, by transport or mechanism."""
    found = reliability()["faults"]
    kinds = ("cut", "reset", "delay", "split", "duplicate")
    yield "| | " + " | ".join(kinds) + " |"
    yield "|---|" + "---:|" * len(kinds)
    for name in ("null", "plain", "curve", "ws", "tls"):
        tried = (found["tried"].get(f"{name}-{kind}", "-") for kind in kinds)
        yield f"| {name} | " + " | ".join(map(str, tried)) + " |"
    yield ""
    yield (
        f"{found['faults']:,} faults in all; lost: {found['lost']}, duplicated: "
        f"{found['duplicated']} ({found['on']})."
    )


def fuzzing():
    """Yield the results of each fuzz target."""
    found = reliability()["fuzz"]
    yield "| target | seconds | inputs | edges covered | kept | on |"
    yield "|---|---:|---:|---:|---:|---|"
    for name, one in found["targets"].items():
        yield (
            f"| {name} | {one['seconds']} | {one['inputs']:,} | {one['edges']} | {one['kept']} | "
            f"{one['on']} |"
        )
    yield ""
    inputs = sum(one["inputs"] for one in found["targets"].values())
    yield f"{inputs:,} inputs in all; crashes: {len(found['failures'])}."


HELD = {
    "memory_kb": "memory, KiB",
    "allocated_kb": "memory in use by C, KiB",
    "objects": "objects of Python",
    "blocks": "memory blocks of Python",
}


def soak():
    """Yield the memory and objects of the two processes, by engine."""
    runs = [found for name, found in reliability().items() if name.startswith("soak-")]
    for found in runs:
        yield (
            f"{found['engine'].capitalize()} engine, {found['minutes']:g} minutes: "
            f"{found['connections']:,} connections, {found['requests']:,} requests, "
            f"{found['received']:,} received, {found['answered']:,} answered; lost: "
            f"{found['lost']}, duplicated: {found['duplicated']} ({found['on']})."
        )
        yield ""
        yield "| | before | second quarter | last quarter | after all had disconnected |"
        yield "|---|---:|---:|---:|---:|"
        for role in ("server", "clients"):
            for what, values in found[role].items():
                yield (
                    f"| {role}: {HELD.get(what, what)} | "
                    + " | ".join(f"{value:,.0f}" for value in values.values())
                    + " |"
                )
        yield ""


def load():
    """Yield the results of 10,000 connections, and those of pyzmq."""
    found = reliability()["load"]
    yield "| | zlinkcompat | pyzmq |"
    yield "|---|---:|---:|"
    for name, what in (
        ("accepted_per_s", "connections accepted and answered per second"),
        ("cpu_us_per_connection", "CPU time of the server per connection, us"),
    ):
        yield (
            f"| {what}, by round | "
            + " | ".join(
                ", ".join(f"{each:,}" for each in found[name][library])
                for library in ("zlinkcompat", "zmq")
            )
            + " |"
        )
    yield ""
    yield (
        f"{found['connections']:,} connections of {found['processes']} processes, "
        f"{found['descriptors']:,} descriptors at a time; unanswered: {found['lost']}; rate "
        f"{found['ratio']}x of pyzmq's ({found['on']})."
    )


CROWDED = ("inproc", "tcp")


def threads():
    """Yield the duration of each round of threads, and the memory after it."""
    found = reliability()["threads"]
    yield "| | asked | answered | wrong | seconds, each round | memory, KiB, after each round |"
    yield "|---|---:|---:|---:|---|---|"
    for transport in CROWDED:
        one = found[transport]
        yield (
            f"| {transport} | {one['asked']:,} | {one['answered']:,} | {one['wrong']} | "
            + ", ".join(map(str, one["seconds"]))
            + " | "
            + ", ".join(f"{each:,}" for each in one["memory_kb"])
            + " |"
        )
    yield ""
    lost = sum(found[transport]["asked"] - found[transport]["answered"] for transport in CROWDED)
    yield (
        f"{found['rounds']} rounds of {found['threads']} threads, {found['requests']:,} "
        f"requests each; hangs: 0, lost: {lost} ({found['on']})."
    )


def churn():
    """Yield the resources of the process before and after the run."""
    found = reliability()["churn"]
    yield "| | before | after |"
    yield "|---|---:|---:|"
    for what, before in found["before"].items():
        yield f"| {what.replace('_kb', ', KiB')} | {before:,} | {found['after'][what]:,} |"
    yield ""
    yield (
        f"{found['made']:,} pairs of sockets by {found['threads']} threads in "
        f"{found['seconds']:g} s; crashes: 0, failures: {len(found['failures'])} "
        f"({found['on']})."
    )


def subscriber():
    """Yield what the subscriber that computes and the late subscribers received."""
    found = reliability()["subscriber"]
    yield "| numbered | received, after each computing | lost or out of order | disconnected |"
    yield "|---:|---|---:|---:|"
    received = found["received"]
    yield (
        f"| {found['numbered']:,} | "
        + ", ".join(f"{each:,}" for each in received)
        + f" | {found['numbered'] - sum(received) + found['wrong']} | {found['disconnected']} |"
    )
    yield ""
    yield (
        f"In the same time {found['sent']:,} other messages were sent. {found['late']} subscribers "
        f"connected late; each got its first message within {found['first_ms']:g} ms "
        f"({found['on']})."
    )


def gil():
    """Yield round trips beside a thread that computes, and the calls that end a connection."""
    found = reliability()["gil"]
    yield "| round trip, us | median | 99% |"
    yield "|---|---:|---:|"
    rows = [("no thread computes", found["alone"])]
    rows += [
        (f"a thread computes, switch interval {float(interval):g} ms", one)
        for interval, one in found["beside"].items()
    ]
    for what, one in rows:
        yield f"| {what} | {one['median_us']:,} | {one['p99_us']:,} |"
    yield ""
    yield (
        f"| {found['lasting_s']} s, heartbeats every {found['heartbeat_ivl_ms']} ms, timeout "
        f"{found['heartbeat_timeout_ms']} ms | the peer ends the connection |"
    )
    yield "|---|---|"
    calls = (
        ("keeps", "a C call that keeps the GIL"),
        ("gives", "the same call, but releasing the GIL"),
        ("computes", "pure Python"),
    )
    for name, what in calls:
        after = found["given_up_s"][name]
        yield f"| {what} | {'never' if after is None else f'after {after:g} s'} |"
    yield ""
    yield (
        f"{found['trips']} round trips each, over tcp, {found['cpus']} CPUs with other work, "
        f"load average {found['load']} ({found['on']})."
    )


TABLES = {
    "reliability.md": {
        "faults": faults,
        "fuzzing": fuzzing,
        "soak": soak,
        "load": load,
        "subscriber": subscriber,
        "threads": threads,
        "churn": churn,
    },
    "metrics.md": {"metrics": metric_names, "drop reasons": drop_reasons},
    "operate.md": {"gil": gil},
    "compatibility.md": {
        "inert options": inert_options,
        "refused options": refused_options,
        "differences": differences,
    },
    "examples.md": {"programs": programs},
    "tuning.md": {"settings": settings, "limits": limits, "counters": counter_names},
}


def page(name):
    """Return the text of a page with new tables."""
    text = (DOCS / name).read_text()
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
        (DOCS / name).write_text(page(name))
