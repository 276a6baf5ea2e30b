"""How much memory a large message takes, and peers that send nothing or do not read."""

import pytest
from rawpeer import RawPeer, frame

import zlinkcompat as zmq

MB = 1 << 20
SIZE = 512 * MB

SENDER = """
import resource
def peak():  # KiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with zmq.Context() as context, context.socket(zmq.PUSH) as push:
    push.sndtimeo = 30_000
    push.connect(sys.argv[1])
    message = {make}
    push.send(b"small")
    before = peak()
    tracker = push.send(message, copy={copy}, track=True)
    {wait}
    push.send(b"end")
    say(peak() - before)
"""


@pytest.mark.parametrize(
    "make, copy, wait",
    [
        (f"bytes({SIZE})", True, ""),
        (f"bytearray({SIZE})", False, "tracker.wait(30)"),
    ],
    ids=["bytes", "bytearray-no-copy"],
)
def test_sending_a_large_message_takes_no_extra_memory(raw_listener, program, make, copy, wait):
    listener = raw_listener()
    sender = program(SENDER.format(make=make, copy=copy, wait=wait), listener.endpoint)
    peer = listener.accept()
    peer.handshake(b"PULL")
    assert peer.read_frame() == (0, b"small")
    assert peer.read(9) == frame(b"x" * 256)[:1] + SIZE.to_bytes(8, "big")
    for _ in range(SIZE // MB):
        assert len(peer.read(MB)) == MB
    assert peer.read_frame() == (0, b"end")
    # bytes(SIZE) itself takes no memory: its pages were never written, and the kernel's reading
    # does not allocate them either.
    assert int(sender.line()) < 5 * 1024


RECEIVER = """
import resource
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with zmq.Context() as context, context.socket(zmq.PULL) as pull:
    pull.rcvtimeo = 30_000
    pull.bind("tcp://127.0.0.1:*")
    say(pull.last_endpoint.decode())
    pull.recv()
    before = peak()
    length = len(pull.recv())
    say(length, peak() - before)
"""


def test_receiving_a_large_message_takes_little_extra_memory(program, make):
    """The body is read directly into the object that the user gets.

    That object grows in place, since the allocator remaps large blocks.
    """
    receiver = program(RECEIVER)
    push = make(zmq.PUSH)
    push.connect(receiver.line())
    push.send(b"small")
    push.send(bytes(SIZE), copy=False)
    length, more = map(int, receiver.line().split())
    assert length == SIZE
    assert more < (SIZE + 5 * MB) // 1024 * (1 if zmq_is_compiled() else 2)


def zmq_is_compiled():
    from zlinkcompat.debug import build_info

    return build_info()["compiled"] is True


IDLE = """
import tracemalloc
context = zmq.Context()
router = context.socket(zmq.ROUTER)
monitor = router.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
monitor.rcvtimeo = 30_000
router.bind("tcp://127.0.0.1:*")
say(router.last_endpoint.decode())
monitor.recv_multipart()  # from now on, memory that all connections share is allocated
tracemalloc.start()
for _ in range(100):
    monitor.recv_multipart()
while router.poll(0):  # receive the messages that were read together with the handshakes
    router.recv_multipart()
say(tracemalloc.get_traced_memory()[0] // 100)
"""


def test_idle_connection_holds_no_buffer(program):
    server = program(IDLE)
    endpoint = server.line().strip()
    peers = []
    try:
        for _ in range(101):
            peers.append(RawPeer.connect(endpoint))
            peers[-1].handshake(b"DEALER")
        # A read buffer has 128 KiB, and up to 32 buffers are kept for all peers together, which is
        # 41 KiB for each of 100. The rest is room for what else a connection holds.
        assert int(server.line()) < 60 * 1024
    finally:
        for peer in peers:
            peer.close()


SILENT = """
import tracemalloc
context = zmq.Context()
router = context.socket(zmq.ROUTER)
router.bind("tcp://127.0.0.1:*")
say(router.last_endpoint.decode())
while True:
    gevent.get_hub().threadpool.apply(sys.stdin.readline)
    tracemalloc.start()
    say(tracemalloc.get_traced_memory()[0] // 100)
"""


def test_silent_peer_holds_no_buffer(program):
    """While a peer sends nothing, its read buffer is free for other peers."""
    server = program(SILENT)
    endpoint = server.line().strip()
    server.tell()  # no peer is connected
    assert int(server.line()) == 0
    peers = []
    try:
        for _ in range(100):
            peers.append(RawPeer.connect(endpoint))
            # the greeting arrives once the program has tried to read and found nothing
            assert peers[-1].read(10)[0] == 0xFF
        server.tell()
        assert int(server.line()) < 60 * 1024  # 41 KiB as above, and what else a connection holds
    finally:
        for peer in peers:
            peer.close()
