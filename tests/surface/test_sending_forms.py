"""A message that is sent in any form is received with the matching form of recv."""

import array
import pickle

import gevent
import pytest
from guard import GUARD
from sidebyside import failure, outcome

import zlinkcompat as zmq

SIZES = [0, 1, 255, 256, 8191, 8192, 65535, 65536, 300_000]
ENDPOINTS = ["inproc://forms", "tcp://127.0.0.1:*"]


@pytest.fixture(params=ENDPOINTS, ids=["inproc", "tcp"])
def ends(request, pair):
    """Return two connected PAIRs."""
    return pair(endpoint=request.param)


# -- one frame -------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("copy", [True, False], ids=["copy", "nocopy"])
def test_bytes_arrive(ends, size, copy):
    one, other = ends
    data = bytes(range(256)) * (size // 256 + 1)
    one.send(data[:size], copy=copy)
    assert other.recv() == data[:size]
    assert other.rcvmore == 0


@pytest.mark.parametrize("size", SIZES)
def test_frames_arrive(ends, size):
    one, other = ends
    one.send(b"x" * size)
    frame = other.recv(copy=False)
    assert type(frame) is zmq.Frame and len(frame) == size
    assert frame.bytes == b"x" * size


@pytest.mark.parametrize(
    "data",
    [
        bytearray(b"abc"),
        memoryview(b"abc"),
        array.array("b", b"abc"),
        zmq.Frame(b"abc"),
    ],
    ids=["bytearray", "memoryview", "array", "Frame"],
)
def test_buffers_arrive(ends, data):
    one, other = ends
    one.send(data)
    assert other.recv() == b"abc"


def test_array_without_a_memoryview_is_sent(both):
    """An array of dates is sent although numpy cannot describe it by a buffer format."""
    dates = pytest.importorskip("numpy").array(["2020-02-29"], dtype="M8[s]")

    def scenario(side):
        one, other = side.pair()
        one.send(dates)
        return other.recv() == dates.tobytes()

    assert both(scenario)


def test_arrays_of_wide_items_arrive_as_bytes(ends):
    one, other = ends
    numbers = array.array("d", [1.5, -2.0])
    one.send(numbers, copy=False)
    assert other.recv() == numbers.tobytes()


@pytest.mark.parametrize("copy", [True, False], ids=["copy", "nocopy"])
def test_a_frame_can_be_sent_again(ends, copy):
    one, other = ends
    frame = zmq.Frame(b"again" * 20_000)
    one.send(frame, copy=copy)
    one.send(frame, copy=copy)
    assert other.recv() == other.recv() == frame.bytes


def test_received_frame_can_be_forwarded(ends):
    one, other = ends
    one.send(b"there and back")
    other.send(other.recv(copy=False), copy=False)
    assert one.recv() == b"there and back"


def test_copied_buffer_may_be_changed_at_once(ends):
    one, other = ends
    data = bytearray(b"x" * 100_000)
    one.send(data)
    data[:] = b"y" * 100_000
    assert other.recv() == b"x" * 100_000


def test_a_copied_send_returns_nothing(ends):
    one, _ = ends
    assert one.send(b"x") is None
    assert one.send(b"x", copy=True, track=True) is None
    assert one.send_multipart([b"x", b"y"]) is None
    assert one.send_string("x") is None


# -- several frames --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frames",
    [
        [b"one"],
        [b"one", b"two"],
        [b"", b"", b""],
        [b"x" * 70_000, b"", b"y"],
        [b"%d" % i for i in range(300)],
    ],
    ids=["1", "2", "empty", "large", "300"],
)
@pytest.mark.parametrize("copy", [True, False], ids=["copy", "nocopy"])
def test_multipart(ends, frames, copy):
    one, other = ends
    one.send_multipart(frames, copy=copy)
    assert other.recv_multipart() == frames
    one.send_multipart(tuple(frames), copy=copy)
    received = other.recv_multipart(copy=False)
    assert [frame.bytes for frame in received] == frames
    assert [frame.more for frame in received] == [True] * (len(frames) - 1) + [False]


def test_sndmore_and_rcvmore(ends):
    one, other = ends
    one.send(b"a", zmq.SNDMORE)
    one.send_string("b", flags=zmq.SNDMORE)
    one.send_json({"c": 1})
    assert other.recv() == b"a" and other.getsockopt(zmq.RCVMORE) == 1
    assert other.recv_string() == "b" and other.rcvmore == 1
    assert other.recv_json() == {"c": 1} and other.rcvmore == 0


def test_message_is_invisible_before_its_last_frame(ends):
    one, other = ends
    one.send(b"a", zmq.SNDMORE)
    assert other.poll(20) == 0
    one.send(b"b")
    assert other.recv_multipart() == [b"a", b"b"]


def test_send_multipart_with_sndmore_continues(ends):
    one, other = ends
    one.send_multipart([b"a", b"b"], zmq.SNDMORE)
    one.send_multipart([b"c", b"d"])
    assert other.recv_multipart() == [b"a", b"b", b"c", b"d"]


def test_recv_multipart_takes_the_rest(ends):
    one, other = ends
    one.send_multipart([b"a", b"b", b"c"])
    assert other.recv() == b"a"
    assert other.recv_multipart() == [b"b", b"c"]


def test_a_multipart_with_a_bad_frame_sends_nothing(ends):
    one, other = ends
    with pytest.raises(TypeError, match=r"Frame 1 .* does not support the buffer interface"):
        one.send_multipart([b"good", "text", b"good"])
    one.send(b"next")
    assert other.recv_multipart() == [b"next"]


def test_mixed_frames_in_a_multipart(ends):
    one, other = ends
    one.send_multipart([b"a", bytearray(b"b"), memoryview(b"c"), zmq.Frame(b"d")])
    assert other.recv_multipart() == [b"a", b"b", b"c", b"d"]


@pytest.mark.parametrize("empty", [[], ()])
def test_message_without_frames(both, empty):
    assert both(lambda side: failure(side.pair()[0].send_multipart, empty))[0] is IndexError


def test_a_generator_of_frames(both):
    both(lambda side: failure(side.pair()[0].send_multipart, (b for b in [b"a"])))


# -- objects ---------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "plain", "grüße", "\U0001f600"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_strings(ends, text, encoding):
    one, other = ends
    one.send_string(text, encoding=encoding)
    one.send_unicode(text, encoding=encoding)
    assert other.recv_string(encoding=encoding) == other.recv_unicode(encoding=encoding) == text


@pytest.mark.parametrize("thing", [{"a": [1, 2.5, None, True]}, [], "text", 7, "grüße"])
def test_json(ends, thing):
    one, other = ends
    one.send_json(thing)
    assert other.recv_json() == thing


def test_json_keywords(ends):
    one, other = ends
    one.send_json({"b": 1, "a": 2}, sort_keys=True, separators=(",", ":"))
    one.send_json(1.5)
    assert other.recv() == b'{"a":2,"b":1}'
    assert other.recv_json(parse_float=str) == "1.5"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pyobj(ends, protocol):
    one, other = ends
    thing = {"set": {1, 2}, "bytes": b"\0"}
    one.send_pyobj(thing, protocol=protocol)
    assert other.recv_pyobj() == thing


@pytest.mark.parametrize("copy", [True, False], ids=["copy", "nocopy"])
def test_serialized(ends, copy):
    one, other = ends
    one.send_serialized("a,b,c", lambda text: text.encode().split(b","), copy=copy)
    joined = other.recv_serialized(lambda frames: b"+".join(map(bytes, frames)), copy=copy)
    assert joined == b"a+b+c"


@pytest.mark.parametrize(
    "call, data",
    [
        ("recv_string", b"\xff"),
        ("recv_json", b"{"),
        ("recv_pyobj", b"not a pickle"),
    ],
)
def test_undecodable_message_is_consumed(both, call, data):
    def scenario(side):
        one, other = side.pair()
        one.send(data)
        one.send(b"next")
        return failure(getattr(other, call)), other.recv()

    result = both(scenario)
    assert result[0][0] is not zmq.ZMQError and result[1] == b"next"


# -- waiting ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        "recv",
        "recv_multipart",
        "recv_string",
        "recv_json",
        "recv_pyobj",
        lambda sock, flags: sock.recv(flags, copy=False),
        lambda sock, flags: sock.recv_into(bytearray(9), flags=flags),
        lambda sock, flags: sock.recv_serialized(list, flags),
    ],
    ids=lambda call: call if isinstance(call, str) else "lambda",
)
@pytest.mark.parametrize("flags", [0, zmq.NOBLOCK, zmq.DONTWAIT], ids=["RCVTIMEO", "NB", "DW"])
def test_recv_without_a_message(make, call, flags):
    sock = make(zmq.PAIR, rcvtimeo=10)
    receive = getattr(sock, call) if isinstance(call, str) else lambda f: call(sock, f)
    assert failure(receive, flags) == (zmq.Again, zmq.EAGAIN)


@pytest.mark.parametrize(
    "call",
    [
        lambda sock, flags: sock.send(b"x", flags),
        lambda sock, flags: sock.send_string("x", flags),
        lambda sock, flags: sock.send_multipart([b"x"], flags),
        lambda sock, flags: sock.send_json(1, flags),
        lambda sock, flags: sock.send_pyobj(1, flags),
        lambda sock, flags: sock.send(b"x", flags, copy=False, track=True),
        lambda sock, flags: sock.send_serialized([b"x"], list, flags),
    ],
)
@pytest.mark.parametrize("flags", [0, zmq.NOBLOCK], ids=["SNDTIMEO", "NOBLOCK"])
def test_send_without_a_peer(make, call, flags):
    sock = make(zmq.PUSH, sndtimeo=10)
    assert failure(call, sock, flags) == (zmq.Again, zmq.EAGAIN)


def test_recv_waits_for_a_message(ends):
    one, other = ends
    waiting = gevent.spawn(other.recv_multipart)
    gevent.idle()
    assert not waiting.dead
    one.send(b"x")
    assert waiting.get(timeout=GUARD) == [b"x"]


def test_killed_receiver_leaves_the_socket_usable(ends):
    one, other = ends
    waiting = gevent.spawn(other.recv)
    gevent.idle()
    waiting.kill()
    one.send(b"x")
    assert other.recv() == b"x"


def test_gevent_timeout_leaves_the_socket_usable(ends):
    one, other = ends
    with gevent.Timeout(0.01, False):
        other.recv()
    one.send(b"x")
    assert other.recv() == b"x"


# -- recv_into -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "buffer",
    [
        bytearray(8),
        array.array("b", bytes(8)),
        array.array("q", [0]),
        memoryview(bytearray(8)),
    ],
    ids=["bytearray", "array", "numbers", "memoryview"],
)
def test_recv_into_fills_a_buffer(ends, buffer):
    one, other = ends
    one.send(b"12345678")
    assert other.recv_into(buffer) == 8
    assert memoryview(buffer).tobytes() == b"12345678"


def test_recv_into_returns_the_size_of_the_frame(ends):
    one, other = ends
    one.send_multipart([b"123456", b"next"])
    buffer = bytearray(4)
    assert other.recv_into(buffer) == 6
    assert buffer == b"1234" and other.rcvmore == 1
    assert other.recv_into(buffer, nbytes=2) == 4
    assert buffer == b"ne34" and other.rcvmore == 0


def test_recv_into_leaves_the_rest_of_the_buffer(ends):
    one, other = ends
    one.send(b"ab")
    one.send(b"")
    buffer = bytearray(b"....")
    assert other.recv_into(buffer) == 2 and buffer == b"ab.."
    assert other.recv_into(buffer) == 0 and buffer == b"ab.."


@pytest.mark.parametrize(
    "buffer, keywords",
    [
        (bytes(4), {}),
        (memoryview(bytes(4)), {}),
        ("text", {}),
        (None, {}),
        (7, {}),
        (bytearray(4), {"nbytes": -1}),
        (bytearray(4), {"nbytes": 5}),
        (bytearray(4), {"nbytes": "2"}),
        (memoryview(bytearray(8))[::2], {}),
        (bytearray(4), {"nbytes": None}),
    ],
)
def test_recv_into_a_bad_buffer(both, buffer, keywords):
    """recv_into with a bad buffer raises, and the message can still be received."""

    def scenario(side):
        one, other = side.pair()
        one.send(b"kept")
        return failure(other.recv_into, buffer, **keywords), outcome(other.recv, side.zmq.NOBLOCK)

    both(scenario)
