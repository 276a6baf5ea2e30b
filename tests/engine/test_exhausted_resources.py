"""A socket keeps working beside suspended processes, unresolvable names and full disks."""

import errno
import os
import signal
import threading

import gevent
import pytest
from guard import GUARD
from watching import E

import zlinkcompat as zmq
from zlinkcompat.engine import connecter

COUNT = 2000

SENDER = """
context = zmq.Context()
push = context.socket(zmq.PUSH)
push.connect(sys.argv[1])
for number in range(int(sys.argv[2])):
    push.send(b"%d" % number)
sys.stdin.readline()  # wait until the test has suspended this process for the last time
push.close()
context.term()
"""


def test_suspended_sender_continues_where_it_stopped(bound, program):
    pull = bound(zmq.PULL, rcvhwm=10)
    sender = program(SENDER, pull.last_endpoint.decode(), COUNT)
    received = []
    for _ in range(5):
        received += [int(pull.recv()) for _ in range(COUNT // 5 - 1)]
        os.kill(sender.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, sender.pid, os.WSTOPPED | os.WNOWAIT)
        os.kill(sender.pid, signal.SIGCONT)
    received += [int(pull.recv()) for _ in range(5)]
    assert received == list(range(COUNT))
    sender.tell()
    sender.ends()
    assert not pull.poll(20)


def test_hanging_name_lookup_blocks_neither_hub_nor_socket(bound, make, monkeypatch):
    asked, answer = threading.Event(), threading.Event()
    look_up = connecter.getaddrinfo

    def hangs(host, *args):
        def wait():
            asked.set()
            answer.wait(GUARD)

        gevent.get_hub().threadpool.apply(wait)
        return look_up("127.0.0.1", *args)

    monkeypatch.setattr(connecter, "getaddrinfo", hangs)
    pull = bound(zmq.PULL)
    port = pull.last_endpoint.decode().rpartition(":")[2]
    push = make(zmq.PUSH, immediate=1)
    push.connect(f"tcp://a-name-that-hangs:{port}")
    try:
        while not asked.is_set():
            gevent.sleep(0.001)
        push.connect(pull.last_endpoint)
        push.send(b"meanwhile")
        assert pull.recv() == b"meanwhile"
    finally:
        answer.set()
    push.disconnect(pull.last_endpoint)
    push.send(b"by name")
    assert pull.recv() == b"by name"


def test_failed_name_lookup_is_retried(bound, make, monitor, monkeypatch):
    answers = []
    look_up = connecter.getaddrinfo

    def fails_once(host, *args):
        answers.append(host)
        if len(answers) == 1:
            raise OSError(errno.EINVAL, "no such name")
        return look_up("127.0.0.1", *args)

    monkeypatch.setattr(connecter, "getaddrinfo", fails_once)
    pull = bound(zmq.PULL)
    port = pull.last_endpoint.decode().rpartition(":")[2]
    push = make(zmq.PUSH, reconnect_ivl=1)
    push.connect(f"tcp://a-name:{port}")
    push.send(b"x")
    assert pull.recv() == b"x" and answers == ["a-name", "a-name"]


def test_ipc_bind_on_a_full_disk_fails(make, bound, tmp_path):
    full = tmp_path / "full"
    full.mkdir()
    code = os.system(f"mount -t tmpfs -o size=4k,nr_inodes=1 none {full} 2>/dev/null")
    if code:
        pytest.skip("mounting is not permitted")
    try:
        sock = make(zmq.PULL)
        with pytest.raises(zmq.ZMQError) as caught:
            sock.bind(f"ipc://{full}/x")
        assert caught.value.errno == errno.ENOSPC
        assert str(full) in str(caught.value)
        sock.bind("tcp://127.0.0.1:*")
        push = make(zmq.PUSH)
        push.connect(sock.last_endpoint)
        push.send(b"goes on")
        assert sock.recv() == b"goes on"
    finally:
        os.system(f"umount -l {full}")


def test_ipc_bind_in_a_missing_directory_fails(make, tmp_path):
    (tmp_path / "file").touch()
    sock = make(zmq.PULL)
    for place, reason in (("missing", errno.ENOENT), ("file", errno.ENOTDIR)):
        path = tmp_path / place / "x"
        with pytest.raises(zmq.ZMQError) as caught:
            sock.bind(f"ipc://{path}")
        assert caught.value.errno == reason
        assert os.strerror(reason) in str(caught.value) and str(path) in str(caught.value)
    sock.bind(f"ipc://{tmp_path}/x")
    push = make(zmq.PUSH)
    push.connect(sock.last_endpoint)
    push.send(b"goes on")
    assert sock.recv() == b"goes on"


def test_ipc_bind_in_a_read_only_directory_fails(make, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir()
    if os.geteuid() == 0:
        # Permissions do not restrict root, so use a read-only file system.
        reason = errno.EROFS
        if os.system(f"mount -t tmpfs -o ro none {locked} 2>/dev/null"):
            pytest.skip("mounting is not permitted")
    else:
        reason = errno.EACCES
        locked.chmod(0o555)
    try:
        sock = make(zmq.PULL)
        with pytest.raises(zmq.ZMQError) as caught:
            sock.bind(f"ipc://{locked}/x")
        assert caught.value.errno == reason
        assert os.strerror(reason) in str(caught.value) and str(locked) in str(caught.value)
        sock.bind(f"ipc://{tmp_path}/x")
    finally:
        if os.geteuid() == 0:
            os.system(f"umount -l {locked}")


def test_ipc_connect_waits_for_a_missing_directory(make, monitor, tmp_path):
    path = tmp_path / "later" / "x"
    push = make(zmq.PUSH, reconnect_ivl=1)
    events = monitor(push, E.CONNECT_RETRIED)
    push.connect(f"ipc://{path}")
    push.send(b"in the end")
    events.next()
    path.parent.mkdir()
    pull = make(zmq.PULL)
    pull.bind(f"ipc://{path}")
    assert pull.recv() == b"in the end"


SERVER = """
import resource
context = zmq.Context()
pull = context.socket(zmq.PULL)
pull.rcvtimeo = 30_000
pull.bind("tcp://127.0.0.1:*")
say(pull.last_endpoint.decode())
say(pull.recv().decode())
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (48 << 20), resource.RLIM_INFINITY))
say("short")
say(pull.recv().decode())
"""


def test_out_of_memory_message_ends_only_its_connection(program, make, raw):
    server = program(SERVER)
    endpoint = server.line()
    push = make(zmq.PUSH)
    push.connect(endpoint)
    push.send(b"before")
    assert server.line() == "before" and server.line() == "short"
    big = raw(endpoint)
    big.handshake(b"PUSH")
    with pytest.raises(OSError):
        big.send(b"\2" + (1 << 28).to_bytes(8, "big"))
        for _ in range(256):
            big.send(bytes(1 << 20))
    push.send(b"after")
    assert server.line() == "after"
    server.ends()


@pytest.mark.parametrize("engine", ["hub", "thread"])
def test_close_and_term_do_not_wait_for_a_name_lookup(engine, program):
    assert (
        program(
            """
import threading
from zlinkcompat.engine import connecter
asked, answer = threading.Event(), threading.Event()
def hangs():
    asked.set()
    answer.wait()
connecter.getaddrinfo = lambda *args: gevent.get_hub().threadpool.apply(hangs)
context = zmq.Context()
push = context.socket(zmq.PUSH)
push.connect("tcp://a-name-that-hangs:1")
push.send(b"x")
while not asked.is_set():
    gevent.sleep(0.001)
push.close(linger=0)
context.term()
say("ended", asked.is_set(), answer.is_set())
answer.set()
""",
            engine=engine,
        ).ends()
        == "ended True False\n"
    )
