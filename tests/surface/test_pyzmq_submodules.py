"""Every public submodule of pyzmq has a counterpart in our package that uses our classes."""

import importlib
import logging
import subprocess
import sys
from types import ModuleType

import gevent
import pytest
import zmq as pyzmq
from submodules import GREEN, SUBMODULES

import zlinkcompat as zmq


@pytest.mark.parametrize("name", SUBMODULES)
def test_every_submodule_exists_with_its_names(name):
    theirs = importlib.import_module(f"zmq.{name}")
    ours = importlib.import_module(f"zlinkcompat.{name}")
    public = [
        each
        for each, value in vars(theirs).items()
        if not (each.startswith("_") or isinstance(value, ModuleType))
    ]
    assert [each for each in public if not hasattr(ours, each)] == []
    assert sys.modules[f"zlinkcompat.{name}"] is ours


@pytest.mark.parametrize("name", GREEN)
def test_every_green_submodule_exists_with_its_names(name):
    theirs = importlib.import_module(f"zmq.{name}")
    ours = importlib.import_module(f"zlinkcompat.{name}")
    homes = (theirs.__name__, "tornado.ioloop")
    defined = [
        each
        for each, value in vars(theirs).items()
        if getattr(value, "__module__", None) in homes
        and (isinstance(value, type) or not each.startswith("_"))
    ]
    assert defined or name in ("green", "green.eventloop")
    assert [each for each in defined if not hasattr(ours, each)] == []
    assert sys.modules[f"zlinkcompat.{name}"] is ours


@pytest.mark.parametrize("name", [*SUBMODULES, *GREEN])
def test_no_submodule_contains_a_libzmq_class(name):
    ours = importlib.import_module(f"zlinkcompat.{name}")
    theirs = {pyzmq.Socket, pyzmq.Context, pyzmq.Frame, pyzmq.Poller, pyzmq.proxy, pyzmq}
    if ours.__name__.startswith("zlinkcompat"):
        held = [
            each
            for each, value in vars(ours).items()
            if isinstance(value, type | ModuleType) and value in theirs
        ]
        assert held == []


@pytest.mark.parametrize("name", ["constants", "error", "utils.z85", "utils.jsonapi"])
def test_submodules_without_classes_are_pyzmqs_modules(name):
    assert importlib.import_module(f"zlinkcompat.{name}") is importlib.import_module(f"zmq.{name}")


def test_preloaded_submodules_need_no_import():
    assert zmq.utils.__name__ == "zlinkcompat.utils"
    assert zmq.sugar.Socket is zmq.sugar.socket.Socket is zmq.Socket


@pytest.mark.parametrize("name", ["no_such_module", "devices.no_such_module", "utils.z85.more"])
def test_unknown_submodules_are_not_found(name):
    with pytest.raises(ModuleNotFoundError, match=name.rpartition(".")[2]):
        importlib.import_module(f"zlinkcompat.{name}")


def test_pyzmqs_own_modules_are_unchanged():
    from zmq.devices import basedevice as theirs

    from zlinkcompat.devices import basedevice as ours

    assert (theirs.Context, ours.Context) == (pyzmq.Context, zmq.Context)
    assert theirs.Device is not ours.Device


def test_decorators_create_our_sockets():
    from zlinkcompat.decorators import context, socket

    @context()
    @socket(zmq.PUSH)
    def take(given, sock):
        assert type(given) is zmq.Context and type(sock) is zmq.Socket
        return sock

    assert take().closed


@pytest.mark.hub
def test_a_log_handler_publishes(make, bound):
    from zlinkcompat.log.handlers import PUBHandler

    subscriber = bound(zmq.SUB)
    subscriber.subscribe("")
    publisher = make(zmq.XPUB)
    publisher.connect(subscriber.last_endpoint)
    assert publisher.recv() == b"\1"
    handler = PUBHandler(publisher)
    handler.setRootTopic("root")
    log = logging.getLogger("zlinkcompat.counterparts")
    log.addHandler(handler)
    try:
        log.warning("a word")
    finally:
        log.removeHandler(handler)
    topic, text = subscriber.recv_multipart()
    assert topic == b"root.WARNING" and b"a word" in text


def test_thread_device(program):
    """In a monkey-patched program a thread device is a greenlet; its context's term() ends it."""
    one = program(
        """
        from zlinkcompat.devices import ThreadDevice
        device = ThreadDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
        front = "tcp://127.0.0.1:%d" % device.bind_in_to_random_port("tcp://127.0.0.1")
        back = "tcp://127.0.0.1:%d" % device.bind_out_to_random_port("tcp://127.0.0.1")
        device.start()
        context = zmq.Context.instance()
        req, rep = context.socket(zmq.REQ), context.socket(zmq.REP)
        req.connect(front)
        rep.connect(back)
        req.send(b"through")
        rep.send(rep.recv().upper())
        say(req.recv().decode())
        req.close(), rep.close()
        context.term()
        device.join(30)
        say(device.done)
    """,
        patch=True,
    )
    assert one.line() == "THROUGH"
    assert one.line() == "True"
    one.ends()


def test_a_monitored_queue(make, bound):
    from zlinkcompat.devices import monitored_queue

    front, back, capture = bound(zmq.ROUTER), bound(zmq.DEALER), bound(zmq.PUB)
    device = gevent.spawn(monitored_queue, front, back, capture)
    req, rep, watcher = make(zmq.REQ), make(zmq.REP), make(zmq.SUB)
    watcher.subscribe("")
    for sock, to in ((req, front), (rep, back), (watcher, capture)):
        sock.connect(to.last_endpoint)
    try:
        while not watcher.poll(50):  # repeat until the subscription has arrived
            req.send(b"question")
            rep.send(rep.recv())
            assert req.recv() == b"question"
        parts = watcher.recv_multipart()
        assert parts[0] == b"in" and parts[-1] == b"question"
    finally:
        device.kill()


@pytest.mark.parametrize("name", ["log", "curve_keygen"])
def test_unmodified_pyzmq_programs_run(name):
    if importlib.util.find_spec(f"zmq.{name}") is None:
        pytest.skip(f"this pyzmq has no zmq.{name}")
    done = subprocess.run(
        [sys.executable, "-m", f"zlinkcompat.{name}", "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0 and "usage" in done.stdout, done.stderr
