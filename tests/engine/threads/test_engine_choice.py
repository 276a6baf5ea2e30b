"""A context gets the right engine and the right number of I/O threads."""

import pytest
from threaded import HELPERS


@pytest.mark.parametrize("patch", [False, True], ids=["plain", "patched"])
@pytest.mark.parametrize("engine", ["hub", "thread", "auto", None])
def test_engine_by_environment(engine, patch, program):
    source = """
context = zmq.Context()
a, b = pair(context, zmq.REP, zmq.REQ)
def serve():
    for _ in range(100):
        a.send(a.recv())
server = gevent.spawn(serve) if sys.argv[1] == "hub" else start(serve)
for number in range(100):
    b.send(b"%d" % number)
    assert b.recv() == b"%d" % number
server.join()
from gevent._hub_local import get_hub_if_exists
say(context.core.io_threads is not None, get_hub_if_exists() is not None)
context.destroy()
"""
    threads = engine == "thread" or (engine in ("auto", None) and not patch)
    one = program(HELPERS + source, "thread" if threads else "hub", patch=patch, engine=engine)
    # Without monkey-patching, no thread of the program gets a hub.
    assert one.ends() == f"{threads} {patch or not threads}\n"


def test_green_always_uses_the_hub(threaded):
    assert (
        threaded("""
import zlinkcompat.green
say(zlinkcompat.green.Context().core.io_threads)
""").ends()
        == "None\n"
    )


def test_unknown_engine_is_refused(program):
    assert (
        "turbo"
        in program(
            """
try:
    zmq.Context()
except ValueError as error:
    say(error)
""",
            engine="turbo",
        ).ends()
    )


def test_no_io_threads(threaded):
    assert (
        threaded("""
context = zmq.Context(io_threads=0)
a, b = pair(context, zmq.PAIR, zmq.PAIR, "inproc://a")
b.send(b"x")
say(a.recv())
try:
    a.bind("tcp://127.0.0.1:*")
except zmq.ZMQError as error:
    say(error.errno == zmq.EMTHREAD)
context.destroy()
""").ends()
        == "b'x'\nTrue\n"
    )


def test_affinity(threaded):
    assert (
        threaded("""
context = zmq.Context(io_threads=3)
sock = context.socket(zmq.PUSH)
for number in (0, 2, 2):
    sock.affinity = 1 << number
    sock.connect("tcp://127.0.0.1:1")
    sock.connect("ipc:///nowhere%d" % number)
say([len(thread.loop.owned) for thread in context.core.io_threads.threads])
sock.affinity = 8
try:
    sock.connect("tcp://127.0.0.1:2")
except zmq.ZMQError as error:
    say(error.errno == zmq.EMTHREAD)
context.destroy(linger=0)
""").ends()
        == "[2, 0, 4]\nTrue\n"
    )
