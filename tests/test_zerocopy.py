"""Large frames are written directly from the sender's memory."""

import array
import mmap

import pytest
from guard import GUARD
from rawpeer import GREETING_SIZE, LONG, frame, greeting, ready

import zlinkcompat as zmq
from zlinkcompat import debug, tuning

KB = 1024
MB = 1024 * KB

COPIES = ("zerocopy_write_count", "fallback_write_count", "bytes_copied")


def mapped(size):
    memory = mmap.mmap(-1, size)
    memory[:] = b"m" * size
    return memory


KINDS = {
    "bytes": lambda size: b"b" * size,
    "bytearray": lambda size: bytearray(b"a" * size),
    "memoryview": lambda size: memoryview(bytearray(b"v" * (size + 2)))[1:-1],
    "array": lambda size: array.array("d", range(size // 8)),
    "mmap": mapped,
    "numpy": lambda size: pytest.importorskip("numpy").arange(size // 8),
}


@pytest.fixture
def pipeline(make, phases, endpoint_of):
    """``pipeline("tcp")`` returns a PUSH and a PULL that have exchanged a message."""

    def pipeline(transport="tcp", chosen=(), **options):
        push, pull = make(zmq.PUSH, **options), make(zmq.PULL)
        for option, value in chosen:
            push.setsockopt(option, value)
        pull.bind(endpoint_of(transport))
        push.connect(pull.last_endpoint)
        push.send(b"")
        assert pull.recv() == b""
        return push, pull

    return pipeline


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
@pytest.mark.parametrize("kind", KINDS)
def test_zerocopy_large_message(pipeline, phases, transport, kind):
    push, pull = pipeline(transport)
    data = KINDS[kind](MB)
    push.send(data, copy=False)
    assert pull.recv() == bytes(data)
    assert phases.of(push, *COPIES) == (1, 0, 0)
    assert debug.zmq_debug_get_zerocopy_count() >= 1


@pytest.mark.parametrize("kind", ["bytearray", "memoryview", "mmap"])
def test_zerocopy_encoder_buffer_lifetime(bound, raw, phases, kind):
    """Until the last byte is written, the peer sees changes that the user makes to the memory."""
    push = bound(zmq.PUSH, sndbuf=4 * KB)
    peer = raw(push.last_endpoint, rcvbuf=4 * KB)
    peer.handshake(b"PULL")
    size = 8 * MB
    data = KINDS[kind](size)
    tracker = push.send(data, copy=False, track=True)
    data[size - 8 :] = b"sentinel"
    assert not tracker.done
    flags, body = peer.read_frame()
    assert (flags, len(body)) == (0, size) and body[-8:] == b"sentinel"
    tracker.wait(GUARD)
    assert phases.of(push, *COPIES) == (1, 0, 0)
    if kind == "bytearray":
        data.append(0)  # resizing raises BufferError while something references it


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def test_zerocopy_a_buffer_is_let_go_of_before_the_rest_of_its_batch(
    bound, raw, phases, endpoint_of, transport
):
    push = bound(zmq.PUSH, endpoint_of(transport), sndbuf=4 * KB)
    peer = raw(push.last_endpoint, rcvbuf=4 * KB)
    peer.handshake(b"PULL")
    push.send(bytes(8 * MB))  # the messages after this one are batched
    first, second = bytearray(MB), bytearray(8 * MB)
    trackers = [push.send(data, copy=False, track=True) for data in (first, second)]
    for size in (8 * MB, MB):
        assert peer.read_frame() == (0, bytes(size))
    trackers[0].wait(GUARD)
    first.append(0)  # resizing raises BufferError while something references it
    assert not trackers[1].done
    with pytest.raises(BufferError):
        second.append(0)
    peer.read_frame()
    trackers[1].wait(GUARD)
    second.append(0)


def test_zerocopy_fallback_handshake(raw_listener, make, phases):
    """Messages sent during the handshake wait for its end. The handshake's own data are copied."""
    listener = raw_listener()
    push = make(zmq.PUSH)
    push.connect(listener.endpoint)
    push.send(b"x" * MB)
    peer = listener.accept()
    peer.send(greeting())
    peer.read(GREETING_SIZE)
    assert peer.read_ready()[b"Socket-Type"] == b"PUSH"
    assert phases.of(push, "zerocopy_write_count", "messages_out") == (0, 0)
    peer.send(ready(b"PULL"))
    assert peer.read_frame() == (0, b"x" * MB)
    assert phases.of(push, *COPIES) == (1, 0, 0)


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def test_zerocopy_scatter_gather(bound, raw, phases, endpoint_of, transport):
    """One write has small frames, the header and the large body, without joining them in memory."""
    endpoint = endpoint_of(transport)
    push = bound(zmq.PUSH, endpoint)
    peer = raw(push.last_endpoint)
    peer.handshake(b"PULL")
    names = ("write_calls", "scatter_gather_write_count", "bytes_copied")
    push.send(b"first")
    assert peer.read_frame() == (0, b"first")
    before = phases.of(push, *names)
    body = b"x" * 64 * KB
    push.send_multipart([b"small", body, b"end"])
    expected = frame(b"small", 1) + frame(body, 1) + frame(b"end")
    assert expected[7] == LONG | 1  # the large frame has a header of nine bytes
    assert peer.read(len(expected)) == expected
    after = phases.of(push, *names)
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 1, len(b"smallend")]


@pytest.mark.parametrize("by", ["environment", "option"])
@pytest.mark.parametrize("kind", ["bytes", "bytearray"])
def test_zerocopy_feature_flag_off(pipeline, phases, by, kind):
    if by == "environment":
        phases.set(zerocopy_write=0)
        push, pull = pipeline()
    else:
        push, pull = pipeline(chosen=[(tuning.ASIO_ZEROCOPY_WRITE, 0)])
    data = KINDS[kind](MB)
    push.send(data, copy=False)
    assert pull.recv() == bytes(data)
    assert phases.of(push, *COPIES) == (0, 1, MB)
    assert debug.zmq_debug_get_fallback_count() >= 1
    assert debug.zmq_debug_get_bytes_copied() >= MB
