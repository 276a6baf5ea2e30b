"""A MessageTracker is done once the engine no longer uses a buffer that was sent uncopied."""

import gc
import threading

import gevent
import pytest
import zmq as pyzmq
from guard import GUARD
from sidebyside import failure
from threads import in_thread
from zmq.utils.garbage import gc as garbage

import zlinkcompat as zmq

LARGE = 8_000_000  # bytes: more than the kernel buffers of a connection hold


@pytest.fixture(scope="module", autouse=True)
def pyzmqs_collector():
    """Start pyzmq's garbage collection thread before the test counts descriptors.

    The thread starts with the first uncopied buffer, and keeps descriptors open.
    """
    pyzmq.Frame(bytes(100_000), copy=False)
    yield
    garbage.stop()


@pytest.fixture
def stalled(make, bound):
    """Return a PUSH and a PULL between which only one message fits."""
    pull, push = bound(zmq.PULL, rcvhwm=1), make(zmq.PUSH)
    push.connect(pull.last_endpoint)
    return push, pull


def sent_large(push, count=3, **options):
    """Send large messages; return their trackers.

    The last message is not fully written until the peer reads.
    """
    return [push.send(bytearray(LARGE), copy=False, track=True, **options) for _ in range(count)]


def test_a_tracker_of_nothing_is_done():
    tracker = zmq.MessageTracker()
    assert tracker.done is True
    assert tracker.wait() is None
    assert tracker.wait(0) is None


def test_sending_without_a_copy_returns_a_tracker(pair):
    one, other = pair()
    for data in (b"small", b"x" * 100_000, bytearray(100_000)):
        tracker = one.send(data, copy=False, track=True)
        assert isinstance(tracker, pyzmq.MessageTracker)
        assert len(other.recv()) == len(data)
        tracker.wait(GUARD)
        assert tracker.done


@pytest.mark.parametrize(
    "data",
    [b"x", b"x" * 100_000, bytearray(5), bytearray(100_000)],
    ids=["small", "large", "small-buffer", "large-buffer"],
)
def test_untracked_send_without_a_copy_returns_done(both, data):
    def scenario(side):
        one, _other = side.pair()
        tracker = side.zmq.MessageTracker
        return [
            sent is None or (isinstance(sent, tracker), sent.done)
            for sent in (
                one.send(data, copy=False),
                one.send_multipart([data, b"y"], copy=False),
                one.send_multipart([b"y", data], copy=False),
            )
        ]

    both(scenario)


def test_a_multipart_returns_the_tracker_of_its_last_frame(both):
    def scenario(side):
        one, _other = side.pair()
        frame = side.zmq.Frame(bytearray(100_000), track=True)
        return (
            one.send_multipart([b"first", frame]) is frame.tracker,
            one.send_multipart([frame, b"last"]),
        )

    assert both(scenario) == (True, None)


def test_a_buffer_below_the_threshold_is_copied_and_done(make):
    sock = make(zmq.PUSH, sndhwm=10)
    sock.connect("tcp://127.0.0.1:1")
    assert sock.send(bytearray(100), copy=False, track=True).done
    sock.copy_threshold = 0
    tracker = sock.send(bytearray(100), copy=False, track=True)
    assert not tracker.done
    sock.close(linger=0)
    tracker.wait(GUARD)


def test_tracker_is_done_when_the_last_byte_is_written(stalled):
    push, pull = stalled
    trackers = sent_large(push)
    assert not trackers[-1].done
    with pytest.raises(zmq.NotDone):
        trackers[-1].wait(0.01)
    for _ in trackers:
        assert len(pull.recv()) == LARGE
    for tracker in trackers:
        tracker.wait(GUARD)
        assert tracker.done


def test_wait_lets_other_greenlets_work(stalled):
    push, pull = stalled
    trackers = sent_large(push)
    reader = gevent.spawn(lambda: [len(pull.recv()) for _ in trackers])
    trackers[-1].wait(GUARD)
    assert reader.get(timeout=GUARD) == [LARGE] * len(trackers)


def test_several_greenlets_wait_for_one_tracker(stalled):
    push, pull = stalled
    tracker = sent_large(push)[-1]
    waiting = [gevent.spawn(tracker.wait, GUARD) for _ in range(3)]
    gevent.idle()
    assert not any(one.dead for one in waiting)
    for _ in range(3):
        pull.recv()
    gevent.joinall(waiting, timeout=GUARD, raise_error=True)
    assert tracker.done


def test_a_native_thread_waits_for_a_tracker(stalled):
    push, pull = stalled
    tracker = sent_large(push)[-1]

    def wait():
        tracker.wait(GUARD)
        gevent.get_hub().destroy(destroy_loop=True)

    with in_thread(wait) as ended:
        for _ in range(3):
            pull.recv()
        assert ended()


@pytest.mark.parametrize("timeout", [0, 0.01, 1])
def test_wait_with_a_timeout_when_done(timeout):
    assert zmq.MessageTracker(zmq.Frame(b"x", track=True).tracker).wait(timeout) is None


def test_buffer_is_released_when_the_tracker_is_done(pair):
    one, other = pair()
    data = bytearray(b"x" * 100_000)
    tracker = one.send(data, copy=False, track=True)
    del tracker
    assert other.recv() == data
    gc.collect()
    data.clear()  # resizing raises BufferError while the buffer is pinned


def test_tracker_of_a_dropped_message_is_done(make):
    publisher = make(zmq.PUB)
    publisher.bind("tcp://127.0.0.1:*")
    tracker = publisher.send(b"x" * 100_000, copy=False, track=True)
    tracker.wait(GUARD)


def test_tracker_of_a_refused_message_is_done(make):
    sock = make(zmq.PUSH)
    frame = zmq.Frame(bytearray(100_000), copy=False, track=True)
    tracker = frame.tracker
    assert failure(sock.send, frame, zmq.NOBLOCK) == (zmq.Again, zmq.EAGAIN)
    assert not tracker.done
    del frame
    gc.collect()
    assert tracker.done


def test_close_without_linger_finishes_trackers(stalled):
    push, _ = stalled
    trackers = sent_large(push)
    push.close(linger=0)
    for tracker in trackers:
        tracker.wait(GUARD)


# -- frames ----------------------------------------------------------------------------------


def test_frame_is_tracked_until_it_is_freed():
    frame = zmq.Frame(b"x" * 100_000, copy=False, track=True)
    tracker = frame.tracker
    assert not tracker.done
    with pytest.raises(zmq.NotDone):
        tracker.wait(0.01)
    del frame
    gc.collect()
    assert tracker.done


def test_tracker_of_a_copied_frame_is_done():
    assert zmq.Frame(b"x", copy=True, track=True).tracker.done


def test_an_untracked_frame_has_no_tracker():
    assert zmq.Frame(b"x" * 100_000, copy=False).tracker is None


def test_sending_a_tracked_frame_returns_its_tracker(pair):
    one, other = pair()
    frame = zmq.Frame(b"x" * 100_000, copy=False, track=True)
    assert one.send(frame, copy=False, track=True) is frame.tracker
    assert one.send(frame) is frame.tracker
    assert other.recv() == other.recv() == frame.bytes
    tracker = frame.tracker
    del frame
    tracker.wait(GUARD)


def test_tracking_an_untracked_frame_is_refused(both):
    def scenario(side):
        one, _ = side.pair()
        return failure(one.send, side.zmq.Frame(b"x"), copy=False, track=True)

    assert both(scenario) == (ValueError, None)


# -- several trackers ----------------------------------------------------------------------


def test_a_tracker_of_several_is_done_with_the_last():
    event = threading.Event()
    frame = zmq.Frame(b"x" * 100_000, copy=False, track=True)
    tracker = zmq.MessageTracker(event, frame, zmq.MessageTracker())
    assert not tracker.done
    event.set()
    assert not tracker.done
    with pytest.raises(zmq.NotDone):
        tracker.wait(0.01)
    del frame
    gc.collect()
    assert tracker.done and tracker.wait(GUARD) is None


def test_tracker_accepts_frames_of_both_entry_points():
    frames = [zmq.Frame(b"x", track=True), pyzmq.Frame(b"x", copy=True, track=True)]
    assert zmq.MessageTracker(*frames).done


@pytest.mark.parametrize("thing", ["text", 7, None, b"x"])
def test_tracker_of_another_object(both, thing):
    assert both(lambda side: failure(side.zmq.MessageTracker, thing)) == (TypeError, None)


def test_a_tracker_of_an_untracked_frame(both):
    def scenario(side):
        return failure(side.zmq.MessageTracker, side.zmq.Frame(b"x", copy=True))

    assert both(scenario) == (ValueError, None)


def test_multipart_returns_the_tracker_of_the_last_frame(stalled):
    push, pull = stalled
    last = bytearray(LARGE)
    tracker = push.send_multipart(
        [b"a", bytearray(LARGE), bytearray(LARGE), last], copy=False, track=True
    )
    assert not tracker.done
    assert [len(frame) for frame in pull.recv_multipart()] == [1, LARGE, LARGE, LARGE]
    tracker.wait(GUARD)


def test_received_frames_can_be_tracked(pair):
    one, other = pair()
    one.send(b"x" * 100_000)
    frame = other.recv(copy=False, track=True)
    assert isinstance(frame.tracker, pyzmq.MessageTracker)
