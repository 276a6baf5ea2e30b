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
from zlinkcompat._runtime import log_queue


def pytest_addoption(parser):
    parser.addoption(
        "--all-transports",
        action="store_true",
        help="conformance over every transport, on both engines, not by a sample",
    )
    parser.addoption(
        "--sample",
        action="store_true",
        help="conformance: a test over tcp or inproc on one engine, not on both",
    )
    parser.addoption(
        "--all-faults",
        action="store_true",
        help="a fault at every byte of a connection, not at every 13th",
    )
    parser.addoption(
        "--all-budgets",
        action="store_true",
        help="every flood of a hostile peer in every state, not a sample",
    )


@pytest.fixture(autouse=True)
def engine(request, monkeypatch):
    """The engine of contexts that are made in this process: the hub's, where these tests wait,
    unless the run's environment names another one and the test is not about the hub.

    Programs in processes of their own choose by themselves."""
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
    config.addinivalue_line("markers", "hub: about what only the hub engine does")
    config.addinivalue_line("markers", "both_engines: runs on the hub engine and on the other")
    # A shell starts background processes with SIGINT ignored, and programs inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


# A busy machine must not fail a test.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


def pytest_itemcollected(item):
    # The timeout's exception may be raised in the middle of a draw. hypothesis repeats the draw,
    # cannot reproduce the exception, and calls the test flaky. So leave the timeout to a machine
    # that is stuck.
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
    """Collect the errors that the engine logs with a traceback, since it did not expect them."""

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
    """``unexpected.errors``: unexpected errors of the engine.

    A test that provokes one removes it.
    """
    handler = Unexpected()
    log = logging.getLogger("zlinkcompat")
    log.addHandler(handler)
    yield handler
    log.removeHandler(handler)


@pytest.fixture
def no_error_reaches_the_hub(monkeypatch, unexpected):
    """Notice exceptions in callbacks and greenlets of the engine, which are only logged or printed.

    Greenlets of a test are not checked.
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
    # Ignore the hub's own, and its resolver's.
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
    """make(zmq.PULL, rcvhwm=1): a socket that times out after GUARD seconds."""

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
    """bound(zmq.PULL, rcvhwm=1): the same, bound; its address is ``last_endpoint``."""

    def bound(socket_type, endpoint="tcp://127.0.0.1:*", **options):
        sock = make(socket_type, **options)
        sock.bind(endpoint)
        return sock

    return bound


@pytest.fixture
def endpoint_of(tmp_path):
    """endpoint_of("ipc"): an endpoint to bind; ``last_endpoint`` then has the address."""
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
    """raw(endpoint): a hand-written peer that connects."""
    peers = []

    def raw(endpoint, **options):
        peers.append(RawPeer.connect(endpoint, **options))
        return peers[-1]

    yield raw
    for peer in peers:
        peer.close()


@pytest.fixture
def raw_listener(no_descriptor_is_left):
    """raw_listener(): a listener.

    Connections that its accept() returns are closed at the end as well.
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
    """program(source, *args): a Python program in a process of its own."""
    started = []

    def program(*args, **options):
        started.append(Program(*args, **options))
        return started[-1]

    yield program
    for one in started:
        one.close()


class Phases:
    """The settings of the performance plan, and the counters, as a test wants them."""

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
        """Return counters of a socket: one as int, several as tuple."""
        counts = debug.counters(sock)
        found = tuple(counts[name] for name in names)
        return found if len(names) > 1 else found[0]


@pytest.fixture
def phases(monkeypatch):
    """Use the defaults of all settings whatever the environment says; sockets count."""
    return Phases(monkeypatch)
