"""A socket recovers from every error of a connection.

However a connection ends, pinned buffers are released, no partly written message is sent again, and
the socket continues with its next connection.
"""

import gc
import sys
import weakref

import gevent
import pytest
from guard import GUARD
from tracing import traced
from watching import E

import zlinkcompat as zmq

KB = 1024
MB = 1024 * KB


class Buffer(bytearray):
    """A bytearray that supports weak references."""


@pytest.fixture(params=["tcp", "ipc"])
def dialled(request, make, raw_listener, tmp_path, phases):
    """``dialled()`` returns a PUSH, its listener and its raw peer, with the handshake done."""

    def dialled(**options):
        listener = raw_listener(
            {"tcp": "tcp://127.0.0.1:0", "ipc": f"ipc://{tmp_path}/x"}[request.param]
        )
        push = make(zmq.PUSH, sndbuf=64 * KB, reconnect_ivl=1, **options)
        push.connect(listener.endpoint)
        return push, listener, answered(listener)

    return dialled


def answered(listener):
    peer = listener.accept()
    peer.handshake(b"PULL")
    return peer


def is_free(buffer):
    """Return whether nothing references the memory of ``buffer``.

    Resizing it raises BufferError while something does.
    """
    try:
        buffer.append(0)
    except BufferError:
        return False
    buffer.pop()
    return True


def half_written(push, peer):
    """Send a message of which the transport accepts only a part."""
    buffer = Buffer(bytes(8 * MB))
    tracker = push.send(buffer, copy=False, track=True)
    peer.read(100 * KB)
    assert not tracker.done and not is_free(buffer)
    return buffer, tracker


def let_go(buffer, tracker):
    tracker.wait(GUARD)
    assert is_free(buffer)


def test_error_econnreset(dialled, monitor):
    """After a reset, the partly written message is dropped, and the next goes to the next peer."""
    push, listener, peer = dialled()
    events = monitor(push)
    buffer, tracker = half_written(push, peer)
    push.send(b"next")
    peer.reset()
    events.wait_for(E.DISCONNECTED)
    let_go(buffer, tracker)
    assert answered(listener).read_frame() == (0, b"next")


def test_error_epipe(dialled, monitor):
    """A socket that writes to a peer that has closed goes on with the next peer."""
    push, listener, peer = dialled()
    events = monitor(push)
    push.send(b"first")
    assert peer.read_frame() == (0, b"first")
    peer.close()
    sent = [bytearray(b"%d" % number * 20_000) for number in range(3)]
    trackers = [push.send(each, copy=False, track=True) for each in sent]
    events.wait_for(E.DISCONNECTED)
    push.send(b"last")
    # Some messages may have been written to the closed peer and are lost. The next peer receives
    # the remaining messages whole.
    heard = answered(listener).read_frame()
    assert heard in [(0, bytes(each)) for each in (*sent, b"last")]
    for each, tracker in zip(sent, trackers, strict=True):
        let_go(each, tracker)


def give_up(push, buffer, how):
    """Send ``buffer``, for which there is no room, and cancel the send in the way ``how``."""
    if how == "kill":
        sender = gevent.spawn(push.send, buffer, copy=False)
        gevent.idle()
        sender.kill()
    elif how == "timeout":
        with gevent.Timeout(0.02, False):
            push.send(buffer, copy=False)
    else:
        push.sndtimeo = 20
        with pytest.raises(zmq.Again):
            push.send(buffer, copy=False)
        push.sndtimeo = GUARD * 1000


@pytest.mark.parametrize("how", ["kill", "timeout", "SNDTIMEO"])
def test_error_cancellation(dialled, how):
    """A cancelled send sends nothing and does not keep its buffer."""
    push, _, peer = dialled(sndhwm=1)
    accepted = Buffer(b"a" * 8 * MB)
    push.send(accepted, copy=False)
    buffer = Buffer(b"b" * MB)
    give_up(push, buffer, how)
    # On the pure-Python build, the exception references its frames and so the buffer, and gevent
    # keeps the exception. So run the hub and the garbage collector.
    gevent.idle()
    gc.collect()
    assert is_free(buffer)
    assert peer.read_frame() == (0, accepted)
    push.send(b"next")
    assert peer.read_frame() == (0, b"next")


ENDS = {
    "written": lambda push, peer: peer.read(9 + 8 * MB - 100 * KB),
    "reset": lambda push, peer: peer.reset(),
    "closed by the peer": lambda push, peer: peer.close(),
    "closed by us": lambda push, peer: push.close(linger=0),
    "disconnected": lambda push, peer: push.disconnect(push.last_endpoint),
}


@pytest.mark.parametrize("end", ENDS)
def test_error_no_leak(dialled, end):
    """However a connection ended, nothing references its buffers or frames afterwards."""
    push, listener, peer = dialled(linger=0)
    watched = []
    for _ in range(3):
        buffer, tracker = half_written(push, peer)
        watched.append(weakref.ref(buffer))
        ENDS[end](push, peer)
        let_go(buffer, tracker)
        del buffer, tracker
        if end not in ("reset", "closed by the peer"):
            break
        peer = answered(listener)
    gc.collect()
    assert [each() for each in watched] == [None] * len(watched)


def test_error_no_double_free(dialled, monitor):
    """If many messages share one object, a reset releases it exactly once for each message."""
    push, listener, peer = dialled(sndhwm=0)
    events = monitor(push)
    body = b"x" * 100 * KB
    before = sys.getrefcount(body)
    for _ in range(50):
        push.send(body, copy=False)
        push.send_multipart([body, b"small", body], copy=False)
    peer.read(300 * KB)
    peer.reset()
    events.wait_for(E.DISCONNECTED)
    peer = answered(listener)
    heard = 0
    push.send(b"end")
    while (parts := peer.read_message()) != [b"end"]:
        assert parts in ([body], [body, b"small", body])
        heard += 1
    assert 0 < heard < 100
    del parts
    push.close(linger=0)
    gc.collect()
    assert sys.getrefcount(body) == before


# -- errors that no peer can cause ---------------------------------------------------------


INJECTED = """
    import zlinkcompat as zmq
    with zmq.Context() as context, context.socket(zmq.PUSH) as push, \\
            context.socket(zmq.PULL) as pull:
        push.reconnect_ivl = 1
        push.sndtimeo = pull.rcvtimeo = 30_000
        pull.bind("tcp://127.0.0.1:*")
        push.connect(pull.last_endpoint)
        heard = []
        for number in range(100):
            push.send_multipart([b"%d" % number, b"x" * 20_000 * (number % 3)])
            if number % 10 == 9:
                while pull.poll(5):
                    heard.append(pull.recv_multipart())
        push.send(b"end")
        while (parts := pull.recv_multipart()) != [b"end"]:
            heard.append(parts)
        assert all(len(body) == 20_000 * (int(number) % 3) for number, body in heard)
        print(*(int(number) for number, _ in heard))
"""


def numbers_with(rule):
    """Run a program under strace, which makes some system calls fail; return what arrives."""
    out = traced(INJECTED, f"--inject={rule}")
    return list(map(int, out.split()))


@pytest.mark.parametrize("error", ["EINTR", "EAGAIN"])
def test_error_that_passes(error):
    """A system call that fails temporarily is repeated, and everything arrives in order."""
    numbers = numbers_with(f"sendmsg,sendto,recvmsg,recvfrom:error={error}:when=7+5")
    assert numbers == list(range(100))


@pytest.mark.parametrize("error", ["ETIMEDOUT", "ECONNRESET", "EPIPE"])
def test_error_that_ends_a_connection(error):
    """An error ends the connection. Unsent messages use the next one; nothing arrives twice."""
    numbers = numbers_with(f"sendmsg,sendto:error={error}:when=20+20")
    assert numbers == sorted(set(numbers)) and len(numbers) > 50
