"""With ``PYZMQ_BACKEND=zlinkcompat.backend``, pyzmq's own classes run on our engine.

Each test runs a program in a process of its own.
"""

import pytest
from programs import interrupt_when_ready, python, run

BACKEND = {"PYZMQ_BACKEND": "zlinkcompat.backend"}
PATCH = "from gevent import monkey; monkey.patch_all()\n"


@pytest.fixture(params=["", PATCH], ids=["unpatched", "patched"])
def program(request):
    """``program(source)`` runs a program on the backend and returns its output.

    Each test runs twice: without and with monkey-patching.
    """

    def program(source):
        done = python("-W", "error::ResourceWarning", "-c", request.param + source, **BACKEND)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout

    return program


def test_core_classes_are_ours(program):
    assert program("""
import zmq, zlinkcompat.backend as backend
for name in ("Socket", "Context", "Frame"):
    print(issubclass(getattr(zmq, name), getattr(backend, name)))
print(zmq.zmq_version(), zmq.has("ipc"), zmq.DRAFT_API)
""").split() == ["True"] * 3 + ["4.3.5", "True", "False"]


def test_libzmq_is_not_loaded(program):
    assert (
        program("""
import pathlib, sys, zmq
maps = pathlib.Path("/proc/self/maps").read_text()
print("libzmq" in maps, "zmq.backend.cython._zmq" in sys.modules)
""")
        == "False False\n"
    )


@pytest.mark.parametrize(
    "first, second",
    [
        ("zmq", "zlinkcompat"),
        ("zlinkcompat", "zmq"),
        ("zlinkcompat.backend", "zmq"),
        ("zmq.green", "zlinkcompat.green"),
        ("zlinkcompat.green", "zmq.green"),
    ],
)
@pytest.mark.parametrize("backend", [None, "zlinkcompat.backend"])
def test_every_order_of_imports(first, second, backend):
    assert (
        run(
            f"""
        import {first}
        import {second}
        import zlinkcompat, zmq
        print(zlinkcompat.Again is zmq.Again, zlinkcompat.REQ is zmq.REQ)
        with zlinkcompat.Context() as context, context.socket(zlinkcompat.PAIR):
            print("made")
    """,
            PYZMQ_BACKEND=backend,
        )
        == "True True\nmade\n"
    )


@pytest.mark.parametrize("endpoint", ["tcp://127.0.0.1:*", "inproc://x", "ipc://{}/sock"])
def test_request_and_reply(program, tmp_path, endpoint):
    assert (
        program(f"""
import zmq
with zmq.Context() as context, context.socket(zmq.REP) as rep, context.socket(zmq.REQ) as req:
    rep.bind("{endpoint.format(tmp_path)}")
    req.connect(rep.last_endpoint.decode())
    for word in ("one", "two"):
        req.send_string(word)
        print(rep.recv_string())
        rep.send_json([word])
        print(req.recv_json())
""")
        == "one\n['one']\ntwo\n['two']\n"
    )


def test_frames_of_pyzmq(program):
    assert (
        program("""
import zmq
class Mine(zmq.Frame):
    pass

with zmq.Context() as context, context.socket(zmq.PAIR) as one, context.socket(zmq.PAIR) as other:
    one.bind("tcp://127.0.0.1:*")
    other.connect(one.last_endpoint)
    one.send(Mine(b"mine"), copy=False)
    one.send_multipart([Mine(b"a"), zmq.Frame(b"b")], copy=False)
    frame = other.recv(copy=False)
    print(type(frame) is zmq.Frame, frame.bytes, frame.more, frame["Socket-Type"], repr(frame))
    print([f.bytes for f in other.recv_multipart(copy=False)])
    tracker = one.send(b"x" * 100_000, copy=False, track=True)
    print(type(tracker) is zmq.MessageTracker, len(other.recv()), tracker.wait(30), tracker.done)
""")
        == """\
True b'mine' False PAIR <zmq.Frame(b'mine')>
[b'a', b'b']
True 100000 None True
"""
    )


def test_shadows_of_pyzmq(program):
    assert (
        program("""
import copy, zmq
with zmq.Context() as context, context.socket(zmq.PAIR) as one, context.socket(zmq.PAIR) as other:
    for shadow in (zmq.Context(context), zmq.Context.shadow(context), copy.copy(context)):
        print(shadow.underlying == context.underlying, type(shadow) is zmq.Context)
    one.bind("inproc://x")
    other.connect("inproc://x")
    for shadow in (zmq.Socket(one), zmq.Socket.shadow(one.underlying), copy.copy(one)):
        shadow.send(b"x")
        print(shadow.type.name, other.recv())
    del shadow
    print(context.closed, one.closed)
""")
        == "True True\n" * 3 + "PAIR b'x'\n" * 3 + "False False\n"
    )


def test_contexts_of_both_entry_points_shadow_each_other(program):
    assert (
        program("""
import zmq, zlinkcompat
with zmq.Context() as context:
    ours = zlinkcompat.Context(shadow=context.underlying)
    with context.socket(zmq.PAIR) as one, ours.socket(zmq.PAIR) as other:
        one.bind("inproc://x")
        other.connect("inproc://x")
        one.send(b"across the entry points")
        print(other.recv())
""")
        == "b'across the entry points'\n"
    )


def test_pollers_of_pyzmq(program):
    assert program("""
import socket, zmq
with zmq.Context() as context, context.socket(zmq.PUSH) as push, context.socket(zmq.PULL) as pull:
    push.bind("tcp://127.0.0.1:*")
    pull.connect(push.last_endpoint)
    push.send(b"x")
    poller = zmq.Poller()
    poller.register(pull, zmq.POLLIN)
    poller.register(push, zmq.POLLIN)
    one, other = socket.socketpair()
    poller.register(other, zmq.POLLIN)
    print(poller.poll(30_000) == [(pull, zmq.POLLIN)])
    one.send(b"x")
    print(dict(poller.poll(30_000)).get(other.fileno()))
    print(zmq.select([pull], [], [], 1)[0] == [pull])
    one.close()
    other.close()
""").split() == ["True", "1", "True"]


def test_errors_of_pyzmq(program):
    assert (
        program("""
import zmq
with zmq.Context() as context, context.socket(zmq.PAIR) as sock:
    for call in (lambda: sock.recv(zmq.NOBLOCK), lambda: sock.bind("nosuch://x"),
                 lambda: sock.send("text"), lambda: sock.nosuchoption):
        try:
            call()
        except Exception as error:
            print(type(error).__name__, getattr(error, "errno", None) == zmq.EAGAIN)
""")
        == "Again True\nZMQError False\nTypeError False\nAttributeError False\n"
    )


def test_options_of_pyzmq(program):
    assert (
        program("""
import zmq
with zmq.Context() as context:
    context.linger = 7
    with context.socket(zmq.SUB) as sock:
        sock.subscribe = "topic"
        sock.rcvhwm = 5
        sock.set(zmq.ROUTING_ID, b"me")
        print(sock.linger, sock.RCVHWM, sock.get_string(zmq.ROUTING_ID), sock.type.name)
""")
        == "7 5 me SUB\n"
    )


def test_monitors_of_pyzmq(program):
    assert (
        program("""
import zmq
from zmq.utils.monitor import recv_monitor_message
with zmq.Context() as context, context.socket(zmq.PAIR) as sock:
    with sock.get_monitor_socket() as monitor:
        sock.bind("tcp://127.0.0.1:*")
        print(recv_monitor_message(monitor)["event"].name)
        sock.disable_monitor()
        print(recv_monitor_message(monitor)["event"].name)
""")
        == "LISTENING\nMONITOR_STOPPED\n"
    )


def test_proxies_of_pyzmq_in_a_patched_program():
    assert (
        run(
            PATCH
            + """
import threading, zmq
from zmq.devices import ThreadProxy, monitored_queue
context = zmq.Context.instance()
proxy = ThreadProxy(zmq.PULL, zmq.PUSH)
proxy.context_factory = zmq.Context.instance
port, out = proxy.bind_in_to_random_port("tcp://127.0.0.1"), proxy.bind_out_to_random_port(
    "tcp://127.0.0.1")
proxy.daemon = True
proxy.start()
with context.socket(zmq.PUSH) as push, context.socket(zmq.PULL) as pull:
    push.connect(f"tcp://127.0.0.1:{port}")
    pull.connect(f"tcp://127.0.0.1:{out}")
    push.send(b"through")
    print(pull.recv())
""",
            **BACKEND,
        )
        == "b'through'\n"
    )


def test_green_on_the_backend(program):
    assert (
        program("""
import gevent
import zmq.green as zmq
with zmq.Context() as context, context.socket(zmq.REP) as rep, context.socket(zmq.REQ) as req:
    rep.bind("tcp://127.0.0.1:*")
    req.connect(rep.last_endpoint)
    server = gevent.spawn(lambda: rep.send(rep.recv() + b"!"))
    req.send(b"hello")
    print(req.recv(), type(req).__name__)
    server.join()
    poller = zmq.Poller()
    poller.register(rep, zmq.POLLIN)
    print(poller.poll(10))
    gevent.spawn(req.send, b"more")
    print(poller.poll(30_000) == [(rep, zmq.POLLIN)])
    device = gevent.spawn(zmq.device, zmq.QUEUE, rep, -1)
    print(req.recv())
    device.kill()
""")
        == "b'hello!' _Socket\n[]\nTrue\nb'more'\n"
    )


def test_green_on_the_backend_is_ours(program):
    """On the backend, ``zmq.green`` has our classes.

    With pyzmq's own ``zmq.green`` only one greenlet at a time may wait in a socket.
    """
    assert (
        program("""
import gevent, os, warnings
import zmq as plain
import zmq.green as zmq
from zmq.green.core import _Context, _Socket
from zmq.green.poll import _Poller
print(zmq.Context is _Context, zmq.Socket is _Socket, zmq.Poller is _Poller)
print(issubclass(_Context, plain.Context), issubclass(_Socket, plain.Socket))
with zmq.Context() as context, context.socket(zmq.PUSH) as push, context.socket(zmq.PULL) as pull:
    print(type(zmq.Socket.shadow(pull)) is _Socket, repr(pull)[:24])
    push.bind("tcp://127.0.0.1:*")
    pull.connect(push.last_endpoint)
    waiting = [gevent.spawn(pull.recv) for _ in range(3)]
    gevent.idle()
    for number in range(3):
        push.send(b"%d" % number)
    gevent.joinall(waiting, timeout=30)
    print([each.value for each in waiting])
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        pull.rcvtimeo = 10
        print(pull.rcvtimeo, [each.category.__name__ for each in told])
    try:
        pull.recv()
    except zmq.Again:
        print("in time")
    with gevent.Timeout(0.01, False):
        pull.poll()
        print("no message")
    reads, writes = os.pipe()
    poller = zmq.Poller()
    poller.register(reads, zmq.POLLIN)
    gevent.spawn(os.write, writes, b"x")
    print(poller.poll(30_000) == zmq.zmq_poll([(reads, zmq.POLLIN)], 0) == [(reads, zmq.POLLIN)])
""")
        == """\
True True True
True True
True <zmq.green.Socket(zmq.PU
[b'0', b'1', b'2']
10 ['UserWarning', 'UserWarning']
in time
True
"""
    )


def test_subclass_of_context_and_socket(program):
    assert (
        program("""
import zmq
class Socket(zmq.Socket):
    shout = False
    def send_string(self, text, *args, **kwargs):
        return super().send_string(text.upper() if self.shout else text, *args, **kwargs)

class Context(zmq.Context):
    _socket_class = Socket

with Context() as context, context.socket(zmq.PAIR) as one, context.socket(zmq.PAIR) as other:
    one.bind("inproc://x")
    other.connect("inproc://x")
    one.shout = True
    one.send_string("hey")
    print(other.recv_string(), isinstance(one, Socket))
""")
        == "HEY True\n"
    )


OWN_WAY = """
import zmq
class Socket(zmq.Socket):
    def send(self, data, *args, **kwargs):
        return super().send(data.upper(), *args, **kwargs)
    def recv(self, *args, **kwargs):
        return super().recv(*args, **kwargs) + b"!"
"""


def test_overridden_send_and_recv_are_called_for_each_frame(program):
    assert (
        program(
            OWN_WAY
            + """
class Context(zmq.Context):
    _socket_class = Socket

with Context() as context, context.socket(zmq.PAIR) as one, context.socket(zmq.PAIR) as other:
    one.bind("inproc://x")
    other.connect("inproc://x")
    one.send_multipart([b"a", b"b"])
    print(other.recv_multipart())
"""
        )
        == "[b'A!', b'B!']\n"
    )


def test_overridden_multipart_methods_may_call_super(program):
    assert (
        program(
            OWN_WAY
            + """    def send_multipart(self, *args, **kwargs):
        return super().send_multipart(*args, **kwargs)
    def recv_multipart(self, *args, **kwargs):
        return super().recv_multipart(*args, **kwargs)

with zmq.Context() as context:
    with Socket(context, zmq.PAIR) as one, context.socket(zmq.PAIR) as other:
        one.bind("inproc://x")
        other.connect("inproc://x")
        one.send_multipart([b"a", b"b"])
        print(other.recv_multipart())
        other.send_multipart([b"a", b"b"])
        print(one.recv_multipart())
"""
        )
        == "[b'A', b'B']\n[b'a!', b'b!']\n"
    )


def test_subscription_applies_before_the_next_message(program):
    """A publisher that sends right after a subscription usually applies it, as on libzmq.

    On libzmq the I/O threads do not need the GIL to pass a subscription on.
    """
    assert (
        program("""
import time, zmq
with zmq.Context() as context, context.socket(zmq.PUB) as pub, context.socket(zmq.SUB) as sub:
    pub.bind("tcp://127.0.0.1:*")
    sub.subscribe("first")
    sub.connect(pub.last_endpoint)
    while not sub.poll(10):
        pub.send(b"first")
    there = 0
    for number in range(20):
        time.sleep(0.01)
        sub.subscribe(f"second {number:02}")
        pub.send(b"second %02d" % number)
        pub.send(b"first %d" % number)  # this arrives in any case: "first" is subscribed already
        while (heard := sub.recv()) != b"first %d" % number:
            there += heard.startswith(b"second")
    print(there > 10)
""")
        == "True\n"
    )


def test_threads_use_sockets_of_their_own_in_a_patched_program():
    assert (
        run(
            PATCH
            + """
import threading, zmq
context = zmq.Context()
def work(number):
    with context.socket(zmq.REQ) as req:
        req.connect("inproc://service")
        req.send(b"%d" % number)
        assert req.recv() == b"%d" % number
threads = [threading.Thread(target=work, args=(number,)) for number in range(10)]
with context.socket(zmq.REP) as rep:
    rep.bind("inproc://service")
    for thread in threads:
        thread.start()
    for _ in threads:
        rep.send(rep.recv())
    for thread in threads:
        thread.join()
context.term()
print("done")
""",
            **BACKEND,
        )
        == "done\n"
    )


@pytest.mark.parametrize("patch", ["", PATCH], ids=["unpatched", "patched"])
def test_interrupt_in_recv_ends_the_program(patch):
    code, errors = interrupt_when_ready(
        "-c",
        patch
        + """
import zmq
sock = zmq.Context().socket(zmq.REP)
sock.bind("tcp://127.0.0.1:*")
print("ready", flush=True)
sock.recv()
""",
        **BACKEND,
    )
    assert code == -2 and errors.rstrip().endswith("KeyboardInterrupt")


def test_missing_backend_is_an_import_error():
    done = python("-c", "import zmq", PYZMQ_BACKEND="zlinkcompat.no_such_backend")
    assert done.returncode == 1 and "ModuleNotFoundError" in done.stderr


def test_devices_of_the_swapped_import_load_beside_the_backend():
    """A program that the runner starts on the backend may also import zlinkcompat itself."""
    source = "import zmq, zlinkcompat.devices; print(zlinkcompat.devices.monitored_queue.__name__)"
    done = python("-c", source, **BACKEND)
    assert (done.stdout, done.returncode) == ("monitored_queue\n", 0), done.stderr
