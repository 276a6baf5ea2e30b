"""Sockets that are bound to a WebSocket endpoint, and hand-written clients of them."""

import pytest
import wsproto.handshake  # noqa: F401  (its first import outlasts a short HANDSHAKE_IVL)
from guard import GUARD

import zlinkcompat as zmq


@pytest.fixture
def pull(make):
    sock = make(zmq.PULL, handshake_ivl=GUARD * 1000, maxmsgsize=100000)
    sock.bind("ws://127.0.0.1:*")
    return sock


@pytest.fixture
def stream(make):
    sock = make(zmq.STREAM)
    sock.bind("ws://127.0.0.1:*/chat")
    return sock


@pytest.fixture
def dial(raw):
    """dial(sock): the connection of a hand-written peer."""

    def dial(sock):
        port = sock.last_endpoint.rpartition(b":")[2].partition(b"/")[0].decode()
        return raw(f"tcp://127.0.0.1:{port}")

    return dial
