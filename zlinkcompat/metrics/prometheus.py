"""Metrics for ``prometheus_client``, which the extra ``prometheus`` installs.

Use this in a program that serves metrics of its own by ``prometheus_client``.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)

from zlinkcompat.debug.records import snapshot
from zlinkcompat.metrics import definitions

__all__ = ["Collector", "register"]


class Collector:
    """Collects the metrics of this process at each scrape.

    .. versionadded:: 0.1

    Parameters
    ----------
    peers_max : int, optional
        The most peers of one socket that have time series of their own, worst first; None: all.
    """

    def __init__(self, peers_max: int | None = definitions.PEERS_MAX) -> None:
        self.peers_max = peers_max

    def describe(self) -> Iterator[Metric]:
        """Yield the metrics without samples, for the registry's check of names."""
        for metric in definitions.METRICS:
            yield family_of(metric)

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics with the samples of a new snapshot."""
        found = definitions.LabelledRecords(snapshot(), self.peers_max)
        for metric in definitions.METRICS:
            family = family_of(metric)
            for labels, value in found.samples(metric):
                family.add_sample(
                    metric.sample_name, dict(zip(metric.labels, labels, strict=True)), value
                )
            yield family


def family_of(metric: definitions.Metric) -> Metric:
    """Return an empty family of ``prometheus_client``."""
    if metric.kind == "counter":
        return CounterMetricFamily(metric.name, metric.help, unit=metric.unit)
    if metric.kind == "gauge":
        return GaugeMetricFamily(metric.name, metric.help, unit=metric.unit)
    return InfoMetricFamily(metric.name, metric.help)


def register(
    registry: CollectorRegistry = REGISTRY, peers_max: int | None = definitions.PEERS_MAX
) -> Collector:
    """Add the metrics of this process to a registry.

    .. versionadded:: 0.1

    Parameters
    ----------
    registry : prometheus_client.CollectorRegistry, optional
        The registry; by default the one of ``prometheus_client``.
    peers_max : int, optional
        The most peers of one socket that have time series of their own, worst first; None: all.

    Returns
    -------
    Collector
        The collector, which ``registry.unregister`` accepts.

    Raises
    ------
    ValueError
        The registry has these metrics already.

    Examples
    --------
    >>> from prometheus_client import CollectorRegistry
    >>> from zlinkcompat.metrics import prometheus
    >>> registry = CollectorRegistry()
    >>> collector = prometheus.register(registry)
    >>> registry.get_sample_value("zlinkcompat_sockets")
    0
    """
    collector = Collector(peers_max)
    registry.register(collector)
    return collector
