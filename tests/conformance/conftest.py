import zlib

import pytest
from meeting import TRANSPORTS, Endpoints, connect, new_socket

SAMPLE = 3  # one in so many tests runs over what tcp and ws are the parts of


def pytest_collection_modifyitems(config, items):
    if config.getoption("--all-transports"):
        return
    kept, left_out = [], []
    for item in items:
        callspec = getattr(item, "callspec", None)
        composed = callspec and callspec.params.get("transport") in ("tls", "wss")
        # By the name: the same ones every time.
        sampled = zlib.crc32(item.nodeid.encode()) % SAMPLE == 0
        (kept if sampled or not composed else left_out).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=left_out)


@pytest.fixture(params=TRANSPORTS)
def transport(request):
    """Name of the transport; a test for some only parametrizes it, ``indirect=True``."""
    return request.param


@pytest.fixture
def endpoints(transport, tmp_path, no_descriptor_is_left):
    """``endpoints.any()`` and ``endpoints.fixed()`` of the transport."""
    endpoints = Endpoints(transport, tmp_path)
    yield endpoints
    endpoints.close()


@pytest.fixture
def endpoint(endpoints):
    """An endpoint to bind."""
    return endpoints.any()


@pytest.fixture
def make(context):
    """make(zmq.PULL, rcvhwm=1): gives up after GUARD seconds, and dials again soon."""
    sockets = []  # a socket that nobody holds is closed

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

    ``a`` and ``b`` are options of the one or the other only."""

    def connected_pair(type_a, type_b, a=None, b=None, **options):
        one = bound(type_a, **options, **(a or {}))
        return one, connected(type_b, one, **options, **(b or {}))

    return connected_pair
