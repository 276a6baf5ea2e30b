"""Batching: the messages after the first message of a burst are written together.

The tests send each burst without running the hub, so only the limits that a test sets cause writes.
The first message of each burst is written at once.
"""

import time

import gevent
import pytest

import zlinkcompat as zmq
from zlinkcompat import debug, tuning

NEVER = 10_000_000  # microseconds
SIZE_FLUSHES = "batch_size_flush_count"
TIMEOUT_FLUSHES = "batch_timeout_flush_count"


@pytest.fixture
def pipeline(make, phases, endpoint_of):
    """``pipeline()`` returns a PUSH and a PULL with the current settings, connected and idle."""

    def pipeline(chosen=(), transport="tcp"):
        push, pull = make(zmq.PUSH, sndhwm=0), make(zmq.PULL, rcvhwm=0)
        for option, value in chosen:
            push.setsockopt(option, value)
        pull.bind(endpoint_of(transport))
        push.connect(pull.last_endpoint)
        push.send(b"")
        at_rest(pull, 1)
        return push, pull

    return pipeline


def received(pull, count):
    return [pull.recv() for _ in range(count)]


def at_rest(pull, count):
    """Receive the sent messages, and reset the counters; the next message begins a new burst."""
    received(pull, count)
    gevent.sleep(0.001)  # run the hub
    debug.zmq_debug_reset_counters()


def test_batching_size_limit(pipeline, phases):
    phases.set(out_batch_size=10_000, batch_time=NEVER)
    push, pull = pipeline()
    sent = [b"%04d" % number * 250 for number in range(31)]  # 1,000 bytes each
    for each in sent:
        push.send(each)
    # There were four writes: the first message, and three batches of ten.
    assert phases.of(push, SIZE_FLUSHES, TIMEOUT_FLUSHES, "write_calls") == (3, 0, 4)
    assert received(pull, 31) == sent


def test_batching_count_limit(pipeline, phases):
    phases.set(batch_messages=10, batch_time=NEVER)
    push, pull = pipeline()
    sent = [b"%d" % number for number in range(31)]
    for each in sent:
        push.send(each)
    assert phases.of(push, SIZE_FLUSHES, TIMEOUT_FLUSHES, "write_calls") == (3, 0, 4)
    assert debug.counters(push)["messages_per_batch_avg"] == 31 / 4
    assert received(pull, 31) == sent


@pytest.mark.hub
@pytest.mark.parametrize("by", ["turn", "receive"])
def test_batching_timeout(pipeline, phases, by):
    """A batch that is not full is flushed in the hub's next iteration, here during a receive."""
    phases.set(batch_time=NEVER)
    push, pull = pipeline()
    for number in range(3):
        push.send(b"%d" % number)
    assert phases.of(push, "messages_out") == 1
    if by == "turn":
        gevent.sleep(0.001)
    else:
        assert pull.recv() == b"0"
        assert pull.recv() == b"1"  # at first recv finds no message, so it lets the hub run
    assert phases.of(push, SIZE_FLUSHES, TIMEOUT_FLUSHES, "write_calls") == (0, 1, 2)
    assert phases.of(push, "messages_out") == 3


def test_batching_timeout_by_age(pipeline, phases):
    """If the hub does not run, the next send flushes a batch that is older than the limit."""
    phases.set(batch_time=1000)
    push, pull = pipeline()
    while True:
        began = time.monotonic()
        for number in range(3):
            push.send(b"%d" % number)
        written = phases.of(push, "messages_out")
        if time.monotonic() < began + 0.001:
            break
        # On a busy machine the messages may already have been too old. Try once more.
        at_rest(pull, 3)
    assert written == 1
    while time.monotonic() < began + 0.003:
        pass  # do not run the hub
    push.send(b"3")
    assert phases.of(push, SIZE_FLUSHES, TIMEOUT_FLUSHES, "write_calls") == (0, 1, 2)
    assert phases.of(push, "messages_out") == 4


def test_batching_large_message_priority(pipeline, phases):
    """A message as large as a batch is written at once, after the batched messages."""
    phases.set(batch_time=NEVER)
    push, pull = pipeline()
    small = [b"%d" % number for number in range(5)]
    for each in small:
        push.send(each)
    assert phases.of(push, "messages_out", SIZE_FLUSHES) == (1, 0)
    large = b"x" * tuning.get("out_batch_size")
    push.send(large)
    assert phases.of(push, "messages_out", SIZE_FLUSHES, "write_calls") == (6, 1, 2)
    assert received(pull, 6) == [*small, large]


def test_batching_timer_cancellation(pipeline, phases):
    """A batch that is already written is not flushed again when the hub runs."""
    phases.set(batch_messages=4, batch_time=NEVER)
    push, pull = pipeline()
    for number in range(5):
        push.send(b"%d" % number)
    assert phases.of(push, SIZE_FLUSHES, "write_calls") == (1, 2)
    gevent.sleep(0.001)
    assert phases.of(push, SIZE_FLUSHES, TIMEOUT_FLUSHES, "write_calls") == (1, 0, 2)
    assert received(pull, 5) == [b"%d" % number for number in range(5)]


@pytest.mark.parametrize("settings", [
    {}, {"batch_messages": 3}, {"batch_time": 0}, {"out_batch_size": 1},
], ids=str)  # fmt: skip
def test_batching_strand_safety(pipeline, phases, settings):
    """Greenlets send while the hub flushes, and each message arrives once and in order."""
    phases.set(**settings)
    push, pull = pipeline()

    def sender(name):
        for number in range(200):
            push.send_multipart([b"%d" % name, b"%d" % number, bytes(name * number)])
            if number % (name + 2) == 0:
                gevent.sleep(0)

    greenlets = [gevent.spawn(sender, name) for name in range(5)]
    heard = {b"%d" % name: [] for name in range(5)}
    for _ in range(1000):
        name, number, body = pull.recv_multipart()
        assert len(body) == int(name) * int(number)
        heard[name].append(int(number))
    gevent.joinall(greenlets, raise_error=True)
    assert heard == {name: list(range(200)) for name in heard}
    assert phases.of(push, "batched_messages", "messages_out") == (1000, 1000)


@pytest.mark.parametrize("by", ["environment", "option"])
def test_batching_feature_flag_off(pipeline, phases, by):
    if by == "environment":
        phases.set(write_batching=0)
    push, pull = pipeline([(tuning.ASIO_WRITE_BATCHING, 0)] if by == "option" else ())
    sent = [b"%d" % number for number in range(50)]
    for each in sent:
        push.send(each)
    assert phases.of(push, "write_calls", "batch_flush_count", "messages_out") == (50, 50, 50)
    assert phases.of(push, SIZE_FLUSHES, TIMEOUT_FLUSHES) == (0, 0)
    assert received(pull, 50) == sent


@pytest.mark.parametrize("nodelay", [1, 0])
def test_batching_tcp_nodelay_interaction(pipeline, phases, nodelay):
    """TCP_NODELAY does not change our writes; Nagle's algorithm delays segments in the kernel."""
    phases.set(tcp_nodelay=nodelay, batch_messages=10, batch_time=NEVER)
    push, pull = pipeline()
    assert [each["nodelay"] for each in debug.connections(push)] == [bool(nodelay)]
    sent = [b"%d" % number for number in range(31)]
    for each in sent:
        push.send(each)
    assert phases.of(push, SIZE_FLUSHES, "write_calls") == (3, 4)
    assert received(pull, 31) == sent
