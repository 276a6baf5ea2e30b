"""The metrics, in one table: names, kinds, units, labels, and where each value comes from.

The text page, the Prometheus collector, the OpenTelemetry instruments and the table of the manual
are all made from this table. The names are stable: dashboards and alerts depend on them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from zlinkcompat.debug.ranking import worst_first
from zlinkcompat.debug.records import DROP_REASONS, PeerRecord, ProcessRecord, SocketRecord
from zlinkcompat.version import VERSION

#: The most peers of one socket that have metrics of their own, worst first. A PUB may have
#: thousands of subscribers, and each peer costs about twelve time series.
PEERS_MAX = 200

#: Label values, in the order of the metric's label names, and the value.
Sample = tuple[tuple[str, ...], float]

#: Label values, and a record.
Labelled = tuple[tuple[str, ...], Any]


@dataclass(frozen=True)
class Metric:
    """One row of the table.

    Attributes
    ----------
    name : str
        The name of the metric family, without the suffixes ``_total`` and ``_info``.
    kind : str
        "counter", "gauge" or "info".
    help : str
        A description of the value.
    scope : str
        "process", "socket" or "peer": what one time series is about.
    values : callable
        ``values(record)`` yields ``(extra label values, value)`` of a record of the scope.
    extra : tuple of str
        Names of labels in addition to those of the scope.
    unit : str
        "seconds", "bytes" or "".
    """

    name: str
    kind: str
    help: str
    scope: str
    values: Callable[[Any], Iterable[tuple[tuple[str, ...], float]]]
    extra: tuple[str, ...] = ()
    unit: str = ""

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of all labels."""
        return LABELS[self.scope] + self.extra

    @property
    def sample_name(self) -> str:
        """The name of the time series, as queries use it."""
        return self.name + {"counter": "_total", "info": "_info"}.get(self.kind, "")


LABELS = {
    "process": (),
    "socket": ("socket", "name", "type"),
    "peer": ("socket", "name", "connection", "endpoint", "remote", "routing_id"),
}


def routing_id_text(routing_id: bytes) -> str:
    """Return a routing id as text: itself if it is printable ASCII, else ``0x`` and hexadecimal."""
    if routing_id.isascii():
        text = routing_id.decode("ascii")
        if text.isprintable() and not text.startswith("0x"):
            return text
    return f"0x{routing_id.hex()}"


def plain(name: str) -> Callable[[Any], Iterator[tuple[tuple[str, ...], float]]]:
    """Return a function that yields one attribute."""

    def values(record: Any) -> Iterator[Any]:
        yield (), getattr(record, name)

    return values


def both_ways(name: str) -> Callable[[Any], Iterator[tuple[tuple[str, ...], float]]]:
    """Return a function that yields the attributes ``NAME_in`` and ``NAME_out``, if known."""

    def values(record: Any) -> Iterator[Any]:
        for direction in ("in", "out"):
            value = getattr(record, f"{name}_{direction}")
            if value is not None:
                yield (direction,), value

    return values


def by_reason(
    name: str, always: Iterable[str] = ()
) -> Callable[[Any], Iterator[tuple[tuple[str, ...], float]]]:
    """Return a function that yields the counts of an attribute that maps reasons to counts.

    The reasons ``always`` are there even if their count is 0: a collector notices an increase only
    if it has seen an earlier value.
    """
    zeros = dict.fromkeys(always, 0)

    def values(record: Any) -> Iterator[Any]:
        for reason, count in sorted({**zeros, **getattr(record, name)}.items()):
            yield (reason,), count

    return values


def describe_peer(peer: PeerRecord) -> Iterator[tuple[tuple[str, ...], float]]:
    """Yield what does not change while a peer is connected."""
    yield (peer.local, peer.socket_type, peer.mechanism, peer.user_id), 1


METRICS = (
    Metric(
        "zlinkcompat_build",
        "info",
        "The version of zlinkcompat.",
        "process",
        lambda process: [((VERSION,), 1)],
        ("version",),
    ),
    Metric("zlinkcompat_contexts", "gauge", "Contexts.", "process", plain("contexts")),
    Metric(
        "zlinkcompat_sockets",
        "gauge",
        "Sockets.",
        "process",
        lambda process: [((), len(process.sockets))],
    ),
    Metric(
        "zlinkcompat_socket_peers",
        "gauge",
        "Peers of a socket.",
        "socket",
        lambda socket: [((), len(socket.peers))],
    ),
    Metric(
        "zlinkcompat_socket_messages",
        "counter",
        "Messages that a socket received (in) and sent (out).",
        "socket",
        both_ways("messages"),
        ("direction",),
    ),
    Metric(
        "zlinkcompat_socket_bytes",
        "counter",
        "Bytes that were read (in) and written (out), with headers and commands; none for inproc.",
        "socket",
        both_ways("bytes"),
        ("direction",),
        "bytes",
    ),
    Metric(
        "zlinkcompat_socket_drops",
        "counter",
        "Messages that a socket dropped.",
        "socket",
        by_reason("drops", DROP_REASONS),
        ("reason",),
    ),
    Metric(
        "zlinkcompat_socket_reconnects",
        "counter",
        "Connections of connected endpoints after their first one.",
        "socket",
        plain("reconnects"),
    ),
    Metric(
        "zlinkcompat_socket_handshakes_failed",
        "counter",
        "Handshakes that failed.",
        "socket",
        by_reason("handshakes_failed"),
        ("reason",),
    ),
    Metric(
        "zlinkcompat_socket_heartbeats_lost",
        "counter",
        "Connections that ended because the peer did not answer a heartbeat.",
        "socket",
        plain("heartbeats_lost"),
    ),
    Metric(
        "zlinkcompat_peer",
        "info",
        "A peer, with what does not change while it is connected.",
        "peer",
        describe_peer,
        ("local", "peer_type", "mechanism", "user_id"),
    ),
    Metric(
        "zlinkcompat_peer_connected_timestamp_seconds",
        "gauge",
        "When the peer connected, in Unix time.",
        "peer",
        plain("connected_since"),
        unit="seconds",
    ),
    Metric(
        "zlinkcompat_peer_handshake_seconds",
        "gauge",
        "How long the handshake took.",
        "peer",
        plain("handshake_seconds"),
        unit="seconds",
    ),
    Metric(
        "zlinkcompat_peer_queued_messages",
        "gauge",
        "Messages that wait for the program (in) and for the peer (out).",
        "peer",
        both_ways("queued"),
        ("direction",),
    ),
    Metric(
        "zlinkcompat_peer_hwm_messages",
        "gauge",
        "The high-water marks of these queues. 0 means no limit.",
        "peer",
        both_ways("hwm"),
        ("direction",),
    ),
    Metric(
        "zlinkcompat_peer_waiting_bytes",
        "gauge",
        "Bytes that wait for the peer.",
        "peer",
        plain("bytes_waiting"),
        unit="bytes",
    ),
    Metric(
        "zlinkcompat_peer_oldest_waiting_seconds",
        "gauge",
        "How long the oldest message for the peer has waited; 0 if none waits.",
        "peer",
        plain("oldest_waiting"),
        unit="seconds",
    ),
    Metric(
        "zlinkcompat_peer_oldest_unread_seconds",
        "gauge",
        "How long the oldest message from the peer has waited for the program; 0 if none waits.",
        "peer",
        plain("oldest_unread"),
        unit="seconds",
    ),
    Metric(
        "zlinkcompat_peer_messages",
        "counter",
        "Messages from the peer (in) and to the peer (out).",
        "peer",
        both_ways("messages"),
        ("direction",),
    ),
    Metric(
        "zlinkcompat_peer_bytes",
        "counter",
        "Bytes that were read (in) and written (out), with headers and commands; none for inproc.",
        "peer",
        both_ways("bytes"),
        ("direction",),
        "bytes",
    ),
    Metric(
        "zlinkcompat_peer_drops",
        "counter",
        "Messages from or to the peer that were dropped.",
        "peer",
        by_reason("drops", ["hwm"]),
        ("reason",),
    ),
)


class LabelledRecords:
    """The records of a snapshot, each with the values of the labels of its scope.

    Parameters
    ----------
    process : ProcessRecord
        The snapshot.
    peers_max : int, optional
        The most peers of one socket, worst first; None: all.
    """

    def __init__(self, process: ProcessRecord, peers_max: int | None = PEERS_MAX) -> None:
        sockets = [(socket_labels(socket), socket) for socket in process.sockets]
        #: Sums over all sockets would fall if the counts of closed sockets were left out.
        self.ended: list[Labelled] = [(socket_labels(each), each) for each in process.ended]
        self.by_scope: dict[str, list[Labelled]] = {
            "process": [((), process)],
            "socket": list(sockets),
            "peer": [
                ((*labels[:2], *more), peer)
                for labels, socket in sockets
                for more, peer in labelled_peers(socket, peers_max)
            ],
        }

    def of(self, metric: Metric) -> Iterable[Labelled]:
        """Return the records that a metric describes."""
        found = self.by_scope[metric.scope]
        if metric.scope == "socket" and metric.kind == "counter":
            return [*found, *self.ended]
        return found

    def samples(self, metric: Metric) -> Iterator[Sample]:
        """Yield the samples of a metric."""
        for labels, record in self.of(metric):
            for extra, value in metric.values(record):
                yield labels + extra, value


def socket_labels(socket: SocketRecord) -> tuple[str, ...]:
    """Return the values of the labels of a socket."""
    return str(socket.number), socket.name, socket.type


def labelled_peers(socket: SocketRecord, peers_max: int | None) -> Iterator[Labelled]:
    """Yield the peers of a socket, each with the values of the labels that only peers have."""
    peers: Sequence[PeerRecord] = socket.peers
    if peers_max is not None and len(peers) > peers_max:
        peers = worst_first(peers)[:peers_max]
    seen: dict[tuple[str, ...], int] = {}
    for peer in peers:
        rest = (peer.endpoint, peer.remote, routing_id_text(peer.routing_id))
        connection = str(peer.connection)
        # Peers without a connection may have nothing that distinguishes them, but each time series
        # must have labels of its own.
        count = seen[connection, *rest] = seen.get((connection, *rest), 0) + 1
        yield (connection if count == 1 else f"{connection}.{count}", *rest), peer
