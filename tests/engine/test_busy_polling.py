"""``zmq.BUSY_POLL``: when a receiver reads its connections repeatedly before it sleeps.

The debug counters count reads. A receiver that waits without polling still makes a few reads: one
before it sleeps, one when the hub reports a descriptor whose bytes have been read since, and one
when a paused watcher starts again. So the tests take the wait with the fewest reads. A receiver
that polls makes hundreds of reads in a millisecond, if it gets the CPU.
"""

import os

import certificates
import gevent
import pytest

import zlinkcompat as zmq
from zlinkcompat.engine.loop import cpus

pytestmark = pytest.mark.hub

#: The most reads of a wait without polling. A wait that polls makes ten times as many at least.
FEW = 4
TRIES = 3

CONNECTED = """
        context = zmq.Context()
        pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
        pull.bind("tcp://127.0.0.1:*")
        push.connect(pull.last_endpoint)
        push.send(b"")
        pull.recv()
"""


@pytest.fixture
def waits(make, phases):
    """``waits(busy_poll=100_000)`` returns how many reads (system calls) a PULL makes in a wait.

    No message arrives, so the wait ends at RCVTIMEO.
    """

    def waits(busy_poll, peers=1, milliseconds=100, transport="tcp"):
        phases.set(busy_poll=busy_poll)
        pull = make(zmq.PULL)
        certificates.use(pull)
        pull.bind(f"{transport}://127.0.0.1:*")
        for _ in range(peers):
            push = make(zmq.PUSH)
            certificates.use(push)
            push.connect(pull.last_endpoint)
            # Polling during the handshake finds nothing, which pauses polling. Receive a few
            # messages, so that polling is not paused when the wait begins.
            for _ in range(4):
                push.send(b"")
                assert pull.recv() == b""
        pull.rcvtimeo = milliseconds
        # Let the hub run until the handshakes are done and no greenlet is ready. Sleep more than
        # once, since on a busy machine the timer of a sleep may expire before pending reads run.
        for _ in range(3):
            gevent.sleep(0.005)
        before = phases.of(pull, "read_calls")
        with pytest.raises(zmq.Again):
            pull.recv()
        return phases.of(pull, "read_calls") - before

    return waits


@pytest.fixture
def fewest(waits):
    return lambda **options: min(waits(**options) for _ in range(TRIES))


@pytest.mark.parametrize("transport", ["tcp", "tls", "wss"])
def test_receiver_polls_before_it_sleeps(waits, transport):
    assert waits(busy_poll=100_000, transport=transport) > 10 * FEW


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_no_polling_when_off(fewest, transport):
    assert fewest(busy_poll=0, transport=transport, milliseconds=20) <= FEW


def test_polling_time_is_limited(waits):
    """Polling for 20 ms of 400 makes far fewer reads than polling for all 400 ms."""
    bounded = waits(busy_poll=20_000, milliseconds=400)
    assert FEW < bounded < waits(busy_poll=400_000, milliseconds=400) / 3


def test_no_polling_while_another_greenlet_is_ready(fewest):
    turns = 0

    def work():
        nonlocal turns
        while True:
            turns += 1
            gevent.sleep(0)

    worker = gevent.spawn(work)
    try:
        assert fewest(busy_poll=100_000, milliseconds=20) <= FEW
    finally:
        worker.kill()
    assert turns > 0


def test_no_polling_with_many_connections(fewest):
    """Reading every connection would cost more than one poll of all of them by the hub."""
    assert fewest(busy_poll=100_000, peers=5, milliseconds=20) <= 5 * FEW


def test_unsuccessful_polling_becomes_rarer(make, phases):
    phases.set(busy_poll=200)
    pull, push = make(zmq.PULL), make(zmq.PUSH)
    pull.bind("tcp://127.0.0.1:*")
    push.connect(pull.last_endpoint)
    push.send(b"")
    assert pull.recv() == b""
    pull.rcvtimeo = 1
    polled = 0
    for _ in range(100):
        before = phases.of(pull, "read_calls")
        with pytest.raises(zmq.Again):
            pull.recv()
        polled += phases.of(pull, "read_calls") - before > FEW
    # Misses back off exponentially, so of 100 waits the 1st, 2nd, 4th, ... 64th may poll, and the
    # first few again if the machine delays one of them.
    assert polled <= 10


def test_no_polling_on_one_cpu(program):
    """With one CPU, no other process could send while this one polls."""
    one = program(
        """
        os.environ.update(ZMQ_DEBUG_COUNTERS="1", ZLINK_BUSY_POLL="100000")
        os.cpu_count = lambda: 1
        from zlinkcompat import debug
    """
        + CONNECTED
        + """
        pull.rcvtimeo = 20
        for _ in range(int(sys.argv[1])):
            push.send(b"")
            pull.recv()
            gevent.sleep(0.01)
            before = debug.counters(pull)["read_calls"]
            try:
                pull.recv()
            except zmq.Again:
                say(debug.counters(pull)["read_calls"] - before)
        context.destroy(0)
    """,
        TRIES,
        engine="hub",
    )
    assert min(int(one.line()) for _ in range(TRIES)) <= FEW
    one.ends()


def test_hub_runs_although_each_poll_succeeds(program):
    """The hub has to run from time to time for the timers and the I/O of other greenlets."""
    steady = program(
        """
        os.environ.update(ZLINK_HUB_TURN_INTERVAL="0")
    """
        + CONNECTED
        + """
        turns = []
        gevent.get_hub().loop.prepare().start(lambda: turns.append(None))
        for _ in range(40):
            push.send(b"")
            pull.recv()
        say(len(turns))
        context.destroy(0)
    """,
        engine="hub",
    )
    assert int(steady.line()) >= 10
    steady.ends()


@pytest.mark.parametrize("looks", [1, 2])
def test_socket_closed_while_the_receiver_runs_the_hub(program, looks):
    """A receiver that lets the hub run must not sleep if its socket has been closed by then.

    close() has already woken the sleeping receivers, so nothing would wake this one. The hub runs
    at every second read; both parities are tested.
    """
    one = program(
        """
        os.environ.update(ZLINK_HUB_TURN_INTERVAL="0")
    """
        + CONNECTED
        + """
        for _ in range(int(sys.argv[1])):
            try:
                pull.recv(zmq.NOBLOCK)
            except zmq.Again:
                pass
        gevent.spawn(pull.close)
        try:
            pull.recv()
        except zmq.ZMQError as error:
            say(error.errno == zmq.ENOTSOCK)
    """,
        looks,
        engine="hub",
    )
    assert one.line() == "True"
    one.ends()


@pytest.mark.parametrize(
    "quotas, count",
    [
        ({}, 4),
        ({"": "max 100000", "a/b": "max 100000"}, 4),
        ({"a/b": "100000 100000"}, 1),
        ({"a": "200000 100000", "a/b": "max 100000"}, 2),
        ({"": "300000 100000", "a": "50000 100000", "a/b": "400000 100000"}, 1),
        ({"other": "100000 100000", "a": "unreadable"}, 4),
    ],
)
def test_cpu_count_follows_cgroup_quotas(quotas, count, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    own = tmp_path / "own"
    own.write_text("1:cpu:/legacy\n0::/a/b\n")
    for path, quota in quotas.items():
        folder = tmp_path / "cgroup" / path
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cpu.max").write_text(quota + "\n")
    assert cpus(str(tmp_path / "cgroup"), str(own)) == count
