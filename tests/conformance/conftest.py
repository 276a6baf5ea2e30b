import logging
import zlib

import pytest
from meeting import TRANSPORTS, Endpoints, connect, new_socket

from zlinkcompat._runtime import log_queue
from zlinkcompat.engine import stall_watch
from zlinkcompat.engine.loop import current_loop

# The transports tls and wss are tcp and ws with a TLS layer. Over them the sample has one in SAMPLE
# tests.
SAMPLE = 3

# Of the sample's tests over transports, a run without arguments has one in SHORT.
SHORT = 4


@pytest.fixture(autouse=True, params=["hub", "thread"])
def engine(request, monkeypatch):
    """Run each test on both engines, by setting ``ZLINK_ENGINE``."""
    monkeypatch.setenv("ZLINK_ENGINE", request.param)


#: Texts of the warnings that report the cause of a problem (docs/operate.md).
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
    """Collects the warnings that report the cause of a problem."""

    def __init__(self):
        logging.Handler.__init__(self, logging.WARNING)
        self.texts = []

    def emit(self, record):
        text = record.getMessage()
        if any(each in text for each in FINDINGS):
            self.texts.append(text)


@pytest.fixture(autouse=True)
def no_finding(request, engine, monkeypatch):
    """Fail a test that logs one of these warnings: it is correct and fast, so none may appear.

    Warnings about loops that stand still are on as well, with the default limit for asyncio.
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
    """Return whether a test belongs to the sample.

    Over the transports in ``both_engines``, all tests on both engines belong to the sample. Over
    tls and wss, one in SAMPLE tests does, on one engine. Over the other transports each test does,
    on one engine.
    """
    callspec = getattr(item, "callspec", None)
    # The list also has tests of other folders, which do not have both parameters. Keep them.
    if callspec is None or not {"transport", "engine"} <= callspec.params.keys():
        return True
    transport = callspec.params["transport"]
    if transport in both_engines:
        return True
    # Choose by the name, so that each run has the same tests. The engines have different tests.
    engine = callspec.params["engine"]
    turn = zlib.crc32(item.nodeid.replace(engine, "").encode()) + (engine == "thread")
    return turn % (2 * SAMPLE if transport in ("tls", "wss") else 2) == 0


def is_spared(item):
    """Return whether the short run leaves out a test of the sample.

    It leaves out three in four of the tests over transports, and the same ones in each run.
    """
    callspec = getattr(item, "callspec", None)
    return (
        callspec is not None
        and {"transport", "engine"} <= callspec.params.keys()
        and zlib.crc32(item.nodeid.encode()) % SHORT != 0
    )


@pytest.fixture(params=TRANSPORTS)
def transport(request):
    """Return the name of the transport.

    A test for some transports only parametrizes this fixture with ``indirect=True``.
    """
    return request.param


@pytest.fixture
def endpoints(transport, tmp_path, no_descriptor_is_left):
    """Return an :class:`Endpoints` of the transport."""
    endpoints = Endpoints(transport, tmp_path)
    yield endpoints
    endpoints.close()


@pytest.fixture
def endpoint(endpoints):
    """Return an endpoint of the transport that a test can bind."""
    return endpoints.any()


@pytest.fixture
def make(context):
    """``make(zmq.PULL, rcvhwm=1)`` creates a socket with timeouts of GUARD seconds.

    The socket reconnects after 1 ms.
    """
    sockets = []  # the garbage collector would close a socket without references

    def make(socket_type, **options):
        sockets.append(new_socket(context, socket_type, **options))
        return sockets[-1]

    return make


@pytest.fixture
def bound(make, endpoints):
    """``bound(zmq.PULL, rcvhwm=1)`` creates a socket as ``make`` does, and binds it."""

    def bound(socket_type, **options):
        sock = make(socket_type, **options)
        sock.bind(endpoints.any())
        return sock

    return bound


@pytest.fixture
def connected(make):
    """``connected(zmq.PUSH, binder)`` creates a socket as ``make`` does, and connects it.

    It returns once ``binder`` has the new socket as a peer.
    """

    def connected(socket_type, binder, **options):
        sock = make(socket_type, **options)
        connect(sock, binder)
        return sock

    return connected


@pytest.fixture
def connected_pair(bound, connected):
    """``connected_pair(zmq.PUSH, zmq.PULL, sndhwm=1)`` returns two connected sockets.

    The first is bound. The options ``a`` are for the first socket only, ``b`` for the second only.
    """

    def connected_pair(type_a, type_b, a=None, b=None, **options):
        one = bound(type_a, **options, **(a or {}))
        return one, connected(type_b, one, **options, **(b or {}))

    return connected_pair
