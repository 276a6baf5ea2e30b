"""Timeouts keep their length while the wall clock is set far forward and far back.

A small preloaded library (``clockstep.c``) changes the clock that one process sees. Setting the
clock of the machine would affect all other processes.
"""

import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from guard import GUARD

COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")

pytestmark = [
    pytest.mark.skipif(
        not sys.platform.startswith("linux") or struct.calcsize("P") < 8,
        reason="clockstep.c is for 64-bit Linux",
    ),
    pytest.mark.skipif(COMPILER is None, reason="no C compiler"),
]

IVL_MS = 60

PROGRAM = """
import ctypes, threading

IVL_MS = int(sys.argv[3])
step = ctypes.c_long.in_dll(ctypes.CDLL(None), "clock_step")
FAR = 10**8
began = time.time()
step.value = FAR
assert time.time() - began >= FAR - 1


def set_it_again_and_again():
    while True:
        for step.value in (0, -FAR, 0, FAR):
            time.sleep(0.002)


threading.Thread(target=set_it_again_and_again, daemon=True).start()


def took(name, call):
    began = time.monotonic()
    call()
    say(name, time.monotonic() - began)


def fails(call, *args):
    try:
        call(*args)
    except zmq.Again:
        return
    raise AssertionError("it did not wait in vain")


def connected_until(sock, endpoint, event, count=1):
    monitor = sock.get_monitor_socket(event)
    sock.connect(endpoint)
    for _ in range(count):
        monitor.recv_multipart()


context = zmq.Context()
pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
pull.rcvtimeo = push.sndtimeo = IVL_MS
pull.bind("tcp://127.0.0.1:*")
took("RCVTIMEO", lambda: fails(pull.recv))
took("poll", lambda: pull.poll(IVL_MS))
took("SNDTIMEO", lambda: fails(push.send, b"x"))

# Peers that answer heartbeats stay connected.
server, client = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
server.bind("tcp://127.0.0.1:*")
client.heartbeat_ivl, client.heartbeat_timeout = 5, 20_000
alive = client.get_monitor_socket(zmq.EVENT_DISCONNECTED)
client.connect(server.last_endpoint.decode())
client.send(b"x")
server.recv()
took("no disconnection", lambda: alive.poll(IVL_MS))
assert not alive.poll(0)

dealer = context.socket(zmq.DEALER)
dealer.heartbeat_ivl, dealer.heartbeat_timeout, dealer.reconnect_ivl = 10, IVL_MS, -1
took("HEARTBEAT_TIMEOUT",
     lambda: connected_until(dealer, sys.argv[1], zmq.EVENT_DISCONNECTED))

other = context.socket(zmq.DEALER)
other.handshake_ivl, other.reconnect_ivl = IVL_MS, -1
took("HANDSHAKE_IVL",
     lambda: connected_until(other, sys.argv[1], zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL))

retrying = context.socket(zmq.PUSH)
retrying.reconnect_ivl = IVL_MS
took("RECONNECT_IVL",
     lambda: connected_until(retrying, sys.argv[2], zmq.EVENT_CONNECT_RETRIED, 2))
context.destroy(linger=0)

context = zmq.Context()
push = context.socket(zmq.PUSH)
push.linger = IVL_MS
push.connect(sys.argv[2])
push.send(b"x")
took("LINGER", lambda: (push.close(), context.term()))
"""


@pytest.fixture(scope="module")
def clockstep(tmp_path_factory):
    """Compile ``clockstep.c``, and return the path of the library."""
    library = tmp_path_factory.mktemp("clockstep") / "clockstep.so"
    source = Path(__file__).with_name("clockstep.c")
    subprocess.run([COMPILER, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return str(library)


@pytest.mark.parametrize("engine", ["hub", "thread"])
def test_timeouts_ignore_clock_steps(engine, clockstep, program, raw_listener, monkeypatch):
    silent, refusing = raw_listener(), raw_listener(listens=False)
    monkeypatch.setenv("LD_PRELOAD", clockstep)
    one = program(PROGRAM, silent.endpoint, refusing.endpoint, IVL_MS, engine=engine)
    monkeypatch.delenv("LD_PRELOAD")
    names = [
        "RCVTIMEO",
        "poll",
        "SNDTIMEO",
        "no disconnection",
        "HEARTBEAT_TIMEOUT",
        "HANDSHAKE_IVL",
        "RECONNECT_IVL",
        "LINGER",
    ]
    for name in names:
        if name == "HEARTBEAT_TIMEOUT":
            silent.accept().handshake(b"DEALER")
        told, _, seconds = one.line().rpartition(" ")
        assert told == name
        # A timeout may be a fifth shorter, since the event loop reads the clock only once in each
        # iteration. The steps of the clock are years.
        assert IVL_MS / 1250 <= float(seconds) < GUARD, name
    one.ends()
