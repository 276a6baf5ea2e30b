"""What all tests share: sockets that give up in the end, and nothing left behind."""

import os

import gevent
import pytest

import zlinkcompat as zmq


def pytest_addoption(parser):
    parser.addoption("--all-transports", action="store_true",
                     help="conformance over tls and wss whole, not by a sample")


GUARD = 5  # seconds after which a wait of a test has failed


@pytest.fixture
def no_error_reaches_the_hub(monkeypatch):
    """What is raised in a callback or a greenlet of the engine is printed, and noticed nowhere.

    Greenlets of a test are its own business."""
    errors = []
    hub = gevent.get_hub()
    report = hub.print_exception

    def remember(where, kind, value, trace):
        if not isinstance(where, gevent.Greenlet):
            errors.append(f"{kind.__name__}: {value} in {where}")
        report(where, kind, value, trace)

    monkeypatch.setattr(hub, "print_exception", remember)
    yield
    assert errors == []


@pytest.fixture
def no_descriptor_is_left(no_error_reaches_the_hub):
    # The hub's own, and its resolver's.
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
    """make(zmq.PULL, rcvhwm=1): a socket that gives up after GUARD seconds."""

    sockets = []  # a socket that nobody holds is closed

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
