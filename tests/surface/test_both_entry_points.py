"""Proxies, forks and exits work through both entry points: the swapped import and the backend.

Each test runs a program in a process of its own.
"""

from pathlib import Path

import pytest
from programs import interrupt_when_ready, python

PATCH = "from gevent import monkey; monkey.patch_all()\n"


@pytest.fixture(params=["", PATCH], ids=["unpatched", "patched"])
def patch(request):
    return request.param


@pytest.fixture(params=["zmq", "zlinkcompat"], ids=["backend", "swap"])
def program(request, patch):
    """``program(source)`` runs a program and returns its output.

    In ``source``, LIBRARY is replaced by the module of the entry point.
    """
    backend = "zlinkcompat.backend" if request.param == "zmq" else None

    def program(source):
        source = patch + source.replace("LIBRARY", request.param)
        done = python("-W", "error::ResourceWarning", "-c", source, PYZMQ_BACKEND=backend)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout

    return program


def test_steerable_proxy_and_monitored_queue(program):
    """A steerable proxy and then a monitored queue run in threads, on the same two sockets."""
    assert (
        program("""
import sys, threading
import LIBRARY as zmq
from LIBRARY.devices import monitored_queue

context = zmq.Context()
def bound(kind, name):
    sock = context.socket(kind)
    sock.bind(f"inproc://{name}")
    return sock

def connected(kind, name):
    sock = context.socket(kind)
    sock.rcvtimeo = 30_000
    sock.connect(f"inproc://{name}")
    return sock

def ask():
    req.send(b"question")
    rep.send(rep.recv() + b"!")
    print(req.recv())

front, back = bound(zmq.ROUTER, "front"), bound(zmq.DEALER, "back")
control, tell = bound(zmq.REP, "control"), bound(zmq.PAIR, "tell")
req, rep = connected(zmq.REQ, "front"), connected(zmq.REP, "back")
steering, told = connected(zmq.REQ, "control"), connected(zmq.PAIR, "tell")

proxy = threading.Thread(target=zmq.proxy_steerable, args=(front, back, None, control))
proxy.start()
ask()
steering.send(b"STATISTICS")
print([int.from_bytes(each, sys.byteorder) for each in steering.recv_multipart()])
steering.send(b"TERMINATE")
print(steering.recv())
proxy.join(30)
print(proxy.is_alive())

def queue():
    try:
        monitored_queue(front, back, tell, b"to", b"fro")
    except zmq.ContextTerminated:
        print("terminated")
    for sock in (front, back, tell):
        sock.close()

queue = threading.Thread(target=queue)
queue.start()
ask()
for _ in range(2):
    way, _, *frames = told.recv_multipart()
    print(way, frames)
for sock in (control, req, rep, steering, told):
    sock.close()
context.term()
queue.join()
""")
        == """\
b'question!'
[3, 13, 3, 14, 3, 14, 3, 13]
b''
False
b'question!'
b'to' [b'', b'question']
b'fro' [b'', b'question!']
terminated
"""
    )


def test_forked_child_does_not_disturb_its_parent(program):
    assert (
        program("""
import atexit, os, warnings
import LIBRARY as zmq

# Python 3.12 warns of a fork beside I/O threads. The sockets stay open until the exit, which would
# cause ResourceWarnings.
warnings.simplefilter("ignore")
context = zmq.Context.instance()
pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
pull.bind("tcp://127.0.0.1:*")
push.connect(pull.last_endpoint)
push.send(b"before")
print(pull.recv(), flush=True)
# Wait for the child by a pipe. gevent's waitpid() sometimes misses the end of a child, even without
# our package.
end, tell = os.pipe()
if not os.fork():
    try:
        push.send(b"not from here")
    except zmq.ZMQError as error:
        refused = error.errno == zmq.ENOTSOCK
    push.close(), pull.close(), context.term()
    ended = context.closed
    own = zmq.Context.instance()
    one, other = own.socket(zmq.PAIR), own.socket(zmq.PAIR)
    one.bind("inproc://own")
    other.connect("inproc://own")
    one.send(b"own")
    if refused and ended and own is not context:
        os.write(tell, other.recv())
    os._exit(0)
os.close(tell)
print(os.read(end, 9), zmq.Context.instance() is context)
push.send(b"after")
print(pull.recv())

@atexit.register
def at_exit():
    push.send(b"at exit")
    print(pull.recv())

print("end")
""")
        == "b'before'\nb'own' True\nb'after'\nend\nb'at exit'\n"
    )


CHILDREN = """
import multiprocessing, sys
import LIBRARY as zmq

def child(endpoint, closes):
    sock = zmq.Context().socket(zmq.PUSH)
    sock.connect(endpoint)
    sock.send(b"sent")
    if closes:
        sock.close()

if __name__ == "__main__":
    with zmq.Context() as context, context.socket(zmq.PULL) as pull:
        pull.bind("tcp://127.0.0.1:*")
        for method in ("fork", "spawn", "forkserver"):
            for closes in (True, False):
                process = multiprocessing.get_context(method).Process(
                    target=child, args=(pull.last_endpoint, closes))
                process.start()
                print(method, pull.recv())
                process.join()
                assert process.exitcode == 0
"""


@pytest.mark.parametrize("engine", ["hub", "thread"])
@pytest.mark.parametrize("entry_point", ["zmq", "zlinkcompat"])
def test_last_messages_of_a_multiprocessing_child_arrive(entry_point, engine, tmp_path):
    """A multiprocessing child exits with os._exit() without terminating its context.

    Its last messages still arrive.
    """
    (tmp_path / "children.py").write_text(CHILDREN.replace("LIBRARY", entry_point))
    backend = "zlinkcompat.backend" if entry_point == "zmq" else None
    done = python("children.py", cwd=tmp_path, PYZMQ_BACKEND=backend, ZLINK_ENGINE=engine)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "".join(
        2 * f"{method} b'sent'\n" for method in ("fork", "spawn", "forkserver")
    )


@pytest.mark.parametrize("entry_point", ["zmq", "zlinkcompat"])
def test_program_may_exit_after_an_interrupted_term(entry_point, patch, tmp_path):
    """After an interrupted term(), the exit does not wait for an absent peer.

    As in pyzmq, the context counts as closed.
    """
    (tmp_path / "program.py").write_text(
        patch
        + f"""
import {entry_point} as zmq
context = zmq.Context()
sock = context.socket(zmq.PUSH)
sock.connect("tcp://127.0.0.1:1")  # no socket listens on this port
sock.send(b"never delivered")
sock.close()
print("ready", flush=True)
try:
    context.term()
except KeyboardInterrupt:
    context.destroy(linger=0)
    context.term()
    raise SystemExit(5 if context.closed else 6)
"""
    )
    backend = "zlinkcompat.backend" if entry_point == "zmq" else None
    code, errors = interrupt_when_ready("program.py", cwd=tmp_path, PYZMQ_BACKEND=backend)
    assert code == 5, errors


def test_refused_context_leaves_no_trace(program):
    assert (
        program("""
import errno
import LIBRARY as zmq
try:
    zmq.Context(-1)
except zmq.ZMQError as error:
    print(error.errno == errno.EINVAL)
""")
        == "True\n"
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_open_sockets_at_exit(program, host):
    """A program ends although sockets are open and their peer is absent.

    At the exit, no thread can start any more to resolve the peer's name.
    """
    assert (
        program(f"""
import warnings
import LIBRARY as zmq
warnings.simplefilter("ignore")
context = zmq.Context()
sock = context.socket(zmq.PUSH)
sock.connect("tcp://{host}:1")
sock.send(b"never delivered")
print("end")
""")
        == "end\n"
    )


REBIND = (Path(__file__).parent / "processes" / "rebind.py").read_text()


@pytest.mark.parametrize("drop", ["reference", "cycle"])
@pytest.mark.parametrize("transport", ["tcp", "ipc"])
@pytest.mark.parametrize("engine", ["hub", "thread"])
@pytest.mark.parametrize("library", ["zmq", "zlinkcompat"], ids=["backend", "swap"])
def test_address_of_a_dropped_context_is_free(library, engine, transport, drop, tmp_path):
    """The address of a dropped context can be bound again.

    This holds even if other threads compute, so that the I/O thread has to wait for the GIL.
    """
    backend = "zlinkcompat.backend" if library == "zmq" else None
    done = python(
        "-c",
        f"import {library} as zmq\n" + REBIND,
        transport,
        drop,
        tmp_path,
        PYZMQ_BACKEND=backend,
        ZLINK_ENGINE=engine,
    )
    assert (done.stdout, done.stderr) == ("failed 0\n", "")
