"""The text page of metrics follows the rules of OpenMetrics, and has the snapshot's numbers."""

import re

import pytest
from records import peer, process, sock

import zlinkcompat as zmq
from zlinkcompat import metrics
from zlinkcompat.metrics import definitions
from zlinkcompat.metrics.openmetrics import render

SAMPLE = re.compile(
    r'([a-zA-Z_:][\w:]*)(?:\{((?:\w+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (-?[\d.e+-]+|NaN|[+-]Inf)'
)
LABEL = re.compile(r'(\w+)="((?:[^"\\\n]|\\["\\n])*)"')


def samples(text):
    """Return ``{(name, labels): value}``; fail on a line that is not valid."""
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, labels, value = SAMPLE.fullmatch(line).groups()
        labels = frozenset(
            (label, re.sub(r"\\(.)", lambda match: {"n": "\n"}.get(match[1], match[1]), text))
            for label, text in LABEL.findall(labels or "")
        )
        assert (name, labels) not in found, f"twice: {line}"
        found[name, labels] = float(value)
    return found


def value(text, name, /, **labels):
    """Return the value of the only sample of ``name`` whose labels include ``labels``."""
    (found,) = (
        value
        for (each, has), value in samples(text).items()
        if each == name and set(labels.items()) <= has
    )
    return found


STUCK = peer(
    connection=4,
    endpoint="tcp://127.0.0.1:5000",
    local="127.0.0.1:5000",
    remote="127.0.0.1:40000",
    routing_id=b"stuck",
    socket_type="SUB",
    mechanism="NULL",
    connected_since=1000.5,
    handshake_seconds=0.25,
    queued_out=50,
    hwm_out=50,
    hwm_in=1000,
    bytes_waiting=3200,
    oldest_waiting=7.5,
    oldest_unread=2.5,
    messages_in=1,
    messages_out=10,
    bytes_in=20,
    bytes_out=640,
    drops={"hwm": 40_000},
)


def test_every_number_of_a_record_is_on_the_page():
    text = render(
        process(
            sock(
                number=3,
                name="PUB feed.py:7",
                messages_in=1,
                messages_out=30,
                bytes_in=21,
                bytes_out=1921,
                drops={"hwm": 40_000, "filter": 5},
                reconnects=2,
                handshakes_failed={"timeout": 6},
                heartbeats_lost=8,
                peers=(STUCK,),
            ),
            contexts=1,
        )
    )
    of_socket = {"socket": "3", "name": "PUB feed.py:7"}
    of_peer = {**of_socket, "connection": "4", "remote": "127.0.0.1:40000", "routing_id": "stuck"}
    for name, labels, expected in (
        ("contexts", {}, 1),
        ("sockets", {}, 1),
        ("socket_peers", of_socket, 1),
        ("socket_messages_total", {**of_socket, "direction": "in"}, 1),
        ("socket_messages_total", {**of_socket, "direction": "out"}, 30),
        ("socket_bytes_total", {**of_socket, "direction": "in"}, 21),
        ("socket_bytes_total", {**of_socket, "direction": "out"}, 1921),
        ("socket_drops_total", {**of_socket, "reason": "hwm"}, 40_000),
        ("socket_drops_total", {**of_socket, "reason": "filter"}, 5),
        ("socket_reconnects_total", of_socket, 2),
        ("socket_handshakes_failed_total", {**of_socket, "reason": "timeout"}, 6),
        ("socket_heartbeats_lost_total", of_socket, 8),
        ("peer_info", {**of_peer, "peer_type": "SUB", "mechanism": "NULL"}, 1),
        ("peer_connected_timestamp_seconds", of_peer, 1000.5),
        ("peer_handshake_seconds", of_peer, 0.25),
        ("peer_queued_messages", {**of_peer, "direction": "out"}, 50),
        ("peer_queued_messages", {**of_peer, "direction": "in"}, 0),
        ("peer_hwm_messages", {**of_peer, "direction": "out"}, 50),
        ("peer_hwm_messages", {**of_peer, "direction": "in"}, 1000),
        ("peer_waiting_bytes", of_peer, 3200),
        ("peer_oldest_waiting_seconds", of_peer, 7.5),
        ("peer_oldest_unread_seconds", of_peer, 2.5),
        ("peer_messages_total", {**of_peer, "direction": "in"}, 1),
        ("peer_messages_total", {**of_peer, "direction": "out"}, 10),
        ("peer_bytes_total", {**of_peer, "direction": "in"}, 20),
        ("peer_bytes_total", {**of_peer, "direction": "out"}, 640),
        ("peer_drops_total", {**of_peer, "reason": "hwm"}, 40_000),
    ):
        assert value(text, f"zlinkcompat_{name}", **labels) == expected, name
    listed = {name for name, _ in samples(text)}
    assert listed == {metric.sample_name for metric in definitions.METRICS}


def test_page_follows_the_rules_of_openmetrics():
    parser = pytest.importorskip("prometheus_client.openmetrics.parser")
    text = render(process(sock(number=3, peers=(STUCK,)), contexts=1))
    families = list(parser.text_string_to_metric_families(text))
    assert [family.name for family in families] == [each.name for each in definitions.METRICS]
    for family, metric in zip(families, definitions.METRICS, strict=True):
        assert (family.type, family.documentation, family.unit) == (
            metric.kind,
            metric.help,
            metric.unit,
        )
    assert sum(len(family.samples) for family in families) == len(samples(text))


def test_page_without_sockets_is_valid():
    text = render(process())
    assert value(text, "zlinkcompat_sockets") == 0
    assert text.endswith("\n# EOF\n") and text.count("# EOF") == 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ('a "quoted" name', 'a "quoted" name'),
        ("two\nlines", "two\nlines"),
        (r"a \n that is two characters", r"a \n that is two characters"),
        (
            "Gr\N{LATIN SMALL LETTER U WITH DIAERESIS}n",
            "Gr\N{LATIN SMALL LETTER U WITH DIAERESIS}n",
        ),
        ("undecodable \udcff", "undecodable ?"),
    ],
)
def test_any_name_is_escaped(name, expected):
    text = render(process(sock(number=1, name=name)))
    text.encode()
    assert value(text, "zlinkcompat_socket_peers", name=expected) == 0


@pytest.mark.parametrize(
    ("routing_id", "text"),
    [
        (b"worker-1", "worker-1"),
        (b"", ""),
        (b"\x00\x80\x00A\xa7", "0x00800041a7"),
        (b"0x00", "0x30783030"),
        (b"a\nb", "0x610a62"),
    ],
)
def test_routing_ids_are_unambiguous_text(routing_id, text):
    page = render(process(sock(number=1, peers=(peer(connection=1, routing_id=routing_id),))))
    assert value(page, "zlinkcompat_peer_info", routing_id=text) == 1


def test_peers_without_a_connection_have_distinct_labels():
    alike = peer(endpoint="tcp://127.0.0.1:1", queued_out=3)
    text = render(process(sock(number=1, peers=(alike, alike, alike))))
    queued = [
        number
        for (name, labels), number in samples(text).items()
        if name == "zlinkcompat_peer_queued_messages" and ("direction", "out") in labels
    ]
    assert queued == [3, 3, 3]


def test_limit_of_peers_keeps_the_worst_and_the_count():
    peers = [peer(connection=number, hwm_out=9, queued_out=number % 9) for number in range(1, 30)]
    stuck = peer(connection=99, hwm_out=9, queued_out=9)
    text = render(process(sock(number=1, peers=(*peers, stuck))), peers_max=1)
    assert value(text, "zlinkcompat_peer_info") == 1
    assert value(text, "zlinkcompat_peer_info", connection="99") == 1
    assert value(text, "zlinkcompat_socket_peers") == 30


def test_counts_of_closed_sockets_stay():
    gone = sock(number=0, messages_out=11, drops={"hwm": 4})
    text = render(process(ended=(gone,)))
    assert value(text, "zlinkcompat_socket_messages_total", socket="0", direction="out") == 11
    assert value(text, "zlinkcompat_socket_drops_total", socket="0", reason="hwm") == 4
    assert "zlinkcompat_socket_peers{" not in text


def test_page_has_no_bytes_of_inproc():
    objects = peer(connection=0, endpoint="inproc://x", bytes_in=None, bytes_out=None)
    text = render(process(sock(number=1, bytes_in=None, bytes_out=None, peers=(objects,))))
    assert "zlinkcompat_peer_bytes_total{" not in text
    assert "zlinkcompat_socket_bytes_total{" not in text


def test_drop_reasons_start_at_zero():
    text = render(process(sock(number=1)))
    assert value(text, "zlinkcompat_socket_drops_total", reason="hwm") == 0
    assert value(text, "zlinkcompat_socket_drops_total", reason="linger") == 0


@pytest.mark.both_engines
def test_page_describes_the_sockets_of_this_process(make, bound):
    sink = bound(zmq.PULL)
    sink.name = "sink of this test"
    source = make(zmq.PUSH)
    source.connect(sink.last_endpoint)
    source.send(b"one")
    assert sink.recv() == b"one"
    text = metrics.render()
    assert value(text, "zlinkcompat_socket_peers", name=sink.name, type="PULL") == 1
    assert value(text, "zlinkcompat_peer_info", name=sink.name, peer_type="PUSH") == 1
