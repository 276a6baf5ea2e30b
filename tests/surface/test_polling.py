"""Poller, select, zmq_poll and Socket.poll with sockets, descriptors and file objects."""

import os
import socket
import time
from time import monotonic

import gevent
import pytest
from guard import GUARD
from sidebyside import failure

import zlinkcompat as zmq
from zlinkcompat.backend import zmq_poll

IN, OUT, ERR, PRI = zmq.POLLIN, zmq.POLLOUT, zmq.POLLERR, zmq.POLLPRI
WAIT = GUARD * 1000


@pytest.fixture
def plain():
    """Return two connected Python sockets."""
    one, other = socket.socketpair()
    with one, other:
        yield one, other


@pytest.fixture
def pipe():
    """Return the two ends of a pipe, as unbuffered files."""
    reading, writing = os.pipe()
    with open(reading, "rb", 0) as reader, open(writing, "wb", 0) as writer:
        yield reader, writer


@pytest.fixture(params=["inproc://polling", "tcp://127.0.0.1:*"], ids=["inproc", "tcp"])
def ends(request, pair):
    """Return a connected PUSH and PULL."""
    push, pull = pair(zmq.PUSH, zmq.PULL, request.param)
    assert push.poll(WAIT, OUT) == OUT
    return push, pull


def poller(*registered):
    poller = zmq.Poller()
    for one, flags in registered:
        poller.register(one, flags)
    return poller


# -- one socket ------------------------------------------------------------------------------


def test_poll_with_nothing_to_read(ends):
    _, pull = ends
    assert pull.poll(0) == 0
    assert pull.poll(10) == 0
    assert pull.poll(0, IN | OUT) == 0


def test_poll_with_a_message_to_read(ends):
    push, pull = ends
    push.send(b"x")
    assert pull.poll(WAIT) == pull.poll() == pull.poll(0) == IN
    assert pull.poll(flags=IN | OUT) == IN
    pull.recv()
    assert pull.poll(0) == 0


def test_poll_with_room_to_write(ends):
    push, _ = ends
    assert push.poll(0, OUT) == push.poll(WAIT, IN | OUT) == OUT
    assert push.poll(0, IN) == push.poll(0) == 0


def test_poll_without_room_to_write(make):
    sock = make(zmq.PUSH, sndhwm=1)
    assert sock.poll(0, OUT) == 0
    sock.connect("tcp://127.0.0.1:1")
    assert sock.poll(0, OUT) == OUT
    sock.send(b"x")
    assert sock.poll(0, OUT) == 0


def test_poll_reports_room_when_the_peer_reads(pair):
    push, pull = pair(zmq.PUSH, zmq.PULL, "inproc://room")
    while push.poll(0, OUT):
        push.send(b"x")
    waiting = gevent.spawn(push.poll, WAIT, OUT)
    gevent.idle()
    assert not waiting.dead
    while pull.poll(0):
        pull.recv()
    assert waiting.get(timeout=GUARD) == OUT


def test_poll_waits_for_a_message(ends):
    push, pull = ends
    waiting = gevent.spawn(pull.poll)
    gevent.idle()
    assert not waiting.dead
    push.send(b"x")
    assert waiting.get(timeout=GUARD) == IN


def test_poll_within_a_multipart_message(ends):
    push, pull = ends
    push.send_multipart([b"a", b"b"])
    pull.recv()
    assert pull.poll(0) == IN
    pull.recv()
    assert pull.poll(0) == 0


def test_poll_waits_for_its_timeout(ends):
    _, pull = ends
    began = monotonic()
    assert pull.poll(30) == 0
    assert monotonic() - began >= 0.029


@pytest.mark.parametrize("timeout", [10, 10.7, 0, 0.2])
def test_timeouts_may_be_fractions_of_milliseconds(ends, timeout):
    _, pull = ends
    assert poller((pull, IN)).poll(timeout) == []


@pytest.mark.parametrize("timeout", [None, -1, -1000])
def test_unlimited_timeouts(ends, timeout):
    push, pull = ends
    waiting = gevent.spawn(pull.poll, timeout)
    gevent.idle()
    assert not waiting.dead
    push.send(b"x")
    assert waiting.get(timeout=GUARD) == IN


def test_several_greenlets_poll_one_socket(ends):
    push, pull = ends
    waiting = [gevent.spawn(pull.poll, WAIT) for _ in range(3)]
    gevent.idle()
    push.send(b"x")
    assert [one.get(timeout=GUARD) for one in waiting] == [IN] * 3


def test_killed_poll_leaves_nothing_behind(ends):
    push, pull = ends
    waiting = gevent.spawn(pull.poll)
    gevent.idle()
    waiting.kill()
    push.send(b"x")
    assert pull.poll(WAIT) == IN


def test_poll_without_flags(both):
    """A poll without flags waits for nothing and returns 0, as in pyzmq."""
    assert both(lambda side: side.socket("PULL").poll(0, 0)) == 0


# -- Poller ----------------------------------------------------------------------------------


def test_register_and_unregister(ends):
    push, pull = ends
    watched = zmq.Poller()
    watched.register(pull)
    watched.register(push, OUT)
    assert pull in watched and watched.sockets == [(pull, IN | OUT), (push, OUT)]
    assert watched.poll(0) == [(push, OUT)]
    watched.unregister(push)
    assert push not in watched and watched.poll(0) == []
    with pytest.raises(KeyError):
        watched.unregister(push)


def test_modify(ends):
    push, _ = ends
    watched = poller((push, IN))
    assert watched.poll(0) == []
    watched.modify(push, OUT)
    assert watched.poll(0) == [(push, OUT)]
    watched.register(push, IN)  # registering again changes the flags
    assert watched.poll(0) == []


def test_modify_without_flags_unregisters(ends):
    push, _ = ends
    watched = poller((push, OUT))
    watched.modify(push, 0)
    assert push not in watched and watched.poll(0) == []
    watched.register(push, 0)
    assert push not in watched


def test_unregister_keeps_the_others(make):
    sockets = [make(zmq.PAIR) for _ in range(4)]
    watched = poller(*[(sock, IN) for sock in sockets])
    watched.unregister(sockets[1])
    watched.modify(sockets[3], OUT)
    watched.unregister(sockets[0])
    assert watched.sockets == [(sockets[2], IN), (sockets[3], OUT)]


def test_an_empty_poller_returns_at_once():
    assert zmq.Poller().poll(10) == []
    assert zmq.Poller().poll() == []
    assert zmq_poll([], -1) == []


def test_sockets_and_descriptors_and_files_together(ends, plain, pipe):
    push, pull = ends
    (one, other), (reader, writer) = plain, pipe
    watched = poller((pull, IN), (one, IN), (reader.fileno(), IN), (push, OUT), (other, OUT))
    assert watched.poll(0) == [(push, OUT), (other.fileno(), OUT)]
    watched.unregister(push)
    watched.unregister(other)
    for write, ready in (
        (lambda: other.send(b"x"), one.fileno()),
        (lambda: writer.write(b"x"), reader.fileno()),
        (lambda: push.send(b"x"), pull),
    ):
        waiting = gevent.spawn(watched.poll, WAIT)
        gevent.idle()
        assert not waiting.dead
        write()
        assert waiting.get(timeout=GUARD) == [(ready, IN)]
        watched.unregister({one.fileno(): one}.get(ready, ready))


def test_all_ready_sockets_are_returned_at_once(ends, plain, pipe):
    push, pull = ends
    (one, other), (reader, writer) = plain, pipe
    push.send(b"x")
    other.send(b"x")
    writer.write(b"x")
    assert pull.poll(WAIT)
    ready = dict(poller((pull, IN), (one, IN | OUT), (reader, IN)).poll(WAIT))
    assert ready == {pull: IN, one.fileno(): IN | OUT, reader.fileno(): IN}


def test_a_closed_pipe(both, pipe):
    reader, writer = pipe
    writer.close()
    both(lambda side: side.zmq.zmq_poll([(reader, IN)], 0))


def test_pipe_without_a_reader(both, pipe):
    reader, writer = pipe
    reader.close()
    both(lambda side: side.zmq.zmq_poll([(writer, IN | OUT | ERR)], 0))


def test_urgent_data(plain):
    one, other = socket.socketpair()
    listener = socket.create_server(("127.0.0.1", 0))
    with one, other, listener, socket.create_connection(listener.getsockname()) as sender:
        receiver, _ = listener.accept()
        with receiver:
            sender.send(b"!", socket.MSG_OOB)
            assert zmq_poll([(receiver, PRI)], WAIT) == [(receiver.fileno(), PRI)]


def test_descriptor_registered_twice(both, plain):
    one, _ = plain
    both(lambda side: side.zmq.zmq_poll([(one, OUT), (one.fileno(), IN | OUT)], 0))
    both(lambda side: side.zmq.zmq_poll([(one, OUT), (one.fileno(), IN)], 0))


def test_socket_registered_twice(both):
    def scenario(side):
        one, other = side.pair()
        one.send(b"x")
        ready = side.zmq.zmq_poll([(other, IN), (other, OUT), (other, IN | OUT)], WAIT)
        return [(sock is other, events) for sock, events in ready]

    both(scenario)


# -- errors ----------------------------------------------------------------------------------


@pytest.mark.parametrize("thing", ["text", None, 1.5, object(), b"x"])
def test_unpollable_objects(both, thing):
    assert both(lambda side: failure(side.zmq.zmq_poll, [(thing, IN)], 0)) == (TypeError, None)


class Strange:
    def __init__(self, number):
        self.number = number

    def fileno(self):
        if isinstance(self.number, Exception):
            raise self.number
        return self.number


@pytest.mark.parametrize("number", ["text", None, OSError("gone"), RuntimeError("x")], ids=str)
def test_fileno_that_returns_none(both, number):
    assert both(lambda side: failure(side.zmq.zmq_poll, [(Strange(number), IN)], 0)) == (
        ValueError,
        None,
    )


def test_a_closed_python_socket(both, plain):
    one, _ = plain
    one.close()
    both(lambda side: failure(side.zmq.zmq_poll, [(one, IN)], 0))


def test_poll_of_only_closed_sockets_needs_a_timeout(make):
    # We do not run this on pyzmq, because it would poll standard input instead of the closed socket
    # and never return. ``test_closed_in_polls.py`` compares the cases that return on both.
    sock = make(zmq.PULL)
    watched = poller((sock, IN))
    sock.close()
    assert watched.poll(0) == watched.poll(10) == []
    assert failure(watched.poll, -1) == (zmq.ZMQError, zmq.ENOTSOCK)


def test_poll_of_a_closed_socket(both):
    def scenario(side):
        sock = side.socket("PULL")
        sock.close()
        return failure(sock.poll, 0)

    assert both(scenario) == (zmq.ZMQError, zmq.ENOTSUP)


def test_close_wakes_a_poll(make):
    sock = make(zmq.PULL)
    waiting = gevent.spawn(failure, sock.poll)
    gevent.idle()
    sock.close()
    assert waiting.get(timeout=GUARD) == (zmq.ZMQError, zmq.ENOTSOCK)


@pytest.mark.parametrize(
    "arguments",
    [
        (7, 0),
        (None, 0),
        ([1], 0),
        ([(1,)], 0),
        ([(0, "in")], 0),
        ([(0, None)], 0),
        ([], "0"),
    ],
)
def test_bad_arguments(both, arguments):
    assert both(lambda side: failure(side.zmq.zmq_poll, *arguments))[0] in (TypeError, ValueError)


@pytest.mark.parametrize("timeout", ["1", [], object()])
def test_non_numeric_timeout(both, timeout):
    assert both(lambda side: failure(side.socket("PULL").poll, timeout))[0] is TypeError


# -- select ----------------------------------------------------------------------------------


def test_select(ends, plain):
    push, pull = ends
    one, other = plain
    assert zmq.select([pull, one], [push], [], 0) == ([], [push], [])
    push.send(b"x")
    other.send(b"x")
    assert pull.poll(WAIT)
    reading, writing, failed = zmq.select([pull, one], [push, pull], [pull], GUARD)
    assert set(reading) == {pull, one.fileno()} and writing == [push] and failed == []


def test_select_times_out(ends):
    _, pull = ends
    assert zmq.select([pull], [], [], 0.01) == ([], [], [])
    assert zmq.select([], [], [], 0) == ([], [], [])


def test_select_without_a_timeout_waits(ends):
    push, pull = ends
    waiting = gevent.spawn(zmq.select, [pull], [], [])
    gevent.idle()
    assert not waiting.dead
    push.send(b"x")
    assert waiting.get(timeout=GUARD) == ([pull], [], [])


@pytest.mark.parametrize(
    "arguments",
    [
        ([None], [], []),
        (["text"], [], []),
        (7, [], []),
        ([], [], [], "1"),
        ([[]], [], []),
    ],
)
def test_select_of_bad_arguments(both, arguments):
    both(lambda side: failure(side.zmq.select, *arguments))


def test_select_returns_what_pyzmq_returns(both, plain):
    one, _ = plain

    def scenario(side):
        result = side.zmq.select([one], [one], [one], 0)
        return type(result), [type(part) for part in result], result

    both(scenario)


def test_loop_around_an_empty_poll_lets_greenlets_run():
    done = []
    greenlet = gevent.spawn_later(0.01, done.append, True)
    deadline = time.monotonic() + GUARD
    while not done:
        assert zmq.Poller().poll(10) == []
        assert time.monotonic() < deadline, "the hub did not run"
    greenlet.join()
