"""Other native threads may call a socket of the hub engine; the hub's thread makes the calls."""

import errno
import threading

import gevent
import pytest
from gevent._hub_local import get_hub_if_exists
from guard import GUARD

import zlinkcompat as zmq
from zlinkcompat.engine import delegated_call
from zlinkcompat.errors import EMTHREAD

pytestmark = pytest.mark.hub


@pytest.fixture
def pair(bound, make):
    one, other = bound(zmq.PAIR), make(zmq.PAIR)
    other.connect(one.last_endpoint)
    return one, other


class Elsewhere:
    """A call that runs in another native thread; ``get`` waits for it while this hub runs."""

    def __init__(self, call, *args):
        self.result = []
        self.thread = threading.Thread(target=self.run, args=(call, args))
        self.thread.start()

    def run(self, call, args):
        try:
            self.result.append(call(*args))
        except zmq.ZMQError as error:
            self.result.append(error)
        finally:
            hub = get_hub_if_exists()
            if hub is not None:
                hub.destroy(destroy_loop=True)

    def waits(self):
        """Let the thread enter the call; return whether the call still waits."""
        gevent.sleep(0.01)
        return self.thread.is_alive()

    def get(self):
        with gevent.Timeout(GUARD):
            while self.thread.is_alive():
                gevent.sleep(0.001)
        (result,) = self.result
        if isinstance(result, Exception):
            raise result
        return result


def elsewhere(call, *args):
    return Elsewhere(call, *args).get()


def test_send_and_receive(pair):
    one, other = pair
    elsewhere(other.send, b"sent there")
    assert one.recv() == b"sent there"
    one.send_multipart([b"a", b"b"])
    assert elsewhere(other.recv_multipart) == [b"a", b"b"]
    one.send_multipart([b"a", b"b"])
    assert elsewhere(lambda: (other.recv(), other.getsockopt(zmq.RCVMORE), other.recv())) == (
        b"a",
        1,
        b"b",
    )


def test_receiver_waits_in_another_thread(pair):
    one, other = pair
    result = Elsewhere(other.recv)
    assert result.waits()
    one.send(b"later")
    assert result.get() == b"later"


def test_sender_waits_in_another_thread(bound, make):
    sink, source = bound(zmq.PULL), make(zmq.PUSH)
    result = Elsewhere(source.send, b"x")
    assert result.waits()
    source.connect(sink.last_endpoint)
    result.get()
    assert sink.recv() == b"x"


def test_errors_are_raised_in_the_calling_thread(pair):
    one, _ = pair
    with pytest.raises(zmq.Again):
        elsewhere(one.recv, zmq.NOBLOCK)
    one.rcvtimeo = 5
    with pytest.raises(zmq.Again):
        elsewhere(one.recv)
    with pytest.raises(zmq.ZMQError) as caught:
        elsewhere(one.unbind, "tcp://127.0.0.1:1")
    assert caught.value.errno == errno.ENOENT


def test_poll_from_another_thread(pair):
    one, other = pair
    result = Elsewhere(one.poll, 30_000)
    assert result.waits()
    other.send(b"x")
    assert result.get() == zmq.POLLIN
    poller = zmq.Poller()
    poller.register(one, zmq.POLLIN)
    assert elsewhere(poller.poll) == [(one, zmq.POLLIN)]
    assert elsewhere(one.getsockopt, zmq.EVENTS) == zmq.POLLIN | zmq.POLLOUT


def test_endpoints_and_options(make, bound):
    pub, sub = bound(zmq.PUB), make(zmq.SUB)
    sub.connect(pub.last_endpoint)
    elsewhere(sub.setsockopt, zmq.SUBSCRIBE, b"t")
    elsewhere(sub.disconnect, pub.last_endpoint)
    elsewhere(sub.connect, pub.last_endpoint)
    while not sub.poll(1):
        pub.send(b"topic")
    assert sub.recv() == b"topic"


def test_close_ends_the_wait(pair):
    one, _ = pair
    result = Elsewhere(one.recv)
    assert result.waits()
    one.close()
    with pytest.raises(zmq.ZMQError) as caught:
        result.get()
    assert caught.value.errno == zmq.ENOTSOCK


def test_call_raises_if_the_hub_never_runs(pair, monkeypatch, caplog):
    monkeypatch.setattr(delegated_call, "WARN_AFTER", 0.01)
    monkeypatch.setattr(delegated_call, "GIVE_UP_AFTER", 0.02)
    one, other = pair
    caught = []

    def send():
        try:
            other.send(b"x")
        except zmq.ZMQError as error:
            caught.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    thread.join(GUARD)  # a native wait: it blocks this thread and so its hub
    assert caught[0].errno == EMTHREAD and "ZLINK_ENGINE=thread" in str(caught[0])
    assert "waits for the gevent hub" in caplog.text
    # The call has not sent its message, and does not send it later either.
    other.send(b"y")
    assert one.recv() == b"y"
