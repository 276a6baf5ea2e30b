"""LINGER also limits a socket that is closed just after its connection has ended."""

import gevent
import pytest
from guard import GUARD

import zlinkcompat as zmq


@pytest.mark.both_engines
@pytest.mark.parametrize("linger", [0, 50])
def test_unsent_messages_do_not_outlive_linger(raw_listener, make, linger):
    """close() comes after the end was read and before the connection's greenlet has cleaned up."""
    listener = raw_listener()
    sock = make(zmq.DEALER, linger=linger, reconnect_ivl=1)
    sock.connect(listener.endpoint)
    peer = listener.accept()
    peer.handshake(b"DEALER")
    assert sock.poll(GUARD * 1000, zmq.POLLOUT)
    with pytest.raises(zmq.Again):
        while True:
            sock.send(bytes(1 << 20), zmq.NOBLOCK)
    peer.reset()
    with pytest.raises(zmq.Again):
        sock.recv(zmq.NOBLOCK)
    sock.close()
    with gevent.Timeout(GUARD):
        sock.context.term()
