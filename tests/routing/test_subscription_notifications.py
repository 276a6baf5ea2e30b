"""An XPUB notifies its user of subscriptions, and works even if the user never receives."""

import pytest
from bare_pipes import Bench
from hypothesis import given
from hypothesis import strategies as st

import zlinkcompat as zmq
from zlinkcompat._runtime.counters import Counters

MODES = {"plain": {}, "verbose": {"XPUB_VERBOSE": 1}, "verboser": {"XPUB_VERBOSER": 1},
         "manual": {"XPUB_MANUAL": 1}}  # fmt: skip


@pytest.fixture(params=MODES)
def xpub(request, bench):
    def xpub(**options):
        sock = bench(zmq.XPUB, **options)
        sock.counters = Counters()
        for option, value in MODES[request.param].items():
            sock.pattern.set_option(getattr(zmq, option), value)
        return sock

    xpub.mode = request.param
    return xpub


def test_queued_messages_of_subscribers_are_limited(xpub):
    sock = xpub(rcvhwm=10)
    peer = sock.peer()
    peer.send(*[b"message %d" % number for number in range(50)])
    assert sock.counters.xpub_dropped_messages == 40
    assert sock.received() == [b"message %d" % number for number in range(10)]
    peer.send(b"next")
    assert sock.received() == [b"next"]


def test_without_a_mark_there_is_no_limit(xpub):
    sock = xpub(rcvhwm=0)
    sock.peer().send(*[b"x"] * 5000)
    assert len(sock.received()) == 5000 and sock.counters.xpub_dropped_messages == 0


def test_every_active_subscription_is_reported(xpub):
    sock = xpub(rcvhwm=10)
    topics = [b"%d" % number for number in range(500)]
    sock.peer().subscribe(*topics)
    assert sock.received() == [b"\1" + topic for topic in topics]
    assert sock.counters.xpub_dropped_messages == 0


def test_unreported_cancelled_subscriptions_take_no_memory(xpub):
    sock = xpub(rcvhwm=10)
    peer = sock.peer().subscribe(*[b"told %d" % number for number in range(10)])
    for number in range(500):
        peer.subscribe(b"%d" % number).cancel(b"%d" % number)
    assert sock.counters.xpub_dropped_messages == 1000
    assert len(sock.received()) == 10


def test_subscriber_that_leaves_before_it_is_reported(xpub):
    sock = xpub(rcvhwm=1)
    sock.peer().subscribe(b"told")
    peer = sock.peer().subscribe(*[b"%d" % number for number in range(100)])
    peer.leave()
    assert sock.received() == [b"\1told"]


def test_subscriptions_apply_before_they_are_reported(bench):
    sock = bench(zmq.XPUB, rcvhwm=1)
    peer = sock.peer().subscribe(b"a", b"b", b"c").cancel(b"b")
    for topic in b"a", b"b", b"c":
        sock.pattern.send(topic)
    assert peer.received() == [b"a", b"c"]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["subscribe", "cancel", "send", "receive", "leave"]),
        st.integers(0, 2),
        st.sampled_from([b"a", b"b", b"c"]),
    ),
    max_size=60,
)


@pytest.mark.parametrize("mode", MODES)
@given(steps=STEPS, hwm=st.integers(1, 4))
def test_reports_match_the_active_subscriptions(mode, steps, hwm):
    sock = Bench(0, False)(zmq.XPUB, rcvhwm=hwm)
    for option, value in MODES[mode].items():
        sock.pattern.set_option(getattr(zmq, option), value)
    peers = [sock.peer() for _ in range(3)]
    wanted = [set() for _ in peers]
    known = {}

    def hear():
        message = sock.pattern.recv()
        if message is not None and message[0] < 2:
            known[message[1:]] = known.get(message[1:], 0) + (1 if message[0] else -1)
            if mode in ("plain", "verbose"):
                known[message[1:]] = message[0]

    for step, number, topic in steps:
        if step == "receive":
            hear()
        elif step == "leave":
            peers[number].leave()
            peers[number] = sock.peer()
            wanted[number] = set()
        elif step == "send":
            peers[number].send(b"from a subscriber")
        elif step == "subscribe" and (mode in ("plain", "verbose") or topic not in wanted[number]):
            peers[number].subscribe(topic)
            wanted[number].add(topic)
        elif step == "cancel" and topic in wanted[number]:
            peers[number].cancel(topic)
            wanted[number].discard(topic)
    while sock.pattern.has_in():
        hear()
    for topic in b"a", b"b", b"c":
        count = sum(topic in topics for topics in wanted)
        if mode in ("verboser", "manual"):
            assert known.get(topic, 0) == count
        else:
            assert bool(known.get(topic)) == bool(count)


# -- messages of several frames ------------------------------------------------------------


@pytest.mark.parametrize("later", [b"\1BC", b"\0BC", b"\1", b"\0"])
def test_message_of_a_subscriber_stays_whole(bench, later):
    sock = bench(zmq.XPUB)
    sock.peer().send([b"ABC", later, b"end"])
    assert sock.received() == [[b"ABC", later, b"end"]]


@pytest.mark.parametrize("only_first", [0, 1])
@pytest.mark.parametrize("later", [b"\1BC", b"\0BC", b"\1", b"\0"])
def test_message_to_a_publisher_stays_whole(bench, later, only_first):
    sock = bench(zmq.XSUB)
    sock.pattern.set_option(108, only_first)  # this option is ONLY_FIRST_SUBSCRIBE, a draft
    peer = sock.peer()
    sock.pattern.send([b"ABC", later, b"end"])
    assert peer.received() == [[b"ABC", later, b"end"]]


def test_later_frames_subscribe_as_in_libzmq(bench):
    sock = bench(zmq.XPUB)
    peer = sock.peer().send([b"ABC", b"\1BC"])
    sock.pattern.send(b"BCD")
    assert peer.received() == [b"BCD"]
