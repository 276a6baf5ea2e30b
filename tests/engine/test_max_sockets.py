"""Sockets made and closed in a row: MAX_SOCKETS counts only those that still have work to do."""

import errno
import os

import pytest
from guard import GUARD

import zlinkcompat as zmq

pytestmark = pytest.mark.both_engines

MOST = 20


@pytest.fixture
def few(context):
    context.max_sockets = MOST
    return context


def test_connected_and_closed_without_a_turn_of_the_hub(few):
    with few.socket(zmq.PULL) as pull:
        port = pull.bind_to_random_port("tcp://127.0.0.1")
        for _ in range(10 * MOST):
            with few.socket(zmq.PUSH) as push:
                push.linger = 0
                push.connect(f"tcp://127.0.0.1:{port}")
                push.send(b"x")


def test_no_connecter_keeps_a_socket_that_has_nothing_to_deliver(few):
    for _ in range(10 * MOST):
        with few.socket(zmq.DEALER) as sock:
            for _ in range(3):
                sock.connect("tcp://127.0.0.1:9")


@pytest.mark.parametrize("served", [0, 1, MOST - 1])
def test_closed_together_after_they_were_connected(few, served):
    """At the limit, new sockets wait for the ends of closed ones."""
    with few.socket(zmq.PULL) as pull:
        pull.rcvtimeo = GUARD * 1000
        port = pull.bind_to_random_port("tcp://127.0.0.1")
        for _ in range(3):
            socks = [few.socket(zmq.PUSH) for _ in range(MOST - 1)]
            for sock in socks:
                sock.linger = 0
                sock.connect(f"tcp://127.0.0.1:{port}")
                sock.send(b"x")
            for _ in range(served):
                pull.recv()
            for sock in socks:
                sock.close()


def test_limit_holds_for_sockets_with_something_to_deliver(few):
    """A closed socket whose LINGER promises delivery counts until that is over."""
    socks = [few.socket(zmq.PUSH) for _ in range(MOST)]
    for sock in socks:
        sock.linger = -1
        sock.connect("ipc://@nobody-listens-%d" % os.getpid())
        sock.send(b"x")
        sock.close()
    with pytest.raises(zmq.ZMQError) as caught:
        few.socket(zmq.PUSH)
    assert caught.value.errno == errno.EMFILE
    for sock in list(few.core.sockets):
        sock.options.linger = 0
        for session in list(sock.sessions):
            session.engine.call(session.stop)


@pytest.mark.hub
def test_descriptors_of_connections_are_free_when_close_returns(context):
    with context.socket(zmq.PULL) as pull:
        port = pull.bind_to_random_port("tcp://127.0.0.1")
        socks = [context.socket(zmq.PUSH) for _ in range(MOST)]
        for sock in socks:
            sock.linger = 0
            sock.connect(f"tcp://127.0.0.1:{port}")
            sock.send(b"connected")
        for _ in socks:
            pull.recv()
        before = len(os.listdir("/proc/self/fd"))
        for sock in socks:
            sock.close()
        assert len(os.listdir("/proc/self/fd")) == before - MOST
