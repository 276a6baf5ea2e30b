"""Fixtures for sockets that are bound to WebSocket endpoints, and for hand-written clients."""

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
    """``dial(sock)`` connects a hand-written peer to the socket, and returns the peer."""

    def dial(sock):
        port = sock.last_endpoint.rpartition(b":")[2].partition(b"/")[0].decode()
        return raw(f"tcp://127.0.0.1:{port}")

    return dial
