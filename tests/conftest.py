"""Fixtures for all tests: sockets with timeouts, and checks that nothing is left behind."""

import logging
import os
import signal

import gevent
import pytest
from guard import GUARD
from hypothesis import HealthCheck, is_hypothesis_test, settings
from process import Program
from rawpeer import RawListener, RawPeer
from watching import Monitor

import zlinkcompat as zmq
from zlinkcompat import debug, tuning
from zlinkcompat._runtime import log_limiter, log_queue


def pytest_addoption(parser):
    parser.addoption(
        "--all-transports",
        action="store_true",
        help="run each conformance test over every transport and on both engines, not a sample",
    )
    parser.addoption(
        "--sample",
        action="store_true",
        help="run each conformance test over tcp or inproc on one engine only",
    )
    parser.addoption(
        "--all-faults",
        action="store_true",
        help="inject a fault at every byte of a connection, not only at every 13th",
    )
    parser.addoption(
        "--all-budgets",
        action="store_true",
        help="test every flood of a hostile peer in every state, not a sample",
    )


@pytest.fixture(autouse=True)
def engine(request, monkeypatch):
    """Choose the engine of the contexts that a test makes in this process.

    This is the hub engine, unless the environment of the run sets ``ZLINK_ENGINE`` and the test
    is not marked ``hub``. Programs that a test starts choose their engine themselves.
    """
    if hasattr(request, "param"):
        monkeypatch.setenv("ZLINK_ENGINE", request.param)
    elif "ZLINK_ENGINE" not in os.environ or request.node.get_closest_marker("hub"):
        monkeypatch.setenv("ZLINK_ENGINE", "hub")


def pytest_generate_tests(metafunc):
    named = {mark.name for mark in metafunc.definition.iter_markers()}
    chooses = "hub" in named or "program" in metafunc.fixturenames
    if "both_engines" in named and not chooses:
        metafunc.parametrize("engine", ["hub", "thread"], indirect=True)


def pytest_configure(config):
    # When its interval is over, a limiter summarizes the warnings that it suppressed. By default
    # that is a minute later, in the middle of another test, which may count warnings.
    log_limiter.INTERVAL = 3600.0
    config.addinivalue_line("markers", "hub: tests what only the hub engine does")
    config.addinivalue_line("markers", "provokes(text): a warning that the test is about")
    config.addinivalue_line("markers", "both_engines: runs on the hub and on the thread engine")
    # A shell starts background processes with SIGINT ignored, and programs inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


# Set no deadline, so that a busy machine does not fail a test.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


def pytest_itemcollected(item):
    # The exception of a timeout may be raised in the middle of a draw. hypothesis repeats the
    # draw, cannot reproduce the exception, and calls the test flaky. So set a timeout that only
    # a machine that is stuck exceeds.
    if is_hypothesis_test(getattr(item, "obj", None)):
        item.add_marker(pytest.mark.timeout(600))


class CompleteLog:
    """pytest's ``caplog``, including records that are still queued for the handlers."""

    def __init__(self, caplog):
        self.caplog = caplog

    def __getattr__(self, name):
        log_queue.flush()
        return getattr(self.caplog, name)


@pytest.fixture
def caplog(caplog):
    return CompleteLog(caplog)


class Unexpected(logging.Handler):
    """Collect the exceptions that the engine did not expect; it logs them with a traceback."""

    def __init__(self):
        logging.Handler.__init__(self, logging.ERROR)
        self.logged = []

    def emit(self, record):
        if record.exc_info:
            self.logged.append(record.exc_info[1])

    @property
    def errors(self):
        log_queue.flush()
        return self.logged


@pytest.fixture
def unexpected():
    """Collect unexpected errors of the engine in the list ``unexpected.errors``.

    A test that provokes such an error on purpose removes it from the list.
    """
    handler = Unexpected()
    log = logging.getLogger("zlinkcompat")
    log.addHandler(handler)
    yield handler
    log.removeHandler(handler)


@pytest.fixture
def no_error_reaches_the_hub(monkeypatch, unexpected):
    """Fail the test if a callback or greenlet of the engine raises an exception.

    Such exceptions are only logged or printed. Greenlets of the test itself are not checked.
    """
    errors = unexpected.logged
    hub = gevent.get_hub()
    report = hub.print_exception

    def remember(where, kind, value, trace):
        if not isinstance(where, gevent.Greenlet):
            errors.append(f"{kind.__name__}: {value} in {where}")
        report(where, kind, value, trace)

    monkeypatch.setattr(hub, "print_exception", remember)
    yield
    assert unexpected.errors == []


@pytest.fixture
def no_descriptor_is_left(no_error_reaches_the_hub):
    # Start the hub and its thread pool, so that their file descriptors are in both counts.
    gevent.get_hub().threadpool.apply(int)
    before = len(os.listdir("/proc/self/fd"))
    yield
    assert len(os.listdir("/proc/self/fd")) <= before


@pytest.fixture
def context(no_descriptor_is_left):
    context = zmq.Context()
    yield context
    with gevent.Timeout(GUARD):
        context.destroy(linger=0)


@pytest.fixture
def make(context):
    """``make(zmq.PULL, rcvhwm=1)`` creates a socket whose calls time out after GUARD seconds."""

    sockets = []  # the garbage collector would close a socket without references

    def make(socket_type, **options):
        sock = context.socket(socket_type)
        sockets.append(sock)
        sock.rcvtimeo = sock.sndtimeo = GUARD * 1000
        for name, value in options.items():
            setattr(sock, name, value)
        return sock

    return make


@pytest.fixture
def bound(make):
    """``bound(zmq.PULL, rcvhwm=1)`` creates a socket as ``make`` does, and binds it.

    Its ``last_endpoint`` is the address.
    """

    def bound(socket_type, endpoint="tcp://127.0.0.1:*", **options):
        sock = make(socket_type, **options)
        sock.bind(endpoint)
        return sock

    return bound


@pytest.fixture
def endpoint_of(tmp_path):
    """``endpoint_of("ipc")`` is an endpoint to bind; ``last_endpoint`` is then the address."""
    return {"tcp": "tcp://127.0.0.1:*", "ipc": f"ipc://{tmp_path}/x"}.__getitem__


@pytest.fixture
def monitor():
    monitors = []

    def monitor(sock, *args):
        monitors.append(Monitor(sock, *args))
        return monitors[-1]

    return monitor


@pytest.fixture
def raw(no_descriptor_is_left):
    """``raw(endpoint)`` connects a hand-written peer."""
    peers = []

    def raw(endpoint, **options):
        peers.append(RawPeer.connect(endpoint, **options))
        return peers[-1]

    yield raw
    for peer in peers:
        peer.close()


@pytest.fixture
def raw_listener(no_descriptor_is_left):
    """``raw_listener()`` opens a listener for hand-written peers.

    At the end of the test the listener is closed, and each connection that it accepted.
    """
    opened = []

    class Listener(RawListener):
        def accept(self):
            opened.append(super().accept())
            return opened[-1]

    def raw_listener(*args, **options):
        opened.append(Listener(*args, **options))
        return opened[-1]

    yield raw_listener
    for one in opened:
        one.close()


@pytest.fixture
def program(no_descriptor_is_left):
    """``program(source, *args)`` runs a Python program in a process of its own."""
    started = []

    def program(*args, **options):
        started.append(Program(*args, **options))
        return started[-1]

    yield program
    for one in started:
        one.close()


class Phases:
    """Sets the performance settings of :mod:`zlinkcompat.tuning`, and reads a socket's counters."""

    def __init__(self, monkeypatch):
        self.monkeypatch = monkeypatch
        monkeypatch.setenv("ZMQ_DEBUG_COUNTERS", "1")
        for setting in tuning.TABLE:
            monkeypatch.delenv(setting.variable, raising=False)

    def set(self, **values):
        """``set(write_batching=0)``: set the environment for sockets that are created later."""
        variables = {setting.name: setting.variable for setting in tuning.TABLE}
        for name, value in values.items():
            self.monkeypatch.setenv(variables[name], str(value))

    def of(self, sock, *names):
        """Return one counter of a socket as int, or several counters as a tuple."""
        counts = debug.counters(sock)
        found = tuple(counts[name] for name in names)
        return found if len(names) > 1 else found[0]


@pytest.fixture
def phases(monkeypatch):
    """Use the defaults of all settings whatever the environment says, and enable counters."""
    return Phases(monkeypatch)
