"""Warnings and events name a slow consumer, and report when drops began and ended."""

import re

import gevent
import pytest
from guard import GUARD
from rawpeer import message

import zlinkcompat as zmq
from zlinkcompat import sockopt
from zlinkcompat.core.registry import number_of
from zlinkcompat.debug.monitor import recv_monitor_message
from zlinkcompat.debug.records import snapshot
from zlinkcompat.engine import flow_watch
from zlinkcompat.engine.loop import current_loop

KB = 1024


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Let the engine warn of slow consumers and of drops after 50 ms."""
    monkeypatch.setenv("ZLINK_SLOW_CONSUMER", "50")
    monkeypatch.setenv("ZLINK_DROPS_WARNING", "50")
    # An IOLoop reads the settings only once, and the hub's IOLoop lives longer than a test.
    loop = current_loop()
    loop.flow_watch = None
    yield
    if loop.flow_watch is not None:
        loop.flow_watch.stop()
        loop.flow_watch = None


@pytest.fixture
def late(monkeypatch):
    """Let the engine warn only after a minute. Request this before a fixture that makes sockets."""
    monkeypatch.setenv("ZLINK_SLOW_CONSUMER", "60000")
    monkeypatch.setenv("ZLINK_DROPS_WARNING", "60000")


def found(caplog, text):
    """Return the logged warnings that contain ``text``."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelname == "WARNING" and text in record.getMessage()
    ]


def peers_of(sock):
    """Return the records of a socket's peers."""
    number = number_of(sock.underlying)
    return next(each for each in snapshot().sockets if each.number == number).peers


def until(is_so):
    with gevent.Timeout(GUARD):
        while not is_so():
            gevent.sleep(0.005)


@pytest.fixture
def stuck(bound, raw):
    """Return a PUB named "feed" and a subscriber that does not read."""
    pub = bound(zmq.PUB, sndbuf=4 * KB, sndhwm=5)
    pub.name = "feed"
    peer = raw(pub.last_endpoint, rcvbuf=4 * KB)
    peer.handshake(b"SUB")
    peer.send(message(b"\1"))

    def is_subscribed():
        pub.get(zmq.EVENTS)
        return pub.get(zmq.TOPICS_COUNT) == 1

    until(is_subscribed)
    return pub, peer


@pytest.mark.both_engines
def test_slow_consumer_is_named_once(stuck, caplog):
    pub, _ = stuck
    for _ in range(50):
        pub.send(bytes(100 * KB))
    until(lambda: found(caplog, "slow consumer"))
    gevent.sleep(0.2)  # several checks run in this time, and none may warn again
    (text,) = found(caplog, "slow consumer")
    assert re.match(
        rf"feed: peer \d+ SUB 127\.0\.0\.1:\d+ at {re.escape(pub.last_endpoint.decode())}: "
        r"slow consumer: [56] messages wait, the oldest for \d+\.\d s$",
        text,
    ), text


@pytest.mark.both_engines
def test_drops_that_go_on_are_told_when_they_begin_and_end(stuck, caplog):
    pub, _ = stuck
    sent = 0
    with gevent.Timeout(GUARD):
        while not found(caplog, "drops began"):
            pub.send(bytes(100 * KB))
            sent += 1
            gevent.sleep(0.001)
    until(lambda: found(caplog, "drops ended"))
    (began,) = found(caplog, "drops began")
    (ended,) = found(caplog, "drops ended")
    who = rf"feed: peer \d+ SUB 127\.0\.0\.1:\d+ at {re.escape(pub.last_endpoint.decode())}: "
    first = re.match(who + r"drops began: (\d+) messages in \d+\.\d s; its queue is full$", began)
    last = re.match(who + r"drops ended: (\d+) messages in \d+\.\d s$", ended)
    (peer,) = peers_of(pub)
    assert int(last[1]) == peer.drops["hwm"]
    assert 0 < int(first[1]) <= int(last[1]) < sent
    assert peer.messages_out + peer.queued_out + peer.drops["hwm"] == sent


@pytest.mark.both_engines
def test_absent_peer_is_reported(make, caplog):
    push = make(zmq.PUSH, linger=0)
    push.connect("tcp://127.0.0.1:1")
    push.send(b"x")
    until(lambda: found(caplog, "slow consumer"))
    assert "peer at tcp://127.0.0.1:1: " in found(caplog, "slow consumer")[0]


def test_slow_consumer_in_this_process_is_reported(context, make, caplog):
    pull = make(zmq.PULL, rcvhwm=1)
    pull.bind("inproc://slow")
    push = make(zmq.PUSH, sndhwm=1, sndtimeo=0)
    push.connect("inproc://slow")
    with pytest.raises(zmq.Again):
        while True:
            push.send(b"x")
    until(lambda: found(caplog, "slow consumer"))
    assert "peer at inproc://slow: slow consumer: 2 messages wait" in found(caplog, "slow")[0]


def test_receiver_in_this_process_that_is_late_is_reported(make, caplog):
    pull = make(zmq.PULL)
    pull.bind("inproc://late")
    push = make(zmq.PUSH)
    push.connect("inproc://late")
    push.send(b"1")
    push.send(b"2")
    until(lambda: found(caplog, "slow consumer"))
    assert "peer at inproc://late: slow consumer: 2 messages wait" in found(caplog, "slow")[0]


def test_queue_that_stays_full_is_reported_although_its_messages_are_young(
    make, caplog, monkeypatch
):
    monkeypatch.setenv("ZLINK_SLOW_CONSUMER", "300")
    current_loop().flow_watch = None
    pull = make(zmq.PULL, rcvhwm=2)
    pull.bind("inproc://full")
    push = make(zmq.PUSH, sndhwm=2)
    push.connect("inproc://full")
    oldest = 0.0
    with gevent.Timeout(GUARD):
        while not found(caplog, "slow consumer"):
            while push.poll(0, zmq.POLLOUT):
                push.send(b"x")
            oldest = max(oldest, *(each.oldest_waiting for each in peers_of(push)))
            gevent.sleep(0.002)
            pull.recv()
    (text,) = found(caplog, "slow consumer")
    assert re.search(
        r"slow consumer: \d messages wait, the oldest for 0\.\d s; "
        r"the queue has been full for 0\.[3-9] s$",
        text,
    ), text
    for _ in range(100):  # the queue is soon full again, which must not cause a second warning
        while push.poll(0, zmq.POLLOUT):
            push.send(b"x")
        gevent.sleep(0.002)
        pull.recv()
    assert len(found(caplog, "slow consumer")) == 1


def test_reader_of_a_monitor_need_not_be_quick(make, bound, caplog):
    pull = bound(zmq.PULL)
    pull.get_monitor_socket()
    for _ in range(5):
        make(zmq.PUSH).connect(pull.last_endpoint)
    until(lambda: len(peers_of(pull)) == 5)
    watch = current_loop().flow_watch
    assert watch is None or not watch.episodes
    pull.disable_monitor()


def test_ages_are_told_even_if_nothing_is_warned_of(make, caplog, monkeypatch):
    monkeypatch.setenv("ZLINK_SLOW_CONSUMER", "0")
    monkeypatch.setenv("ZLINK_DROPS_WARNING", "0")
    current_loop().flow_watch = None
    monkeypatch.setattr(flow_watch, "INTERVAL_MAX", 0.01)
    push = make(zmq.PUSH, linger=0)
    push.connect("tcp://127.0.0.1:1")
    push.send(b"x")
    until(lambda: peers_of(push)[0].oldest_waiting > 0.1)
    assert found(caplog, "consumer") == []


@pytest.mark.both_engines
def test_flow_that_goes_on_is_not_watched(late, stuck, caplog):
    pub, peer = stuck
    for _ in range(5):
        pub.send(bytes(100 * KB))
    for _ in range(5):
        peer.read_message()
    pipe = pub.core.pattern.pipes[0]
    until(lambda: not pipe.is_watched)
    assert not found(caplog, "slow consumer") and not found(caplog, "drops")


@pytest.mark.both_engines
def test_closing_ends_the_watch(stuck, context):
    def is_watched():
        return any(loop.flow_watch is not None and loop.flow_watch.episodes for loop in loops)

    pub, _ = stuck
    loops = {current_loop()}
    for pool in context.core.pools():
        loops.update(thread.loop for thread in pool.threads)
    for _ in range(50):
        pub.send(bytes(100 * KB))
    until(is_watched)
    pub.close(linger=0)
    until(lambda: not is_watched())


@pytest.mark.both_engines
def test_monitor_tells_the_peer_of_flow_events(stuck):
    pub, _peer = stuck
    events = pub.get_monitor_socket(zmq.EVENT_ALL | sockopt.EVENT_FLOW)
    events.rcvtimeo = GUARD * 1000
    seen = {}
    with gevent.Timeout(GUARD):
        while len(seen) < 3:
            pub.send(bytes(100 * KB))
            gevent.sleep(0.002)
            while len(seen) < 3 and events.poll(1 if seen.get("dropping") else 0):
                event = recv_monitor_message(events)
                assert event["endpoint"] == pub.last_endpoint
                assert event.connection > 0
                seen[int(event["event"]), event["value"] > 0] = event
            if (sockopt.EVENT_DROPS, True) in seen:
                gevent.sleep(0.1)
    assert seen.keys() == {
        (sockopt.EVENT_SLOW_CONSUMER, True),
        (sockopt.EVENT_DROPS, True),
        (sockopt.EVENT_DROPS, False),
    }
    assert seen[sockopt.EVENT_SLOW_CONSUMER, True]["value"] >= 50
    pub.disable_monitor()


@pytest.mark.both_engines
def test_flow_events_are_only_for_monitors_that_ask(stuck, caplog):
    pub, peer = stuck
    events = pub.get_monitor_socket()
    for _ in range(50):
        pub.send(bytes(100 * KB))
    until(lambda: found(caplog, "slow consumer"))
    peer.close()
    until(lambda: events.poll(0))
    assert int(recv_monitor_message(events)["event"]) == zmq.EVENT_DISCONNECTED
    pub.disable_monitor()


@pytest.mark.both_engines
def test_monitor_tells_the_peer_of_connections(bound, make):
    router = bound(zmq.ROUTER)
    events = router.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED)
    events.rcvtimeo = GUARD * 1000
    numbers = set()
    for name in (b"one", b"two"):
        dealer = make(zmq.DEALER, routing_id=name)
        dealer.connect(router.last_endpoint)
        made = recv_monitor_message(events)
        dealer.close(linger=0)
        ended = recv_monitor_message(events)
        assert (made["event"], ended["event"]) == (
            zmq.EVENT_HANDSHAKE_SUCCEEDED,
            zmq.EVENT_DISCONNECTED,
        )
        assert made.routing_id == ended.routing_id == name
        assert made.connection == ended.connection > 0
        numbers.add(made.connection)
    assert len(numbers) == 2
    router.disable_monitor()
