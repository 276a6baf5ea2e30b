"""MAX_SOCKETS counts open sockets, and closed ones only as long as they still have work to do."""

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


def test_connect_and_close_without_running_the_hub(few):
    with few.socket(zmq.PULL) as pull:
        port = pull.bind_to_random_port("tcp://127.0.0.1")
        for _ in range(10 * MOST):
            with few.socket(zmq.PUSH) as push:
                push.linger = 0
                push.connect(f"tcp://127.0.0.1:{port}")
                push.send(b"x")


def test_connecter_does_not_keep_a_closed_socket_alive(few):
    for _ in range(10 * MOST):
        with few.socket(zmq.DEALER) as sock:
            for _ in range(3):
                sock.connect("tcp://127.0.0.1:9")


@pytest.mark.parametrize("served", [0, 1, MOST - 1])
def test_many_sockets_closed_together_after_connecting(few, served):
    """At the limit, new sockets wait until closed ones have ended."""
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


def test_limit_counts_closed_sockets_with_unsent_messages(few):
    """A closed socket counts until its messages are delivered or LINGER has expired."""
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
        for session in list(sock.peers.sessions):
            session.loop.call(session.stop)


@pytest.mark.hub
def test_close_frees_the_descriptors_of_connections(context):
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
