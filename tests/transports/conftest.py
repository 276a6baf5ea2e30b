import os
import socket
from types import SimpleNamespace

import pytest
from guard import GUARD

from zlinkcompat.transports import endpoint, get
from zlinkcompat.tuning import Tuning

DEFAULTS = dict(
    ipv6=0,
    backlog=100,
    tos=0,
    priority=0,
    sndbuf=-1,
    rcvbuf=-1,
    use_fd=-1,
    tcp_keepalive=-1,
    tcp_keepalive_idle=-1,
    tcp_keepalive_cnt=-1,
    tcp_keepalive_intvl=-1,
    tcp_maxrt=0,
    bindtodevice=b"",
    socks_proxy=b"",
    tuning=Tuning(),
)


@pytest.fixture
def options():
    """``options(tos=8)`` returns libzmq's default options with some changes."""
    return lambda **changes: SimpleNamespace(**{**DEFAULTS, **changes})


@pytest.fixture
def bind(options):
    """``bind(endpoint, **options)`` returns a listener, which is closed at the end of the test."""
    listeners = []

    def bind(text, getaddrinfo=socket.getaddrinfo, **changes):
        chosen = options(**changes)
        transport, address = endpoint.parse(text)
        module = get(transport)
        listeners.append(
            module.listen(module.parse(address, chosen.ipv6, True), chosen, getaddrinfo)
        )
        return listeners[-1]

    yield bind
    for listener in listeners:
        listener.close()


@pytest.fixture
def connect(options):
    """``connect(endpoint, **options)`` connects, and waits until the connection is established."""
    opened = []

    def connect(text, getaddrinfo=socket.getaddrinfo, **changes):
        chosen = options(**changes)
        transport, address = endpoint.parse(text)
        module = get(transport)
        parsed = module.parse(address, chosen.ipv6, False)
        sock, connected = module.start_connect(parsed, chosen, getaddrinfo)
        opened.append(sock)
        if not connected:
            wait(sock, writing=True)
            module.finish_connect(sock)
        module.tune(sock, chosen)
        return sock

    yield connect
    for sock in opened:
        sock.close()


@pytest.fixture
def accept():
    """``accept(listener)`` waits for a connection and returns (socket, address of the peer)."""
    opened = []

    def accept(listener):
        wait(listener.socket)
        found = get(listener.endpoint.partition("://")[0]).accept(listener)
        opened.append(found[0])
        return found

    yield accept
    for sock in opened:
        sock.close()


def wait(sock, writing=False):
    import select

    ready = select.select([] if writing else [sock], [sock] if writing else [], [], GUARD)
    assert any(ready), f"nothing happened within {GUARD} s"


@pytest.fixture(autouse=True)
def no_descriptor_is_left():
    before = len(os.listdir("/proc/self/fd"))
    yield
    # Tests that create contexts of libzmq close these themselves.
    assert len(os.listdir("/proc/self/fd")) <= before
