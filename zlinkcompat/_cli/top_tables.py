"""The tables of ``zlinkcompat top``: rows of text, for the terminal and for plain output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zlinkcompat.debug.ranking import badness
from zlinkcompat.metrics.definitions import routing_id_text

if TYPE_CHECKING:
    from collections.abc import Iterator


#: The longest text of a cell.
CELL_MAX = 40


@dataclass(frozen=True)
class Table:
    """A table: ``columns`` of ``(title, is_number)``, and ``rows`` of texts."""

    title: str
    columns: tuple[tuple[str, bool], ...]
    rows: list[list[str]]


def count(number: Any) -> Any:
    """Return a count as text."""
    return f"{number:,}"


def seconds(value: Any) -> Any:
    """Return a time as text."""
    if value < 60:
        return f"{value:.1f} s"
    if value < 3600:
        return f"{value // 60:.0f} m {value % 60:.0f} s"
    return f"{value // 3600:.0f} h {value % 3600 // 60:.0f} m"


def size(number: Any) -> Any:
    """Return a number of bytes as text."""
    for unit in ("B", "KiB", "MiB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} GiB"


def queue(queued: Any, hwm: int) -> Any:
    """Return the fill of a queue as text."""
    return f"{queued}/{hwm}" if hwm else f"{queued}"


def reasons(counts: Any) -> Any:
    """Return counts by reason as text, the largest first."""
    found = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{reason} {number:,}" for reason, number in found if number)


def short(text: str) -> Any:
    """Return a text without control characters, that fits into a cell."""
    text = "".join(each if each.isprintable() else "?" for each in text)
    return text if len(text) <= CELL_MAX else f"{text[: CELL_MAX - 3]}..."


def key_of(socket: Any, peer: Any) -> Any:
    """Return what identifies a peer in two snapshots."""
    return socket.number, peer.connection, peer.endpoint, peer.remote, peer.routing_id


class Rates:
    """What happened per second between two snapshots; nothing is known after the first one."""

    def __init__(self, now: Any, before: Any = None) -> None:
        self.before = {}
        self.elapsed = 0.0
        if before is not None and before.pid == now.pid:
            self.elapsed = now.time - before.time
            for socket in before.sockets:
                self.before[socket.number] = socket
                for peer in socket.peers:
                    self.before[key_of(socket, peer)] = peer

    def text(self, key: Any, record: Any, value: Any) -> Any:
        """Return the rate of ``value(record)`` as text."""
        earlier = self.before.get(key)
        if earlier is None or self.elapsed <= 0:
            return "-"
        return f"{(value(record) - value(earlier)) / self.elapsed:,.0f}"


def messages_out(record: Any) -> Any:
    """Return the messages that were sent."""
    return record.messages_out


def messages_in(record: Any) -> Any:
    """Return the messages that were received."""
    return record.messages_in


def dropped(record: Any) -> Any:
    """Return the messages that were dropped."""
    return sum(record.drops.values())


def peer_table(now: Any, rates: Any, peers_max: Any) -> Any:
    """Return the table of peers, worst first."""
    found = [(socket, peer) for socket in now.sockets for peer in socket.peers]
    found.sort(
        key=lambda pair: (
            tuple(-part for part in badness(pair[1])),
            pair[0].number,
            pair[1].connection,
        )
    )
    rows = []
    for socket, peer in found[:peers_max]:
        key = key_of(socket, peer)
        rows.append(
            [
                short(peer.remote or peer.endpoint or "-"),
                short(routing_id_text(peer.routing_id) or peer.user_id) or "-",
                short(socket.name),
                peer.waits_for or "-",
                queue(peer.queued_out, peer.hwm_out),
                seconds(peer.oldest_waiting) if peer.oldest_waiting else "-",
                size(peer.bytes_waiting),
                queue(peer.queued_in, peer.hwm_in),
                seconds(peer.oldest_unread) if peer.oldest_unread else "-",
                count(dropped(peer)),
                rates.text(key, peer, dropped),
                count(peer.messages_out),
                rates.text(key, peer, messages_out),
                count(peer.messages_in),
                rates.text(key, peer, messages_in),
            ]
        )
    more = len(found) - len(rows)
    return Table(
        f"Peers, worst first ({len(rows)} of {len(found)})" if more else "Peers, worst first",
        (
            ("peer", False),
            ("identity", False),
            ("socket", False),
            ("waits for", False),
            ("queue out", True),
            ("oldest", True),
            ("bytes", True),
            ("queue in", True),
            ("unread", True),
            ("drops", True),
            ("drops/s", True),
            ("out", True),
            ("out/s", True),
            ("in", True),
            ("in/s", True),
        ),
        rows,
    )


def socket_table(now: Any, rates: Any) -> Any:
    """Return the table of sockets."""
    rows = [
        [
            short(socket.name),
            count(len(socket.peers)),
            short(", ".join(socket.endpoints)) or "-",
            count(socket.messages_out),
            rates.text(socket.number, socket, messages_out),
            count(socket.messages_in),
            rates.text(socket.number, socket, messages_in),
            count(dropped(socket)),
            rates.text(socket.number, socket, dropped),
            reasons(socket.drops) or "-",
            count(socket.reconnects),
            reasons(socket.handshakes_failed) or "-",
        ]
        for socket in sorted(now.sockets, key=lambda socket: socket.number)
    ]
    return Table(
        "Sockets",
        (
            ("socket", False),
            ("peers", True),
            ("endpoints", False),
            ("out", True),
            ("out/s", True),
            ("in", True),
            ("in/s", True),
            ("drops", True),
            ("drops/s", True),
            ("dropped because of", False),
            ("reconnects", True),
            ("failed handshakes", False),
        ),
        rows,
    )


def without_empty(table: Any) -> Any:
    """Return the table without columns that have no value in any row."""
    kept = [
        index
        for index in range(len(table.columns))
        if not index or any(row[index] != "-" for row in table.rows)
    ]
    return Table(
        table.title,
        tuple(table.columns[index] for index in kept),
        [[row[index] for index in kept] for row in table.rows],
    )


def headline(now: Any) -> Any:
    """Return the first line of the output."""
    counts = {
        "context": now.contexts,
        "socket": len(now.sockets),
        "peer": sum(len(socket.peers) for socket in now.sockets),
    }
    parts = (f"{number:,} {what}{'s' * (number != 1)}" for what, number in counts.items())
    return f"process {now.pid}: {', '.join(parts)}"


def plain(table: Any) -> Iterator[Any]:
    """Yield the lines of a table as plain text."""
    titles = [title for title, _ in table.columns]
    widths = [max(map(len, column)) for column in zip(titles, *table.rows, strict=True)]
    yield table.title
    for row in (titles, *table.rows):
        cells = (
            text.rjust(width) if is_number else text.ljust(width)
            for text, width, (_, is_number) in zip(row, widths, table.columns, strict=True)
        )
        yield f"  {'  '.join(cells)}".rstrip()
