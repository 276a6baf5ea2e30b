"""proxy, proxy_steerable and monitored_queue pass messages in both directions, and can be ended."""

from contextlib import contextmanager
from struct import unpack

import gevent
import pytest
from guard import GUARD
from sidebyside import failure

import zlinkcompat as zmq
from zlinkcompat.backend import monitored_queue


@contextmanager
def running(function, *sockets, **keywords):
    """Run ``function(*sockets)`` in a greenlet during the ``with`` block; yield the greenlet."""
    greenlet = gevent.spawn(failure, function, *sockets, **keywords)
    try:
        yield greenlet
    finally:
        greenlet.kill()


@pytest.fixture
def connected(make):
    """``connected(bound_socket, zmq.REQ)`` connects a new socket to it, and returns the new one."""

    def connected(binder, kind, **options):
        sock = make(kind, **options)
        sock.connect(binder.last_endpoint)
        return sock

    return connected


@pytest.fixture
def queue(bound, connected):
    """Return a ROUTER and a DEALER for a proxy, and their peers: a REQ client and a REP worker."""
    frontend, backend = bound(zmq.ROUTER), bound(zmq.DEALER)
    return frontend, backend, connected(frontend, zmq.REQ), connected(backend, zmq.REP)


def round_trip(client, worker, question=b"question", answer=b"answer"):
    client.send(question)
    assert worker.recv() == question
    worker.send(answer)
    assert client.recv() == answer


# -- proxy -----------------------------------------------------------------------------------


def test_requests_and_replies_pass(queue):
    frontend, backend, client, worker = queue
    with running(zmq.proxy, frontend, backend):
        for number in range(20):
            round_trip(client, worker, b"q%d" % number, b"a%d" % number)


def test_messages_pass_whole(queue, connected):
    frontend, backend, _, _ = queue
    client, worker = connected(frontend, zmq.DEALER), connected(backend, zmq.ROUTER)
    frames = [b"", b"", b"x" * 100_000, b"end"]
    with running(zmq.proxy, frontend, backend):
        # The proxy's DEALER sends to this ROUTER and to the fixture's REP in turn, once both are
        # connected. So repeat the request until this ROUTER gets it.
        while not worker.poll(10):
            client.send_multipart(frames)
        assert worker.recv_multipart()[2:] == frames


def test_proxy_in_one_direction(bound, connected):
    pull, push = bound(zmq.PULL), bound(zmq.PUSH)
    source, sink = connected(pull, zmq.PUSH), connected(push, zmq.PULL)
    with running(zmq.proxy, pull, push):
        for number in range(100):
            source.send(b"%d" % number)
        assert [sink.recv() for _ in range(100)] == [b"%d" % number for number in range(100)]


def test_subscriptions_pass_a_forwarder(bound, connected):
    xsub, xpub = bound(zmq.XSUB), bound(zmq.XPUB)
    publisher, subscriber = connected(xsub, zmq.XPUB), connected(xpub, zmq.SUB)
    with running(zmq.proxy, xsub, xpub):
        subscriber.subscribe(b"topic")
        assert publisher.recv() == b"\1topic"
        publisher.send_multipart([b"topic", b"news"])
        assert subscriber.recv_multipart() == [b"topic", b"news"]


@pytest.mark.parametrize(
    "kind, reader",
    [(zmq.PUSH, zmq.PULL), (zmq.PUB, zmq.SUB), (zmq.PAIR, zmq.PAIR), (zmq.DEALER, zmq.DEALER)],
)
def test_capture_gets_a_copy_of_every_message(queue, make, kind, reader):
    frontend, backend, client, worker = queue
    capture, tap = make(kind), make(reader)
    if reader == zmq.SUB:
        tap.subscribe(b"")
    capture.bind("inproc://capture")
    tap.connect("inproc://capture")
    with running(zmq.proxy, frontend, backend, capture):
        round_trip(client, worker)
        assert tap.recv_multipart()[1:] == [b"", b"question"]
        assert tap.recv_multipart()[1:] == [b"", b"answer"]


def test_a_proxy_from_a_socket_to_itself_echoes(bound, connected):
    echo = bound(zmq.ROUTER)
    client = connected(echo, zmq.DEALER)
    with running(zmq.proxy, echo, echo):
        client.send_multipart([b"hello", b"there"])
        assert client.recv_multipart() == [b"hello", b"there"]


def test_device_is_an_alias_of_proxy(queue):
    frontend, backend, client, worker = queue
    with running(zmq.device, zmq.QUEUE, frontend, backend):
        round_trip(client, worker)


def test_full_side_blocks_only_its_own_direction(bound, connected):
    """Replies still pass after full queues have stopped the proxy from receiving requests."""
    left, right = bound(zmq.PAIR, rcvhwm=1, sndhwm=1), bound(zmq.PAIR, rcvhwm=1, sndhwm=1)
    one, other = connected(left, zmq.PAIR, sndhwm=1), connected(right, zmq.PAIR, rcvhwm=1)
    body = b"x" * 1_000_000
    one.sndtimeo = 50  # no message accepted within 50 ms means that the queues are full
    with running(zmq.proxy, left, right):
        sent = 0
        while failure(one.send, body) == "returned":
            sent += 1
        other.send(b"reply")
        assert one.recv() == b"reply"
        assert [len(other.recv()) for _ in range(sent)] == [len(body)] * sent


def test_term_ends_a_proxy(no_descriptor_is_left):
    context = zmq.Context()
    sockets = [context.socket(zmq.PAIR) for _ in range(2)]
    with running(zmq.proxy, *sockets) as proxy:
        gevent.idle()
        ending = gevent.spawn(context.term)
        assert proxy.get(timeout=GUARD) == (zmq.ContextTerminated, zmq.ETERM)
        for sock in sockets:
            sock.close()
        ending.get(timeout=GUARD)


def test_closing_a_socket_ends_the_proxy(queue):
    frontend, backend, _, _ = queue
    with running(zmq.proxy, frontend, backend) as proxy:
        gevent.idle()
        backend.close()
        assert proxy.get(timeout=GUARD)[0] is zmq.ZMQError


def test_a_killed_proxy_leaves_its_sockets_usable(queue):
    frontend, backend, client, worker = queue
    with running(zmq.proxy, frontend, backend):
        round_trip(client, worker)
    client.send(b"direct")
    assert frontend.recv_multipart()[1:] == [b"", b"direct"]


#: pyzmq 25 passes None to libzmq as a null pointer, which libzmq dereferences.
none_crashes = pytest.mark.skipif(
    zmq.pyzmq_version_info()[0] == 25, reason="proxy(None, ...) of pyzmq 25 ends the process"
)

WRONG = [
    pytest.param(lambda one: (None, one), marks=none_crashes),
    (lambda one: (one, "text")),
    (lambda one: (one, one, "text")),
    (lambda one: (one, one, 7)),
]


@pytest.mark.parametrize("arguments", WRONG)
@pytest.mark.parametrize("name", ["proxy", "proxy_steerable"])
def test_proxy_refuses_non_sockets(both, name, arguments):
    def scenario(side):
        with gevent.Timeout(GUARD, TimeoutError("it runs")):
            return failure(getattr(side.zmq, name), *arguments(side.socket("PAIR")))

    assert both(scenario) == (TypeError, None)


def test_a_closed_socket_is_refused(both):
    def scenario(side):
        one, other = side.socket("PAIR"), side.socket("PAIR")
        one.close()
        return failure(side.zmq.proxy, one, other), failure(side.zmq.proxy, other, one)

    both(scenario)


# -- proxy_steerable -------------------------------------------------------------------------


@pytest.fixture(params=["PAIR", "REP"])
def control(request, make):
    """Return a control socket for a proxy, and ``order(command)``, which returns the reply."""
    end, steering = (
        make(getattr(zmq, request.param)),
        make({"PAIR": zmq.PAIR, "REP": zmq.REQ}[request.param]),
    )
    end.bind("inproc://control")
    steering.connect("inproc://control")

    def order(command):
        steering.send(command)
        return steering.recv_multipart()

    return end, order


def test_terminate_ends_the_proxy(queue, control):
    frontend, backend, client, worker = queue
    end, order = control
    greenlet = gevent.spawn(zmq.proxy_steerable, frontend, backend, None, end)
    round_trip(client, worker)
    assert order(b"TERMINATE") == [b""]
    assert greenlet.get(timeout=GUARD) == 0


def test_pause_and_resume(queue, control):
    frontend, backend, client, worker = queue
    end, order = control
    with running(zmq.proxy_steerable, frontend, backend, control=end):
        round_trip(client, worker)
        order(b"PAUSE")
        order(b"STATISTICS")  # the reply shows that the proxy has paused
        client.send(b"question")
        assert worker.poll(50) == 0
        order(b"RESUME")
        assert worker.recv() == b"question"
        worker.send(b"answer")
        assert client.recv() == b"answer"


def test_statistics_count_frames_and_bytes(queue, control):
    """As zmq_proxy_steerable(3) says, the statistics count each part of a message."""
    frontend, backend, client, worker = queue
    end, order = control
    with running(zmq.proxy_steerable, frontend, backend, control=end):
        assert order(b"STATISTICS") == [bytes(8)] * 8
        for _ in range(3):
            round_trip(client, worker, b"12345", b"123")
        # Each message has the 5 bytes of the client's routing id, an empty frame, and the body.
        request, reply = (9, 3 * (5 + 0 + 5)), (9, 3 * (5 + 0 + 3))
        numbers = [unpack("=Q", frame)[0] for frame in order(b"STATISTICS")]
        assert numbers == [*request, *reply, *reply, *request]


def test_other_commands_change_nothing(queue, control):
    frontend, backend, client, worker = queue
    end, order = control
    with running(zmq.proxy_steerable, frontend, backend, control=end):
        for command in (b"", b"pause", b"PAUSED", b"NONSENSE"):
            assert order(command) == [b""]
        round_trip(client, worker)


def test_a_peer_that_leaves_during_the_copy_stops_nothing(bound, connected, control, make, monitor):
    """A peer that leaves while the proxy sends the copy of a message does not stop the proxy.

    The outgoing socket has room when the message is received, but no peer once the copy is sent.
    """
    pull, push, capture = bound(zmq.PULL), bound(zmq.PUSH), make(zmq.PUSH)
    end, order = control
    source, taker = connected(pull, zmq.PUSH), connected(push, zmq.PULL)
    events = monitor(push, zmq.EVENT_DISCONNECTED)
    with running(zmq.proxy_steerable, pull, push, capture, end):
        source.send(b"first")
        capture.bind("tcp://127.0.0.1:*")
        copies = connected(capture, zmq.PULL)
        assert (copies.recv(), taker.recv()) == (b"first", b"first")
        copies.close()
        with gevent.Timeout(GUARD):
            while capture.poll(0, zmq.POLLOUT):
                gevent.sleep(0.001)
        source.send(b"second")  # the proxy waits, since no peer can receive the copy
        with gevent.Timeout(GUARD):
            while pull.poll(0):
                gevent.sleep(0.001)
        taker.close()
        assert events.next()[0] == zmq.EVENT_DISCONNECTED
        assert connected(capture, zmq.PULL).recv() == b"second"
        order(b"STATISTICS")
        assert connected(push, zmq.PULL).recv() == b"second"


def test_a_steerable_proxy_captures(queue, control, make):
    frontend, backend, client, worker = queue
    end, order = control
    capture, tap = make(zmq.PUSH), make(zmq.PULL)
    capture.bind("inproc://capture")
    tap.connect("inproc://capture")
    with running(zmq.proxy_steerable, frontend, backend, capture, end):
        round_trip(client, worker)
        assert tap.recv_multipart()[-1] == b"question"
        order(b"TERMINATE")


def test_controller_may_leave_at_once(queue, make):
    """The proxy ends even if the controller has left after its command.

    libzmq would wait forever to send its answer.
    """
    frontend, backend, _client, _worker = queue
    end, steering = make(zmq.PAIR), make(zmq.PAIR)
    end.bind("inproc://control")
    steering.connect("inproc://control")
    steering.send(b"TERMINATE")
    steering.close()
    assert zmq.proxy_steerable(frontend, backend, None, end) == 0


@pytest.mark.hub
def test_control_by_subscription(queue, make):
    frontend, backend, client, worker = queue
    end, steering = make(zmq.SUB), make(zmq.XPUB)
    end.subscribe(b"")
    end.bind("inproc://control")
    steering.connect("inproc://control")
    assert steering.recv() == b"\1"
    with running(zmq.proxy_steerable, frontend, backend, None, end) as proxy:
        round_trip(client, worker)
        steering.send(b"TERMINATE")
        assert proxy.get(timeout=GUARD) == "returned"


def test_steerable_proxy_without_a_control_socket(queue):
    frontend, backend, client, worker = queue
    with running(zmq.proxy_steerable, frontend, backend):
        round_trip(client, worker)


# -- monitored_queue -------------------------------------------------------------------------


@pytest.fixture
def tap(make):
    """Return a PUB that a queue can send its copies to, and a subscriber of the PUB."""
    monitor, tap = make(zmq.PUB), make(zmq.SUB)
    tap.subscribe(b"")
    monitor.bind("inproc://tap")
    tap.connect("inproc://tap")
    return monitor, tap


@pytest.mark.parametrize(
    "prefixes, expected",
    [
        ((), (b"in", b"out")),
        ((b"request", b"reply"), (b"request", b"reply")),
    ],
)
def test_monitored_queue_marks_the_direction(queue, tap, prefixes, expected):
    frontend, backend, client, worker = queue
    monitor, told = tap
    with running(monitored_queue, frontend, backend, monitor, *prefixes):
        round_trip(client, worker)
        request, reply = told.recv_multipart(), told.recv_multipart()
        assert [request[0], reply[0]] == list(expected)
        assert [request[2:], reply[2:]] == [[b"", b"question"], [b"", b"answer"]]


def test_a_monitored_queue_of_routers_swaps_ids(bound, connected, tap):
    left, right = bound(zmq.ROUTER), bound(zmq.ROUTER)
    one = connected(left, zmq.DEALER, routing_id=b"one")
    other = connected(right, zmq.DEALER, routing_id=b"other")
    monitor, told = tap
    with running(monitored_queue, left, right, monitor):
        other.send_multipart([b"one", b"here I am"])
        assert one.recv_multipart() == [b"other", b"here I am"]
        assert told.recv_multipart() == [b"out", b"one", b"other", b"here I am"]
        one.send_multipart([b"other", b"hello", b"there"])
        assert other.recv_multipart() == [b"one", b"hello", b"there"]
        assert told.recv_multipart() == [b"in", b"other", b"one", b"hello", b"there"]


@pytest.mark.parametrize("prefix", ["text", None, 7])
def test_monitored_queue_prefix_must_be_bytes(make, prefix):
    import zmq.devices as real

    sockets = [make(zmq.PAIR) for _ in range(3)]
    assert real.monitored_queue is not monitored_queue
    assert failure(monitored_queue, *sockets, prefix)[0] is TypeError
