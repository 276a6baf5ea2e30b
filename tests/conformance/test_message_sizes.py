"""Messages arrive unchanged, whatever their size, their number of parts and the form of send."""

import array

import pytest
from meeting import hear

import zlinkcompat as zmq

MIB = 1 << 20
#: Sizes around the limit of short frames on the wire (255), and the copy threshold (8192).
SIZES = [0, 1, 255, 256, 8191, 8192, 65536, 5 * MIB]
PATTERN = bytes(range(256)) * (5 * MIB // 256)

sizes = pytest.mark.parametrize("size", SIZES)
copies = pytest.mark.parametrize("copy", [True, False], ids=["copy", "no copy"])


def body(size):
    """Return bytes that differ at any two nearby offsets."""
    return PATTERN[:size]


@sizes
@copies
def test_sizes(connected_pair, size, copy):
    push, pull = connected_pair(zmq.PUSH, zmq.PULL)
    push.send(body(size), copy=copy)
    push.send(b"next")
    assert pull.recv() == body(size)
    assert pull.recv() == b"next"


@sizes
def test_sizes_received_as_frames(connected_pair, size):
    push, pull = connected_pair(zmq.PUSH, zmq.PULL)
    push.send(body(size))
    frame = pull.recv(copy=False)
    assert len(frame) == size
    assert frame.bytes == body(size)
    assert frame.buffer == body(size)


@sizes
def test_sizes_there_and_back(connected_pair, size):
    rep, req = connected_pair(zmq.REP, zmq.REQ)
    for _ in range(2):
        req.send(body(size))
        rep.send(rep.recv(copy=False), copy=False)
        assert req.recv() == body(size)


@sizes
@pytest.mark.parametrize("kind", [bytearray, memoryview, zmq.Frame])
@copies
def test_sizes_of_other_buffers(connected_pair, size, kind, copy):
    push, pull = connected_pair(zmq.PUSH, zmq.PULL)
    push.send(kind(body(size)), copy=copy)
    assert pull.recv() == body(size)


@copies
def test_buffers_of_other_items(connected_pair, copy):
    push, pull = connected_pair(zmq.PUSH, zmq.PULL)
    numbers = array.array("i", range(10000))
    push.send(numbers, copy=copy)
    assert pull.recv() == numbers.tobytes()


@pytest.mark.parametrize("count", [1, 2, 100])
@pytest.mark.parametrize("size", [0, 1, 255, 256, 8192, 65536])
@copies
def test_numbers_of_parts(connected_pair, count, size, copy):
    push, pull = connected_pair(zmq.PUSH, zmq.PULL)
    parts = [b"%d" % number + body(size) if size else b"" for number in range(count)]
    push.send_multipart(parts, copy=copy)
    push.send(b"next")
    assert pull.recv_multipart() == parts
    assert pull.recv_multipart() == [b"next"]


@copies
def test_parts_of_all_sizes(connected_pair, copy):
    push, pull = connected_pair(zmq.PUSH, zmq.PULL)
    parts = [body(size) for size in SIZES + SIZES[::-1]]
    push.send_multipart(parts, copy=copy)
    assert pull.recv_multipart() == parts
    push.send_multipart(parts, copy=copy)
    assert [frame.bytes for frame in pull.recv_multipart(copy=False)] == parts


def test_sizes_one_after_the_other(connected_pair):
    push, pull = connected_pair(zmq.PUSH, zmq.PULL)
    messages = [body(size + extra) for size in SIZES[:-1] for extra in range(3)] * 3
    for message in messages:
        push.send(message)
    assert [pull.recv() for _ in messages] == messages


def test_sizes_queued_before_the_peer_connects(make, endpoints):
    push, pull = make(zmq.PUSH), make(zmq.PULL)
    endpoint = endpoints.fixed()
    push.connect(endpoint)
    for size in SIZES:
        push.send_multipart([body(size), b"%d" % size])
    pull.bind(endpoint)
    assert [pull.recv_multipart() for _ in SIZES] == [[body(size), b"%d" % size] for size in SIZES]


@sizes
def test_subscribers_all_get_the_same(bound, connected, size):
    pub = bound(zmq.XPUB)
    subs = [connected(zmq.SUB, pub) for _ in range(3)]
    for number, sub in enumerate(subs):
        sub.subscribe(b"all")
        sub.subscribe(b"%d" % number)
    hear(pub, b"\1all", b"\0010", b"\0011", b"\0012")
    pub.send_multipart([b"all", body(size)])
    for sub in subs:
        assert sub.recv_multipart() == [b"all", body(size)]
