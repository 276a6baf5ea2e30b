"""Test the collector for prometheus_client and the instruments for OpenTelemetry."""

import subprocess
import sys

import pytest
from records import peer, process, sock

from zlinkcompat import metrics
from zlinkcompat.metrics import definitions

RECORD = process(
    sock(
        number=3,
        messages_out=30,
        drops={"hwm": 7},
        peers=(
            peer(connection=4, remote="127.0.0.1:40000", routing_id=b"stuck", oldest_waiting=1.5),
        ),
    ),
    contexts=1,
)


def expected():
    """Return ``{(name, labels): value}`` of all samples of RECORD."""
    return {
        (metric.sample_name, frozenset(zip(metric.labels, labels, strict=True))): value
        for metric in definitions.METRICS
        for labels, value in definitions.LabelledRecords(RECORD).samples(metric)
    }


@pytest.fixture
def prometheus(monkeypatch):
    pytest.importorskip("prometheus_client", reason="the extra prometheus is not installed")
    from zlinkcompat.metrics import prometheus

    monkeypatch.setattr(prometheus, "snapshot", lambda: RECORD)
    return prometheus


def test_prometheus_collector_gives_every_sample(prometheus):
    found = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in prometheus.Collector().collect()
        for sample in family.samples
    }
    assert found == expected()


def test_prometheus_registry_exposes_the_metrics(prometheus):
    from prometheus_client import CollectorRegistry
    from prometheus_client.openmetrics.exposition import generate_latest

    registry = CollectorRegistry()
    collector = prometheus.register(registry)
    assert registry.get_sample_value("zlinkcompat_contexts") == 1
    text = generate_latest(registry).decode()
    assert 'zlinkcompat_socket_drops_total{name="PUB",reason="hwm",socket="3",type="PUB"} 7' in text
    with pytest.raises(ValueError):
        prometheus.register(registry)
    registry.unregister(collector)
    assert registry.get_sample_value("zlinkcompat_contexts") is None


def test_registering_does_not_take_a_snapshot(prometheus, monkeypatch):
    from prometheus_client import CollectorRegistry

    monkeypatch.setattr(prometheus, "snapshot", None)  # registering must not take a snapshot
    prometheus.register(CollectorRegistry())


def test_opentelemetry_instruments_give_every_sample(monkeypatch):
    pytest.importorskip("opentelemetry.sdk", reason="OpenTelemetry's SDK is not installed")
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    from zlinkcompat.metrics import opentelemetry

    taken = []
    monkeypatch.setattr(opentelemetry, "snapshot", lambda: taken.append(1) or RECORD)
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    opentelemetry.register(provider.get_meter("test"))
    found = {}
    units = {}
    for of_resource in reader.get_metrics_data().resource_metrics:
        for of_scope in of_resource.scope_metrics:
            for metric in of_scope.metrics:
                units[metric.name] = metric.unit
                for point in metric.data.data_points:
                    found[metric.name, frozenset(point.attributes.items())] = point.value
    assert len(taken) == 1  # one snapshot for all instruments
    assert found == {
        (name.removesuffix("_total").replace("_", ".", 2), labels): value
        for (name, labels), value in expected().items()
    }
    assert units["zlinkcompat.peer.oldest_waiting_seconds"] == "s"
    assert units["zlinkcompat.socket.bytes"] == "By"
    provider.shutdown()


def test_opentelemetry_takes_a_new_snapshot_when_the_last_is_old(monkeypatch):
    pytest.importorskip("opentelemetry", reason="the extra opentelemetry is not installed")
    from zlinkcompat.metrics import opentelemetry

    now = iter([0.0, 0.4, 0.8])
    taken = iter([process(), RECORD])
    monkeypatch.setattr(opentelemetry, "monotonic", now.__next__)
    monkeypatch.setattr(opentelemetry, "snapshot", taken.__next__)
    shared = opentelemetry.SharedSnapshot(None)
    sockets = definitions.METRICS[2]
    assert [next(iter(shared.get().samples(sockets)))[1] for _ in range(3)] == [0, 0, 1]


def test_opentelemetry_uses_the_programs_provider():
    pytest.importorskip("opentelemetry", reason="the extra opentelemetry is not installed")
    from zlinkcompat.metrics import opentelemetry

    opentelemetry.register()  # without an SDK, the instruments do nothing


def test_metrics_need_no_extra_and_import_no_server():
    source = """
import sys
import zlinkcompat.metrics
print([name for name in ("prometheus_client", "opentelemetry", "wsgiref", "http.server", "gevent")
       if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_public_names_exist():
    assert all(getattr(metrics, name).__doc__ for name in metrics.__all__)
