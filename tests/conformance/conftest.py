import logging
import zlib

import pytest
from meeting import TRANSPORTS, Endpoints, connect, new_socket

from zlinkcompat._runtime import log_queue
from zlinkcompat.engine import stall_watch
from zlinkcompat.engine.loop import current_loop

SAMPLE = 3  # one in so many tests runs over transports that are parts of tcp and ws

SHORT = 4  # one in so many of those is in the run without arguments


@pytest.fixture(autouse=True, params=["hub", "thread"])
def engine(request, monkeypatch):
    """Return the engine that owns the connections of the test's contexts."""
    monkeypatch.setenv("ZLINK_ENGINE", request.param)


#: What the warnings say that find the cause of a problem (docs/operate.md).
FINDINGS = (
    "slow consumer",
    "drops began",
    "drops ended",
    "stood still",
    "while thread",  # two threads use a socket
    "another greenlet began",
    "term() still waits",
)


class Findings(logging.Handler):
    """Collects the warnings that find the cause of a problem."""

    def __init__(self):
        logging.Handler.__init__(self, logging.WARNING)
        self.texts = []

    def emit(self, record):
        text = record.getMessage()
        if any(each in text for each in FINDINGS):
            self.texts.append(text)


@pytest.fixture(autouse=True)
def no_finding(request, engine, monkeypatch):
    """Programs that are correct and quick get no warning that finds the cause of a problem.

    The watch of loops that stand still is on, with the limit that it has for asyncio by default.
    """
    monkeypatch.setenv("ZLINK_STALL_WARNING", str(stall_watch.ASYNCIO_LIMIT))
    stall_watch.add(current_loop())
    handler = Findings()
    log = logging.getLogger("zlinkcompat")
    log.addHandler(handler)
    yield
    log_queue.flush()
    log.removeHandler(handler)
    stall_watch.remove(current_loop())
    expected = request.node.get_closest_marker("provokes")
    assert [each for each in handler.texts if not (expected and expected.args[0] in each)] == []


def pytest_collection_modifyitems(config, items):
    if config.getoption("--all-transports"):
        return
    both_engines = () if config.getoption("--sample") else ("tcp", "inproc")
    is_short = getattr(config.option, "is_short", False)
    kept, left_out = [], []
    for item in items:
        is_kept = is_sampled(item, both_engines) and not (is_short and is_spared(item))
        (kept if is_kept else left_out).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=left_out)


def is_sampled(item, both_engines):
    """Tell whether a test belongs to the sample.

    Over the transports ``both_engines`` all tests do. Over others each test runs on one engine.
    Over the transports that are parts of tcp and ws some tests do.
    """
    callspec = getattr(item, "callspec", None)
    # Tests of other folders are in the list as well. They have no engine.
    if callspec is None or not {"transport", "engine"} <= callspec.params.keys():
        return True
    transport = callspec.params["transport"]
    if transport in both_engines:
        return True
    # Choose by the name: the same tests every time, and different ones on each engine.
    engine = callspec.params["engine"]
    turn = zlib.crc32(item.nodeid.replace(engine, "").encode()) + (engine == "thread")
    return turn % (2 * SAMPLE if transport in ("tls", "wss") else 2) == 0


def is_spared(item):
    """Tell whether the short run leaves out a test that the sample has.

    It leaves out three in four of those over transports, each time the same ones.
    """
    callspec = getattr(item, "callspec", None)
    return (
        callspec is not None
        and {"transport", "engine"} <= callspec.params.keys()
        and zlib.crc32(item.nodeid.encode()) % SHORT != 0
    )


@pytest.fixture(params=TRANSPORTS)
def transport(request):
    """Name of the transport.

    A test for some transports parametrizes this with ``indirect=True``.
    """
    return request.param


@pytest.fixture
def endpoints(transport, tmp_path, no_descriptor_is_left):
    """Return ``endpoints.any()`` and ``endpoints.fixed()`` of the transport."""
    endpoints = Endpoints(transport, tmp_path)
    yield endpoints
    endpoints.close()


@pytest.fixture
def endpoint(endpoints):
    """Return an endpoint to bind."""
    return endpoints.any()


@pytest.fixture
def make(context):
    """make(zmq.PULL, rcvhwm=1): a socket with timeouts of GUARD seconds that reconnects soon."""
    sockets = []  # the garbage collector would close a socket without references

    def make(socket_type, **options):
        sockets.append(new_socket(context, socket_type, **options))
        return sockets[-1]

    return make


@pytest.fixture
def bound(make, endpoints):
    """bound(zmq.PULL, rcvhwm=1): the same, bound to an endpoint of its own."""

    def bound(socket_type, **options):
        sock = make(socket_type, **options)
        sock.bind(endpoints.any())
        return sock

    return bound


@pytest.fixture
def connected(make):
    """connected(zmq.PUSH, binder, sndhwm=1): the same, connected to ``binder``, which knows it."""

    def connected(socket_type, binder, **options):
        sock = make(socket_type, **options)
        connect(sock, binder)
        return sock

    return connected


@pytest.fixture
def connected_pair(bound, connected):
    """connected_pair(zmq.PUSH, zmq.PULL, sndhwm=1): the first is bound, the second connected to it.

    ``a`` and ``b`` are options of the first or the second socket only.
    """

    def connected_pair(type_a, type_b, a=None, b=None, **options):
        one = bound(type_a, **options, **(a or {}))
        return one, connected(type_b, one, **options, **(b or {}))

    return connected_pair
