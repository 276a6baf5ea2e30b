"""A message that is sent after a disconnect we have not noticed yet uses the next connection."""

import os
import socket
import struct
import time

import pytest
from rawpeer import message

import zlinkcompat as zmq

pytestmark = pytest.mark.both_engines

PEERS = {"PUSH": b"PULL", "DEALER": b"DEALER", "PAIR": b"PAIR", "REQ": b"REP"}


def end_at_once(peer, said=b"", resets=False):
    """End a connection without running the hub, which would notice the end."""
    descriptor = peer.sock.detach() if resets else os.dup(peer.sock.fileno())
    with socket.socket(fileno=descriptor) as native:
        native.setblocking(True)
        if said:
            native.sendall(said)
        if resets:
            native.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            native.shutdown(socket.SHUT_RDWR)
    # The engine does not check a connection again within some microseconds (LOOK_INTERVAL).
    time.sleep(0.001)


@pytest.fixture(params=["tcp", "ipc"])
def connected(request, make, raw_listener, tmp_path):
    """``connected("PUSH")`` returns a socket, its listener and its first connection's raw peer."""

    def connected(name):
        endpoint = {"tcp": "tcp://127.0.0.1:0", "ipc": f"ipc://{tmp_path}/x"}[request.param]
        listener = raw_listener(endpoint)
        sock = make(getattr(zmq, name), reconnect_ivl=1)
        sock.connect(listener.endpoint)
        peer = listener.accept()
        peer.handshake(PEERS[name])
        # Wait until the connection is established at our end as well.
        sock.send(b"first")
        assert peer.read_message()[-1] == b"first"
        if name == "REQ":
            peer.send(message(b"", b"reply"))
            sock.recv()
        return sock, listener, peer

    return connected


@pytest.mark.parametrize("name", PEERS)
def test_message_goes_over_the_next_connection(connected, name):
    sock, listener, peer = connected(name)
    end_at_once(peer)
    sock.send(b"second")
    other = listener.accept()
    other.handshake(PEERS[name])
    assert other.read_message()[-1] == b"second"


def test_burst_goes_over_the_next_connection(connected):
    sock, listener, peer = connected("PUSH")
    end_at_once(peer)
    for number in range(100):
        sock.send(b"%d" % number)
    other = listener.accept()
    other.handshake(b"PULL")
    assert [other.read_message() for _ in range(100)] == [[b"%d" % n] for n in range(100)]


def test_messages_before_the_disconnect_are_received(connected):
    sock, listener, peer = connected("DEALER")
    end_at_once(peer, message(b"last word"))
    sock.send(b"second")
    assert sock.recv() == b"last word"
    other = listener.accept()
    other.handshake(b"DEALER")
    assert other.read_message() == [b"second"]


def test_no_message_is_sent_over_a_reset_connection(connected):
    sock, listener, peer = connected("PUSH")
    end_at_once(peer, resets=True)
    sock.send(b"second")
    other = listener.accept()
    other.handshake(b"PULL")
    assert other.read_message() == [b"second"]
