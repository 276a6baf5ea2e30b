"""Real libzmq and zlinkcompat work in one process and exchange messages, but not objects."""

import errno

import gevent
import pytest
import zmq as pyzmq
from guard import GUARD
from sidebyside import Side, failure

import zlinkcompat as zmq


@pytest.fixture
def real(no_descriptor_is_left):
    """Give the side of real libzmq. A blocking call of its sockets would block the hub."""
    side = Side("pyzmq")
    yield side
    side.close()


@pytest.fixture
def meet(real, make, tmp_path):
    """``meet("REQ", "REP", "tcp")`` returns our socket and libzmq's, connected.

    Our socket connects or, with ``binds``, binds.
    """

    def meet(ours, theirs, transport="tcp", binds=False):
        endpoint = {"tcp": "tcp://127.0.0.1:*", "ipc": f"ipc://{tmp_path}/sock"}[transport]
        mine, other = make(getattr(zmq, ours)), real.socket(theirs)
        binder, connecter = (mine, other) if binds else (other, mine)
        binder.bind(endpoint)
        connecter.connect(binder.last_endpoint.decode())
        return mine, other

    return meet


def from_libzmq(sock):
    """Receive a message from a libzmq socket in another thread, so that our hub runs."""
    return gevent.get_hub().threadpool.apply(sock.recv_multipart)


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
@pytest.mark.parametrize("binds", [True, False], ids=["binds", "connects"])
@pytest.mark.parametrize("ours, theirs", [("PAIR", "PAIR"), ("DEALER", "DEALER")])
def test_messages_both_ways(meet, ours, theirs, transport, binds):
    mine, other = meet(ours, theirs, transport, binds)
    for frames in ([b"small"], [b"", b"two"], [b"x" * 300_000, b"large"]):
        mine.send_multipart(frames)
        assert from_libzmq(other) == frames
        other.send_multipart(frames)
        assert mine.recv_multipart() == frames


def test_request_and_reply(meet):
    req, rep = meet("REQ", "REP")
    req.send(b"question")
    assert from_libzmq(rep) == [b"question"]
    rep.send(b"answer")
    assert req.recv() == b"answer"


def test_publish_and_subscribe(meet):
    xpub, sub = meet("XPUB", "SUB", binds=True)
    sub.subscribe(b"topic")
    assert xpub.recv() == b"\1topic"
    xpub.send_multipart([b"topic", b"news"])
    assert from_libzmq(sub) == [b"topic", b"news"]


def test_exceptions_of_both_libraries_are_the_same_class(real, make):
    for library, sock in ((zmq, real.socket("PAIR")), (pyzmq, make(zmq.PAIR))):
        with pytest.raises(library.Again) as caught:
            sock.recv(library.NOBLOCK)
        assert caught.value.errno == errno.EAGAIN


def test_inproc_names_are_separate(real, make):
    real.socket("PAIR").bind("inproc://name")
    make(zmq.PAIR).bind("inproc://name")


@pytest.mark.parametrize("thing", ["socket", "context"])
def test_objects_of_the_other_library_are_refused(real, make, context, thing):
    with gevent.Timeout(GUARD):
        if thing == "socket":
            results = [
                failure(zmq.zmq_poll, [(real.socket("PAIR"), zmq.POLLIN)], 0),
                failure(pyzmq.zmq_poll, [(make(zmq.PAIR), zmq.POLLIN)], 0),
            ]
            # pyzmq's own proxy accepts any object that has a descriptor.
            assert results == [(TypeError, None), "returned"]
        else:
            assert failure(zmq.Socket, real.context, zmq.PAIR)[0] is TypeError
            assert failure(pyzmq.Socket, context, pyzmq.PAIR)[0] is TypeError


def test_frames_of_the_other_library_are_buffers(meet):
    mine, other = meet("PAIR", "PAIR")
    mine.send(pyzmq.Frame(b"theirs", copy=True))
    assert from_libzmq(other) == [b"theirs"]
    other.send(zmq.Frame(b"ours").buffer)
    assert mine.recv() == b"ours"


def test_our_poller_watches_a_libzmq_socket_by_its_descriptor(real, make):
    """Our poller can watch the descriptor of a libzmq socket.

    This descriptor is edge-triggered, so the program has to read EVENTS after each report.
    """
    pull, push = real.socket("PULL"), real.socket("PUSH")
    pull.bind("inproc://x")
    push.connect("inproc://x")
    assert pull.events == 0
    push.send(b"x")
    assert zmq.zmq_poll([(pull.fd, zmq.POLLIN)], GUARD * 1000) == [(pull.fd, zmq.POLLIN)]
    assert pull.events & pyzmq.POLLIN and pull.recv(pyzmq.NOBLOCK) == b"x"
