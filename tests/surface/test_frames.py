"""Frame: data, buffer, copies, flags and properties."""

import contextlib
import copy
import errno
import gc
import sys

import pytest
import zmq as pyzmq
from sidebyside import failure, outcome

import zlinkcompat as zmq
from zlinkcompat.debug import build_info


def test_frame_without_data_is_empty():
    frame = zmq.Frame()
    assert (frame.bytes, len(frame), frame.more, frame.tracker) == (b"", 0, False, None)
    assert frame.buffer.nbytes == 0


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"copy": True},
        {"copy": False},
        {"copy_threshold": 0},
        {"track": True},
        {"copy": False, "track": True},
    ],
)
@pytest.mark.parametrize(
    "data",
    [b"", b"abc", bytearray(b"abc"), memoryview(b"abc"), b"x" * 100_000],
    ids=lambda data: type(data).__name__,
)
def test_frame_returns_its_data_unchanged(data, options):
    frame = zmq.Frame(data, **options)
    assert frame.bytes == bytes(data) and type(frame.bytes) is bytes
    assert bytes(frame.buffer) == bytes(data) and len(frame) == len(data)


def test_frame_exports_its_buffer():
    """A Frame supports the buffer protocol.

    The pure-Python fallback supports it only from Python 3.12 on (see the README).
    """
    frame = zmq.Frame(b"abc")
    if build_info()["compiled"] or sys.version_info >= (3, 12):
        assert bytes(frame) == bytes(memoryview(frame)) == b"abc"
    else:
        assert failure(memoryview, frame) == (TypeError, None)


def test_bytes_of_a_frame_are_its_data():
    assert bytes(zmq.Frame(b"abc")) == b"abc"


@pytest.mark.parametrize("data", ["text", 7, 1.5, [b"x"], object()])
def test_frame_of_a_non_buffer_is_refused(both, data):
    assert both(lambda side: failure(side.zmq.Frame, data))[0] is TypeError


def test_strided_buffer_is_refused(both):
    data = memoryview(b"aabbcc")[::2]
    assert both(lambda side: failure(side.zmq.Frame, data, copy=False)) == (BufferError, None)


def test_bytes_of_a_frame_are_cached():
    frame = zmq.Frame(b"data" * 50)
    assert frame.bytes is frame.bytes


def test_buffer_is_a_memoryview_of_the_data():
    data = bytearray(b"abc")
    frame = zmq.Frame(data, copy=False)
    assert type(frame.buffer) is memoryview and frame.buffer is frame.buffer
    data[0] = ord("x")
    assert bytes(frame.buffer) == b"xbc"


def test_copied_frame_has_its_own_data():
    data = bytearray(b"abc")
    frame = zmq.Frame(data, copy=True)
    data[0] = ord("x")
    assert frame.bytes == b"abc"


@pytest.mark.parametrize("size, shared", [(9, False), (10, True)])
def test_copy_threshold_decides_about_copying(size, shared):
    data = bytearray(size)
    frame = zmq.Frame(data, copy_threshold=10)
    data[0] = 1
    assert (frame.buffer[0] == 1) is shared


def test_frame_pins_its_buffer():
    data = bytearray(b"x" * 100_000)
    frame = zmq.Frame(data, copy=False)
    with pytest.raises(BufferError):
        data.clear()
    assert len(frame) == 100_000


@pytest.mark.parametrize("duplicate", [copy.copy, zmq.Frame.fast_copy], ids=["copy", "fast_copy"])
def test_copied_frame_has_equal_data(duplicate):
    frame = zmq.Frame(b"x" * 70_000, track=True)
    other = duplicate(frame)
    assert other is not frame and type(other) is zmq.Frame
    assert other.bytes == frame.bytes
    assert other.tracker is frame.tracker


@pytest.mark.parametrize(
    "one, other",
    [
        (b"a", b"a"),
        (b"a", b"b"),
        (b"", b""),
        (b"a", bytearray(b"a")),
    ],
)
def test_frames_are_compared_by_identity(both, one, other):
    """As in pyzmq, frames are equal only if they are the same object."""
    both(
        lambda side: (
            side.zmq.Frame(one) == side.zmq.Frame(other),
            side.zmq.Frame(one) != side.zmq.Frame(other),
        )
    )


def test_frame_is_hashable():
    frame = zmq.Frame(b"a")
    assert frame == frame and {frame: 1}[frame] == 1


@pytest.mark.parametrize("other", [b"a", "a", None, 7])
def test_frame_compared_with_another_type(both, other):
    both(lambda side: (side.zmq.Frame(b"a") == other, side.zmq.Frame(b"a") != other))


@pytest.mark.parametrize("data", [b"", b"short", b"x" * 17, b"x" * 2000, b"x" * 3_000_000])
def test_repr_equals_pyzmqs_except_for_the_name(data):
    # Create pyzmq's frame with copy=True. Otherwise pyzmq would start its garbage collection
    # thread, which keeps descriptors open.
    real = repr(pyzmq.Frame(data, copy=True))
    assert repr(zmq.Frame(data)) == real


SIZE = 100_000


def replace_by_init(frame):
    frame.__init__(b"y")


def replace_by_take(frame):
    frame.take(b"y")


def release_the_holders_view(frame):
    frame.content.buffer.release()


def begin_the_holder_again(frame):
    frame.content.__init__(b"y", None)


def begin_the_memory_again(frame):
    frame.content.buffer.obj.__init__(b"y")


@pytest.mark.parametrize(
    "make_view", [memoryview, lambda frame: frame.buffer], ids=["memoryview", "buffer"]
)
@pytest.mark.parametrize("data", [b"A" * SIZE, bytearray(b"A" * SIZE)], ids=["copied", "pinned"])
@pytest.mark.parametrize(
    "change",
    [
        replace_by_init,
        replace_by_take,
        release_the_holders_view,
        begin_the_holder_again,
        begin_the_memory_again,
    ],
    ids=lambda change: change.__name__,
)
def test_view_keeps_replaced_content_alive(change, data, make_view):
    frame = zmq.Frame(data, copy=type(data) is bytes)
    try:
        view = make_view(frame)
    except TypeError:
        pytest.skip("the pure-Python fallback exports no buffer before Python 3.12")
    with contextlib.suppress(BufferError, TypeError):
        change(frame)
    del data
    gc.collect()
    # If the memory had been freed, these new objects would reuse it.
    others = [bytes([number & 255]) * SIZE for number in range(50)]
    assert bytes(view) == b"A" * SIZE
    del others


def test_released_views_free_replaced_content():
    data = bytearray(b"A" * SIZE)
    frame = zmq.Frame(data, copy=False, track=True)
    tracker, view = frame.tracker, frame.buffer
    frame.take(b"y")
    with pytest.raises(BufferError):
        data.clear()
    view.release()
    data.clear()
    assert tracker.done


def test_reused_frame_shows_its_new_content():
    frame = zmq.Frame(b"A" * SIZE, copy=False)
    assert frame.bytes == frame.buffer.tobytes() == b"A" * SIZE
    view = frame.buffer
    frame.take(b"new")
    assert (frame.bytes, frame.buffer.tobytes(), len(view)) == (b"new", b"new", SIZE)


# -- attributes and properties ---------------------------------------------------------------


def test_more_flag_of_received_frames(pair):
    one, other = pair()
    one.send_multipart([b"a", b"b"])
    first, last = other.recv_multipart(copy=False)
    assert (first.more, last.more) == (True, False)
    assert (first.get(zmq.MORE), last.get(zmq.MORE)) == (1, 0)
    assert first[zmq.MORE] == 1


def test_properties_of_the_peer(bound, make):
    router, dealer = bound(zmq.ROUTER), make(zmq.DEALER, routing_id=b"me")
    dealer.connect(router.last_endpoint)
    dealer.send_multipart([b"x", b"y"])
    for frame in router.recv_multipart(copy=False)[1:]:
        assert frame.get("Socket-Type") == frame["Socket-Type"] == "DEALER"
        assert frame.get("Identity") == frame["Identity"] == "me"
        assert frame.get("Peer-Address") == "127.0.0.1"


def test_received_frame_has_the_descriptor(pair):
    one, other = pair()
    one.send(b"x")
    assert other.recv(copy=False).get(zmq.SRCFD) > 2


def test_application_metadata_of_the_peer(bound, make):
    pull, push = bound(zmq.PULL), make(zmq.PUSH, metadata=b"X-name:value")
    push.connect(pull.last_endpoint)
    push.send(b"x")
    assert pull.recv(copy=False)["X-name"] == "value"


@pytest.mark.parametrize(
    "name",
    [
        "User-Id",
        "Routing-Id",
        "identity",
        "nothing",
        "X-nothing",
        "",
        99,
        -1,
        "Group",
    ],
)
def test_missing_property(both, name):
    def scenario(side):
        one, other = side.pair(endpoint="tcp://127.0.0.1:*")
        one.send(b"x")
        return failure(other.recv(copy=False).get, name)

    assert both(scenario)[1] in (errno.EINVAL, None)


@pytest.mark.parametrize(
    "name",
    [
        "Socket-Type",
        "Identity",
        "Peer-Address",
        zmq.SRCFD,
        zmq.MORE,
        zmq.SHARED,
        b"Identity",
        None,
        1.5,
        [],
    ],
)
def test_unreceived_frame_has_no_properties(both, name):
    def scenario(side):
        frame = side.zmq.Frame(b"x")
        return outcome(frame.get, name), outcome(lambda: frame[name])

    both(scenario)


@pytest.mark.parametrize("name", ["Socket-Type", "Identity", "Peer-Address", zmq.MORE])
def test_properties_of_an_inproc_message(both, name):
    def scenario(side):
        one, other = side.pair()
        one.send(b"x")
        return outcome(other.recv(copy=False).get, name)

    both(scenario)


@pytest.mark.parametrize(
    "name, value",
    [
        (zmq.MORE, 1),
        ("Identity", "x"),
        ("routing_id", "text"),
        (99, 0),
    ],
)
def test_properties_that_cannot_be_set(both, name, value):
    both(lambda side: failure(side.zmq.Frame(b"x").set, name, value))


@pytest.mark.parametrize("name", ["group", "routing_id"])
def test_draft_attributes(both, name):
    both(
        lambda side: (
            failure(getattr, side.zmq.Frame(b"x"), name),
            failure(setattr, side.zmq.Frame(b"x"), name, 1),
        )
    )


@pytest.mark.parametrize("name", ["nothing", "MORE", "SRCFD", "linger", "_x", "__x__"])
def test_other_attributes(both, name):
    both(
        lambda side: (
            outcome(getattr, side.zmq.Frame(b"x"), name),
            failure(setattr, side.zmq.Frame(b"x"), name, 1),
        )
    )


def test_frame_subclass_can_be_sent(pair):
    class Mine(zmq.Frame):
        pass

    one, other = pair()
    one.send(Mine(b"data"), copy=False)
    one.send_multipart([Mine(b"a"), Mine(b"b")])
    assert other.recv() == b"data"
    assert other.recv_multipart() == [b"a", b"b"]


def test_message_is_frame():
    assert type(zmq.Message(b"x")) is zmq.Frame


# -- memory: as with libzmq, receivers may write to received frames ------------------------


@pytest.mark.parametrize("endpoint", ["inproc://memory", "tcp://127.0.0.1:*"])
@pytest.mark.parametrize("size", [0, 1, 40, 10_000])
def test_write_to_a_received_frame_affects_no_other_receiver(pair, endpoint, size):
    push, pull = pair(zmq.PUSH, zmq.PULL, endpoint)
    sent = b"s" * size
    kept = bytearray(sent)
    push.send(sent)
    frame = pull.recv(copy=False)
    before = frame.bytes
    frame.buffer[:] = b"w" * size
    assert not frame.buffer.readonly and frame.bytes == b"w" * size
    assert sent == before == bytes(kept)


def test_modified_frame_is_sent_with_its_changes(pair):
    push, pull = pair(zmq.PUSH, zmq.PULL, "inproc://memory")
    frame = zmq.Frame(b"abc")
    frame.buffer[0:1] = b"x"
    push.send(frame)
    assert pull.recv() == copy.copy(frame).bytes == b"xbc"


def test_frame_of_read_only_data_is_read_only():
    assert zmq.Frame(b"abc", copy=False).buffer.readonly
    assert not zmq.Frame(bytearray(b"abc"), copy=False).buffer.readonly


def test_frame_buffer_is_cached_and_outlives_the_frame():
    frame = zmq.Frame(b"abc")
    view = frame.buffer
    assert view is frame.buffer
    del frame
    assert bytes(view) == b"abc"


@pytest.mark.parametrize("begun_anew", [False, True])
def test_pyzmq_gc_counts_buffers_of_our_frames(begun_anew, monkeypatch):
    from zmq.utils.garbage import gc

    zmq.Frame(bytearray(b"before"), copy=False)
    if begun_anew:
        # gc.start() also replaces this dict, when libzmq gets its first buffer.
        monkeypatch.setattr(gc, "refs", {})
    data = bytearray(b"abc")

    def entries():
        # Count our entries only: the dict also has entries of libzmq's frames, which come and go.
        return sum(getattr(each.obj, "obj", None) is data for each in list(gc.refs.values()))

    frame = zmq.Frame(data, copy=False)
    other = copy.copy(frame)
    assert entries() == 1
    del frame
    assert entries() == 1
    del other
    assert entries() == 0
