"""Proxies, forks and exits, by the swapped import and by the backend, in own processes."""

import pytest
from programs import python

PATCH = "from gevent import monkey; monkey.patch_all()\n"


@pytest.fixture(params=["", PATCH], ids=["unpatched", "patched"])
def patch(request):
    return request.param


@pytest.fixture(params=["zmq", "zlinkcompat"], ids=["backend", "swap"])
def program(request, patch):
    """program(source): what it prints, with the door for ``DOOR``."""
    backend = "zlinkcompat.backend" if request.param == "zmq" else None

    def program(source):
        source = patch + source.replace("DOOR", request.param)
        done = python("-W", "error::ResourceWarning", "-c", source, PYZMQ_BACKEND=backend)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout

    return program


def test_a_proxy_is_steered_and_a_queue_tells(program):
    """In threads of their own, on the same two sockets one after the other."""
    assert program("""
import sys, threading
import DOOR as zmq
from DOOR.devices import monitored_queue

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
""") == """\
b'question!'
[3, 13, 3, 14, 3, 14, 3, 13]
b''
False
b'question!'
b'to' [b'', b'question']
b'fro' [b'', b'question!']
terminated
"""


def test_a_forked_child_leaves_its_parent_alone_and_what_ends_last_still_sends(program):
    assert program("""
import atexit, os, warnings
import DOOR as zmq

# Python 3.12 warns of a fork beside I/O threads; the sockets stay open until the end.
warnings.simplefilter("ignore")
context = zmq.Context.instance()
pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
pull.bind("tcp://127.0.0.1:*")
push.connect(pull.last_endpoint)
push.send(b"before")
print(pull.recv(), flush=True)
child = os.fork()
if not child:
    try:
        push.send(b"not from here")
    except zmq.ZMQError as error:
        refused = error.errno == zmq.ENOTSOCK
    push.close(), pull.close(), context.term()
    own = zmq.Context.instance()
    one, other = own.socket(zmq.PAIR), own.socket(zmq.PAIR)
    one.bind("inproc://own")
    other.connect("inproc://own")
    one.send(b"own")
    os._exit(0 if refused and own is not context and other.recv() == b"own" else 1)
print(os.waitpid(child, 0)[1], zmq.Context.instance() is context)
push.send(b"after")
print(pull.recv())

@atexit.register
def at_exit():
    push.send(b"at exit")
    print(pull.recv())

print("end")
""") == "b'before'\n0 True\nb'after'\nend\nb'at exit'\n"
