"""The monitor of a socket, used through pyzmq's own helpers."""

from pathlib import Path

import gevent
import programs
import pytest
import zmq as pyzmq
from guard import GUARD
from sidebyside import failure
from zmq.utils.monitor import parse_monitor_message, recv_monitor_message

import zlinkcompat as zmq


@pytest.fixture
def watched(make):
    """``watched(zmq.PAIR)`` returns a socket and its monitor, whose timeout is GUARD seconds."""

    def watched(kind, *args):
        sock = make(kind)
        monitor = sock.get_monitor_socket(*args)
        monitor.rcvtimeo = GUARD * 1000
        return sock, monitor

    return watched


def until(monitor, last):
    """Return the events up to and including the first ``last``."""
    events = []
    while not events or events[-1]["event"] != last:
        events.append(recv_monitor_message(monitor))
    return events


def names(events):
    return [event["event"].name for event in events]


def test_events_of_a_binder_and_its_peer(watched):
    one, its = watched(zmq.PAIR)
    other, others = watched(zmq.PAIR)
    one.bind("tcp://127.0.0.1:*")
    other.connect(one.last_endpoint)
    assert names(until(its, zmq.EVENT_HANDSHAKE_SUCCEEDED)) == [
        "LISTENING",
        "ACCEPTED",
        "HANDSHAKE_SUCCEEDED",
    ]
    assert names(until(others, zmq.EVENT_HANDSHAKE_SUCCEEDED)) == [
        "CONNECT_DELAYED",
        "CONNECTED",
        "HANDSHAKE_SUCCEEDED",
    ]
    other.close()
    assert names(until(its, zmq.EVENT_DISCONNECTED)) == ["DISCONNECTED"]
    one.unbind(one.last_endpoint)
    assert names(until(its, zmq.EVENT_CLOSED)) == ["CLOSED"]


def test_an_event_has_a_value_and_an_endpoint(watched):
    sock, monitor = watched(zmq.PAIR)
    sock.bind("tcp://127.0.0.1:*")
    event = recv_monitor_message(monitor)
    assert event["event"] is zmq.Event.LISTENING
    assert event["value"] > 2  # the descriptor
    assert event["endpoint"] == sock.last_endpoint


def test_a_failed_bind_is_an_event(bound, watched):
    endpoint = bound(zmq.PAIR).last_endpoint
    sock, monitor = watched(zmq.PAIR)
    with pytest.raises(zmq.ZMQError):
        sock.bind(endpoint)
    event = recv_monitor_message(monitor)
    assert (event["event"], event["value"]) == (zmq.EVENT_BIND_FAILED, zmq.EADDRINUSE)
    assert event["endpoint"] == endpoint


def test_only_requested_events_arrive(watched):
    sock, monitor = watched(zmq.PAIR, zmq.EVENT_LISTENING | zmq.EVENT_CLOSED)
    sock.connect("tcp://127.0.0.1:1")
    sock.bind("tcp://127.0.0.1:*")
    sock.unbind(sock.last_endpoint)
    assert names(until(monitor, zmq.EVENT_CLOSED)) == ["LISTENING", "CLOSED"]


def test_a_monitor_socket_is_a_connected_pair(watched):
    sock, monitor = watched(zmq.PAIR)
    assert type(monitor) is zmq.Socket and monitor.type == zmq.PAIR
    assert monitor.context is sock.context


def test_the_monitor_socket_is_made_once(watched):
    sock, monitor = watched(zmq.PAIR)
    assert sock.get_monitor_socket() is monitor
    monitor.close()
    assert sock.get_monitor_socket() is not monitor


def test_the_address_of_a_monitor_can_be_chosen(watched):
    sock, monitor = watched(zmq.PAIR, zmq.EVENT_ALL, "inproc://chosen")
    assert monitor.last_endpoint == b"inproc://chosen"
    sock.bind("tcp://127.0.0.1:*")
    assert recv_monitor_message(monitor)["event"] == zmq.EVENT_LISTENING


def test_monitor_publishes_at_an_address(make):
    sock, reader = make(zmq.PAIR), make(zmq.PAIR)
    sock.monitor("inproc://mine", zmq.EVENT_ALL)
    reader.connect("inproc://mine")
    sock.bind("tcp://127.0.0.1:*")
    assert parse_monitor_message(reader.recv_multipart())["event"] == zmq.EVENT_LISTENING


def test_disable_monitor_reports_it_and_stops(watched):
    sock, monitor = watched(zmq.PAIR)
    sock.disable_monitor()
    assert recv_monitor_message(monitor)["event"] == zmq.EVENT_MONITOR_STOPPED
    sock.bind("tcp://127.0.0.1:*")
    assert failure(recv_monitor_message, monitor, zmq.NOBLOCK) == (zmq.Again, zmq.EAGAIN)
    assert sock.get_monitor_socket() is not monitor


def test_disable_monitor_without_a_monitor(both):
    both(lambda side: failure(side.socket("PAIR").disable_monitor))


def test_closing_the_socket_ends_its_monitor(watched):
    sock, monitor = watched(zmq.PAIR)
    sock.close()
    assert names(until(monitor, zmq.EVENT_MONITOR_STOPPED)) == ["MONITOR_STOPPED"]


def test_a_second_monitor_replaces_the_first(make):
    sock, first, second = make(zmq.PAIR), make(zmq.PAIR), make(zmq.PAIR)
    sock.monitor("inproc://first", zmq.EVENT_ALL)
    first.connect("inproc://first")
    sock.monitor("inproc://second", zmq.EVENT_ALL)
    second.connect("inproc://second")
    assert recv_monitor_message(first)["event"] == zmq.EVENT_MONITOR_STOPPED
    sock.bind("tcp://127.0.0.1:*")
    assert recv_monitor_message(second)["event"] == zmq.EVENT_LISTENING


@pytest.mark.parametrize(
    "arguments",
    [
        ("tcp://127.0.0.1:*", 0xFFFF),
        ("ipc://here", 1),
        ("nothing", 1),
        ("", 1),
        (None, 0),
        (7, 1),
        ("inproc://ok", "all"),
        ("inproc://ok", 0),
        ("inproc://ok", None),
        (b"inproc://ok", 1),
    ],
)
def test_monitor_arguments(both, arguments):
    both(lambda side: failure(side.socket("PAIR").monitor, *arguments))


def test_monitor_address_in_use(both):
    def scenario(side):
        holder = side.socket("PAIR")
        holder.bind("inproc://taken")
        return failure(side.socket("PAIR").monitor, "inproc://taken", 1)

    assert both(scenario) == (zmq.ZMQError, zmq.EADDRINUSE)


def test_unread_monitor_blocks_nothing(pair, make):
    one, other = pair()
    one.monitor("inproc://unread", zmq.EVENT_ALL)
    for _ in range(3):
        one.send(b"x")
        assert other.recv() == b"x"


def test_a_greenlet_waits_for_events(watched):
    sock, monitor = watched(zmq.PAIR)
    waiting = gevent.spawn(recv_monitor_message, monitor)
    gevent.idle()
    assert not waiting.dead
    sock.bind("tcp://127.0.0.1:*")
    assert waiting.get(timeout=GUARD)["event"] == zmq.EVENT_LISTENING


def test_a_poller_watches_a_monitor(watched):
    sock, monitor = watched(zmq.PAIR)
    assert not monitor.poll(0)
    sock.bind("tcp://127.0.0.1:*")
    assert monitor.poll(GUARD * 1000) == zmq.POLLIN


def test_events_are_pyzmqs_enumeration(watched):
    sock, monitor = watched(zmq.PAIR)
    sock.bind("tcp://127.0.0.1:*")
    assert type(recv_monitor_message(monitor)["event"]) is pyzmq.Event


def test_locks_are_native_in_a_patched_program(program):
    """In a monkey-patched program, the lock of a monitor is still a native lock.

    gevent's lock raises if a callback of the hub has to wait for it.
    """
    one = program(
        """
        from zlinkcompat._runtime.gevent_support import get_original
        from zlinkcompat.core import context, monitor, notifier
        from zlinkcompat.routing import locked_queue
        native = get_original("_thread", "RLock")
        say(*[module.RLock is native for module in (context, monitor, notifier, locked_queue)])
    """,
        patch=True,
    )
    assert one.ends() == "True True True True\n"


@pytest.mark.parametrize("entry_point", ["zmq", "zlinkcompat"])
def test_peer_of_an_event_is_known_in_asyncio(entry_point):
    path = Path(__file__).parent / "processes" / "monitor_in_asyncio.py"
    done = programs.python(path, entry_point, PYZMQ_BACKEND="zlinkcompat.backend")
    assert done.stdout == "HANDSHAKE_SUCCEEDED b'me' True\n", done.stderr
