"""A program's logging handlers may wait, raise or be slow without disturbing connections."""

import logging
import threading

import gevent
import gevent.event
import pytest
from guard import GUARD

import zlinkcompat as zmq
from zlinkcompat._runtime import log_queue

pytestmark = pytest.mark.both_engines


@pytest.fixture
def handler(request):
    """``handler(emit)`` adds a handler for all records of the package until the test ends."""
    log = logging.getLogger("zlinkcompat")
    level = log.level
    added = []

    def handler(emit):
        class Handler(logging.Handler):
            def emit(self, record):
                emit(record.getMessage())

        added.append(Handler())
        log.addHandler(added[-1])
        log.setLevel(logging.DEBUG)

    yield handler
    log.setLevel(level)
    for one in added:
        log.removeHandler(one)
    log_queue.flush()


def peers_come_and_go(make, count=5):
    sock = make(zmq.PULL)
    sock.bind("tcp://127.0.0.1:*")
    for number in range(count):
        push = make(zmq.PUSH)
        push.connect(sock.last_endpoint)
        push.send(b"%d" % number)
        assert sock.recv() == b"%d" % number
        push.close(0)


@pytest.mark.hub
def test_handler_that_switches_greenlets(make, handler):
    """A handler may switch to the hub, although a callback of the hub must not do that."""
    seen = []

    def emit(text):
        gevent.sleep(0.001)
        seen.append(text)

    handler(emit)
    peers_come_and_go(make)
    with gevent.Timeout(GUARD):
        while not any("accepted" in text for text in seen):
            gevent.sleep(0)


def test_handler_that_waits_for_the_program(make, handler):
    """The engine continues while a handler waits and so no record is handled."""
    for_greenlets = gevent.event.Event()
    for_threads = threading.Event()

    def emit(text):
        here = threading.current_thread() is threading.main_thread()
        (for_greenlets if here else for_threads).wait(GUARD)

    handler(emit)
    peers_come_and_go(make)
    for_greenlets.set()
    for_threads.set()


def test_handler_that_raises(make, handler, monkeypatch):
    monkeypatch.setattr(logging, "raiseExceptions", False)

    def emit(text):
        raise RuntimeError(text)

    handler(emit)
    peers_come_and_go(make)


def test_records_keep_their_order(make, handler):
    seen = []
    handler(seen.append)
    peers_come_and_go(make, 1)
    log_queue.flush()
    accepted = next(n for n, text in enumerate(seen) if "accepted" in text)
    ready = next(n for n, text in enumerate(seen) if ": ready" in text and "peer 127" in text)
    assert accepted < ready


def test_records_beyond_the_queue_are_counted(monkeypatch, handler):
    """While a handler is stuck, at most QUEUE_MAX records wait; further records are counted."""
    monkeypatch.setattr(log_queue, "QUEUE_MAX", 10)
    seen = []
    handler(seen.append)
    emitter = log_queue.Emitter()
    emitter.start = lambda: None
    for number in range(25):
        emitter.put(
            (logging.getLogger("zlinkcompat.engine"), logging.INFO, "%d", (number,), None, 0.0)
        )
    emitter.drain()
    assert seen[0] == "0" and "dropped because handlers are slow: 15" in seen[1]
    assert seen[2:] == [str(number) for number in range(1, 10)]
