"""Metrics as observable instruments of OpenTelemetry, which the extra ``opentelemetry`` installs.

The instruments have the names of the table, with dots after the first two words:
``zlinkcompat_peer_queued_messages`` is ``zlinkcompat.peer.queued_messages`` here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Lock
from time import monotonic

from opentelemetry.metrics import CallbackOptions, Meter, Observation, get_meter

from zlinkcompat.debug.records import ProcessRecord, snapshot
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
    """A snapshot that is taken again when it is too old. Any thread may ask for it."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.record: ProcessRecord | None = None
        self.taken = 0.0

    def get(self) -> ProcessRecord:
        """Return a snapshot that is at most ``SHARED`` seconds old."""
        with self.lock:
            now = monotonic()
            if self.record is None or now - self.taken > SHARED:
                self.record, self.taken = snapshot(), now
            return self.record


def observer(
    metric: definitions.Metric, shared: SharedSnapshot, peers_max: int | None
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    """Return the callback of a metric's instrument."""

    def observe(options: CallbackOptions) -> Iterable[Observation]:
        for labels, value in definitions.samples(metric, shared.get(), peers_max):
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
    shared = SharedSnapshot()
    for metric in definitions.METRICS:
        create = (
            meter.create_observable_counter
            if metric.kind == "counter"
            else meter.create_observable_gauge
        )
        create(
            instrument_name(metric),
            [observer(metric, shared, peers_max)],
            UNITS[metric.unit],
            metric.help,
        )
