"""Metrics as observable instruments of OpenTelemetry, which the extra ``opentelemetry`` installs.

The instruments have the names of the table, with dots after the first two words:
``zlinkcompat_peer_queued_messages`` is ``zlinkcompat.peer.queued_messages`` here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Lock
from time import monotonic

from opentelemetry.metrics import CallbackOptions, Meter, Observation, get_meter

from zlinkcompat.debug.records import snapshot
from zlinkcompat.metrics import definitions
from zlinkcompat.version import VERSION

__all__ = ["register"]

#: Seconds for which the instruments share a snapshot. A reader asks all instruments in turn, and
#: their values should fit together.
SHARED = 0.5

#: Units by the names of UCUM.
UNITS = {"seconds": "s", "bytes": "By", "": "1"}


def instrument_name(metric: definitions.Metric) -> str:
    """Return the name of a metric's instrument."""
    return metric.sample_name.removesuffix("_total").replace("_", ".", 2)


class SharedSnapshot:
    """A snapshot that is taken again when it is too old. Any thread may ask for it.

    Parameters
    ----------
    peers_max : int, optional
        The most peers of one socket that are observed, worst first; None: all.
    """

    def __init__(self, peers_max: int | None) -> None:
        self.peers_max = peers_max
        self.lock = Lock()
        self.records: definitions.LabelledRecords | None = None
        self.taken = 0.0

    def get(self) -> definitions.LabelledRecords:
        """Return the records of a snapshot that is at most ``SHARED`` seconds old."""
        with self.lock:
            now = monotonic()
            if self.records is None or now - self.taken > SHARED:
                self.records = definitions.LabelledRecords(snapshot(), self.peers_max)
                self.taken = now
            return self.records


def observer(
    metric: definitions.Metric, shared: SharedSnapshot
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    """Return the callback of a metric's instrument."""

    def observe(options: CallbackOptions) -> Iterable[Observation]:
        for labels, value in shared.get().samples(metric):
            yield Observation(value, dict(zip(metric.labels, labels, strict=True)))

    return observe


def register(meter: Meter | None = None, peers_max: int | None = definitions.PEERS_MAX) -> None:
    """Make the instruments.

    .. versionadded:: 0.1

    Parameters
    ----------
    meter : opentelemetry.metrics.Meter, optional
        The meter; by default the one named ``zlinkcompat`` of the program's meter provider.
    peers_max : int, optional
        The most peers of one socket that are observed, worst first; None: all.
    """
    if meter is None:
        meter = get_meter("zlinkcompat", VERSION)
    shared = SharedSnapshot(peers_max)
    for metric in definitions.METRICS:
        create = (
            meter.create_observable_counter
            if metric.kind == "counter"
            else meter.create_observable_gauge
        )
        create(
            instrument_name(metric),
            [observer(metric, shared)],
            UNITS[metric.unit],
            metric.help,
        )
