"""If a program ends without closing anything, its messages arrive and its exit never hangs."""

import pytest
from guard import GUARD

import zlinkcompat as zmq

BODY = bytes(range(256)) * (5 << 12)  # 5 MB

PATCHED = pytest.mark.parametrize("patch", [False, True], ids=["plain", "patched"])

#: Creates a PUSH and waits until its peer is connected.
CONNECTED = """
context = zmq.Context()
sock = context.socket(zmq.PUSH)
monitor = sock.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
sock.connect(sys.argv[1])
monitor.recv_multipart()
"""


@PATCHED
@pytest.mark.parametrize("way, code", [
    ("pass", 0), ("sys.exit(3)", 3), ("raise SystemExit('')", 1),
    ("gevent.spawn(sys.exit, 4).join()", 4),
], ids=["end", "exit", "raise", "greenlet"])  # fmt: skip
def test_small_messages_arrive_after_exit(way, code, patch, bound, program):
    sink = bound(zmq.PULL)
    source = (
        CONNECTED
        + f"""
for number in range(500):
    sock.send(b"%d" % number)
{way}
"""
    )
    one = program(source, sink.last_endpoint.decode(), patch=patch)
    assert [sink.recv() for _ in range(500)] == [b"%d" % number for number in range(500)]
    if code == 1:
        assert one.process.wait(timeout=GUARD) == 1
    else:
        one.ends(code)


@PATCHED
def test_large_messages_arrive_after_exit(patch, bound, program):
    sink = bound(zmq.PULL)
    source = (
        CONNECTED
        + """
body = bytes(range(256)) * (5 << 12)
for number in range(4):
    sock.send_multipart([b"%d" % number, body])
"""
    )
    one = program(source, sink.last_endpoint.decode(), patch=patch)
    for number in range(4):
        assert sink.recv_multipart() == [b"%d" % number, BODY]
    one.ends()


def test_messages_to_accepted_peers_arrive_after_exit(make, program):
    one = program("""
        context = zmq.Context.instance()
        sock = context.socket(zmq.ROUTER)
        sock.bind("tcp://127.0.0.1:*")
        say(sock.last_endpoint.decode())
        for _ in range(2):
            name, _ = sock.recv_multipart()
            sock.send_multipart([name, b"x" * 1000000])
            sock.send_multipart([name, b"bye"])
    """)  # fmt: skip
    endpoint = one.line()
    for _ in range(2):
        peer = make(zmq.DEALER)
        peer.connect(endpoint)
        peer.send(b"here")
        assert [peer.recv(), peer.recv()] == [b"x" * 1000000, b"bye"]
    one.ends()


def test_messages_of_a_dropped_socket_arrive_after_exit(bound, program):
    """Messages arrive whether their socket was closed with LINGER or collected at the exit."""
    sink = bound(zmq.PULL)
    source = (
        CONNECTED
        + """
sock.send(b"x" * 3000000)
sock.send(b"last")
sock.close()
del sock, context
"""
    )
    one = program(source, sink.last_endpoint.decode())
    assert [sink.recv(), sink.recv()] == [b"x" * 3000000, b"last"]
    one.ends()


def test_exit_does_not_wait_without_linger(bound, raw_listener, program):
    listener = raw_listener()
    source = (
        CONNECTED
        + """
sock.linger = 0
for _ in range(10):
    sock.send(b"x" * 3000000)
"""
    )
    one = program(source, listener.endpoint)
    peer = listener.accept()
    peer.handshake(b"PULL")
    one.ends()
    assert len(peer.read_to_end()) < 30000000


@PATCHED
def test_exit_waits_at_most_a_second_for_a_stuck_peer(patch, raw_listener, program):
    listener = raw_listener()
    source = (
        CONNECTED
        + """
for _ in range(10):
    sock.send(b"x" * 3000000)
"""
    )
    one = program(source, listener.endpoint, patch=patch)
    listener.accept().handshake(b"PULL")
    one.ends()


@pytest.mark.parametrize("linger", [-1, 60000])
def test_exit_does_not_wait_for_absent_peers(linger, raw_listener, program):
    """The exit does not wait, as in pyzmq. A program that wants to wait calls term()."""
    refusing = raw_listener(listens=False)
    mute = raw_listener()
    one = program("""
        from zlinkcompat.core import context as core
        core.EXIT_FLUSH = 3600  # seconds: an exit that waited would exceed the test's timeout
        context = zmq.Context()
        for endpoint in sys.argv[2:]:
            sock = context.socket(zmq.PUSH)
            sock.linger = int(sys.argv[1])
            sock.connect(endpoint)
            sock.send(b"for nobody")
            say("sent")
        gevent.sleep(0.01)
    """, linger, refusing.endpoint, mute.endpoint)  # fmt: skip
    one.line(), one.line()
    one.ends()


@PATCHED
@pytest.mark.parametrize("call", [
    "sock.recv()", "sock.poll()", "other.send(b'x')", "sock.recv_multipart(copy=False)",
    "zmq.select([sock], [], [])", "zmq.proxy(sock, other)",
])  # fmt: skip
def test_waiting_greenlets_do_not_delay_the_exit(call, patch, program):
    one = program(f"""
        context = zmq.Context()
        sock = context.socket(zmq.DEALER)
        sock.bind("tcp://127.0.0.1:*")
        other = context.socket(zmq.DEALER)
        other.bind("tcp://127.0.0.1:*")
        waiting = gevent.spawn(lambda: {call})
        gevent.sleep(0.01)
        assert not waiting.ready()
    """, patch=patch)  # fmt: skip
    one.ends()


def test_waiting_thread_does_not_delay_the_exit(program):
    one = program("""
        import threading
        def receive():
            sock = zmq.Context().socket(zmq.PULL)
            sock.bind("tcp://127.0.0.1:*")
            waiting.set()
            sock.recv()
        waiting = threading.Event()
        threading.Thread(target=receive, daemon=True).start()
        waiting.wait()
    """)  # fmt: skip
    one.ends()


def test_exception_is_reported_and_ends_the_program(bound, program):
    sink = bound(zmq.PULL)
    source = (
        CONNECTED
        + """
sock.send(b"last words")
raise ZeroDivisionError("told")
"""
    )
    one = program(source, sink.last_endpoint.decode())
    assert sink.recv() == b"last words"
    assert one.process.wait(timeout=GUARD) == 1
    errors = one.process.stderr.read().decode()
    assert errors.count("Traceback") == 1 and "ZeroDivisionError: told" in errors


@PATCHED
def test_context_managers_wait_for_delivery(patch, bound, program):
    sink = bound(zmq.PULL)
    one = program("""
        with zmq.Context() as context, context.socket(zmq.PUSH) as sock:
            sock.connect(sys.argv[1])
            for number in range(100):
                sock.send(b"%d" % number)
    """, sink.last_endpoint.decode(), patch=patch)  # fmt: skip
    assert [sink.recv() for _ in range(100)] == [b"%d" % number for number in range(100)]
    one.ends()


def test_ipc_file_is_gone_after_an_orderly_exit(tmp_path, program):
    path = tmp_path / "socket"
    one = program("""
        with zmq.Context() as context, context.socket(zmq.PULL) as sock:
            sock.bind("ipc://" + sys.argv[1])
            say(os.path.exists(sys.argv[1]))
    """, path)  # fmt: skip
    assert one.ends() == "True\n"
    assert not path.exists()
