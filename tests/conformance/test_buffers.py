"""A sent buffer may be changed at once with copy=True, and otherwise once its tracker is done."""

import gevent
import pytest
from guard import GUARD
from meeting import hear, over_a_network

import zlinkcompat as zmq

LARGE = 1 << 20
sizes = pytest.mark.parametrize("size", [10, 8192, LARGE])


@pytest.fixture
def unmet(make, endpoints):
    """``unmet()`` returns a PUSH without a peer, and a function that connects a PULL to it."""

    def unmet():
        push, pull = make(zmq.PUSH), make(zmq.PULL)
        endpoint = endpoints.fixed()
        push.connect(endpoint)

        def meet():
            pull.bind(endpoint)
            return pull

        return push, meet

    return unmet


@sizes
@pytest.mark.parametrize("kind", [lambda buffer: buffer, memoryview], ids=["bytearray", "view"])
def test_copy_takes_a_snapshot(unmet, size, kind):
    push, meet = unmet()
    buffer = bytearray(b"a" * size)
    push.send(kind(buffer), copy=True)
    buffer[:] = b"b" * size
    push.send_multipart([b"first", kind(buffer)], copy=True)
    buffer[:] = b"c" * size
    push.send(kind(buffer), zmq.SNDMORE, copy=True)
    buffer[:] = b"d" * size
    push.send(b"last")
    pull = meet()
    assert pull.recv() == b"a" * size
    assert pull.recv_multipart() == [b"first", b"b" * size]
    assert pull.recv_multipart() == [b"c" * size, b"last"]


def test_copied_buffer_may_be_resized_at_once(unmet):
    push, meet = unmet()
    buffer = bytearray(b"a" * LARGE)
    push.send(buffer)
    buffer.clear()
    assert meet().recv() == b"a" * LARGE


def test_tracked_buffer_is_done_when_it_is_written(unmet):
    push, meet = unmet()
    tracker = push.send(bytearray(b"a" * LARGE), copy=False, track=True)
    assert not tracker.done
    with pytest.raises(zmq.NotDone):
        tracker.wait(0.01)
    assert meet().recv() == b"a" * LARGE
    tracker.wait(GUARD)
    assert tracker.done


def test_tracked_multipart_is_done_when_all_of_it_is_written(unmet):
    push, meet = unmet()
    parts = [bytearray(b"a" * LARGE), bytearray(b"b" * LARGE)]
    tracker = push.send_multipart(parts, copy=False, track=True)
    assert not tracker.done
    assert meet().recv_multipart() == parts
    tracker.wait(GUARD)
    assert tracker.done


def test_buffer_may_be_changed_when_its_tracker_is_done(connected_pair):
    push, pull = connected_pair(zmq.PUSH, zmq.PULL)
    buffer = bytearray(LARGE)
    for number in range(10):
        buffer[:] = b"%d" % number * LARGE
        tracker = push.send(buffer, copy=False, track=True)
        receiving = gevent.spawn(pull.recv)
        tracker.wait(GUARD)
        buffer[:] = b"x" * LARGE
        assert receiving.get(timeout=GUARD) == b"%d" % number * LARGE
    buffer.clear()


@over_a_network
def test_tracker_is_done_when_the_message_is_dropped(unmet):
    push, _ = unmet()
    tracker = push.send(bytearray(LARGE), copy=False, track=True)
    assert not tracker.done
    push.close(linger=0)
    tracker.wait(GUARD)
    assert tracker.done


def test_tracker_of_several_subscribers_is_done_after_the_last(bound, connected):
    pub = bound(zmq.XPUB)
    subs = [connected(zmq.SUB, pub) for _ in range(2)]
    for number, sub in enumerate(subs):
        sub.subscribe(b"\0")
        sub.subscribe(b"%d" % number)
    hear(pub, b"\0010", b"\0011")
    tracker = pub.send(bytearray(LARGE), copy=False, track=True)
    for sub in subs:
        assert sub.recv() == bytes(LARGE)
    tracker.wait(GUARD)
    assert tracker.done


def test_frame_can_be_sent_many_times(connected_pair):
    push, pull = connected_pair(zmq.PUSH, zmq.PULL)
    frame = zmq.Frame(bytearray(b"a" * LARGE), track=True, copy=False)
    for _ in range(5):
        push.send(frame, copy=False)
        assert pull.recv() == b"a" * LARGE
    assert not frame.tracker.done  # the Frame itself still uses the buffer
    tracker = frame.tracker
    del frame
    tracker.wait(GUARD)
    assert tracker.done


def test_received_frame_outlives_its_socket(connected_pair):
    push, pull = connected_pair(zmq.PUSH, zmq.PULL)
    push.send(b"a" * LARGE)
    frame = pull.recv(copy=False)
    push.close()
    pull.close()
    assert frame.bytes == b"a" * LARGE
