"""``zmq.FD`` is an edge-triggered descriptor that other event loops can watch.

See ZMQ_FD in zmq_getsockopt(3).
"""

import select

import gevent
import gevent.socket
import pytest
from guard import GUARD
from threads import in_thread

import zlinkcompat as zmq


def readable(fd):
    return bool(select.select([fd], [], [], 0)[0])


@pytest.fixture(params=["inproc://fd", "tcp://127.0.0.1:*"], ids=["inproc", "tcp"])
def ends(request, pair):
    """Return a connected PUSH and PULL; the descriptor of the PULL is not readable."""
    push, pull = pair(zmq.PUSH, zmq.PULL, request.param)
    push.send(b"first")
    pull.recv()
    pull.fd
    assert pull.events == 0
    return push, pull


def test_a_descriptor_stays_the_same(make):
    sock = make(zmq.PAIR)
    assert isinstance(sock.fd, int)
    assert sock.fd == sock.FD == sock.get(zmq.FD) == sock.fileno()


def test_sockets_have_descriptors_of_their_own(make):
    assert make(zmq.PAIR).fd != make(zmq.PAIR).fd


def test_fd_is_readable_when_a_message_arrives(ends):
    push, pull = ends
    assert not readable(pull.fd)
    push.send(b"x")
    gevent.socket.wait_read(pull.fd, timeout=GUARD)
    assert pull.events == zmq.POLLIN


def test_fd_is_not_readable_again_before_a_new_event(ends):
    """The descriptor is edge-triggered: it signals an unreceived message only once."""
    push, pull = ends
    push.send(b"x")
    gevent.socket.wait_read(pull.fd, timeout=GUARD)
    assert pull.events == zmq.POLLIN
    assert not readable(pull.fd) and pull.events == zmq.POLLIN
    pull.recv()
    assert pull.events == 0 and not readable(pull.fd)
    push.send(b"y")
    gevent.socket.wait_read(pull.fd, timeout=GUARD)


def test_fd_is_not_readable_after_reading_events(ends):
    """If the program reads EVENTS before the descriptor signals, the descriptor does not signal."""
    push, pull = ends
    push.send(b"x")
    with gevent.Timeout(GUARD):
        while not pull.events:
            gevent.sleep(0)
    assert not readable(pull.fd)


@pytest.mark.parametrize("endpoint", ["inproc://fd", "tcp://127.0.0.1:*"], ids=["inproc", "tcp"])
def test_fd_signals_messages_from_before_its_first_use(pair, endpoint):
    push, pull = pair(zmq.PUSH, zmq.PULL, endpoint)
    push.send(b"x")
    assert pull.poll(GUARD * 1000)
    gevent.socket.wait_read(pull.fd, timeout=GUARD)
    assert pull.events == zmq.POLLIN


def test_fd_is_readable_when_there_is_room_again(pair):
    push, pull = pair(zmq.PUSH, zmq.PULL, "inproc://room")
    while push.events:
        push.send(b"x")
    assert not readable(push.fd) or push.events == 0
    while pull.events:
        pull.recv()
    gevent.socket.wait_read(push.fd, timeout=GUARD)
    assert push.events == zmq.POLLOUT


def test_fd_is_readable_when_a_peer_connects(bound, make):
    push, pull = bound(zmq.PUSH), make(zmq.PULL)
    fd = push.fd
    assert push.events == 0 and not readable(fd)
    pull.connect(push.last_endpoint)
    gevent.socket.wait_read(fd, timeout=GUARD)
    assert push.events == zmq.POLLOUT


def test_fd_is_readable_when_the_context_terminates(no_descriptor_is_left):
    context = zmq.Context()
    with context.socket(zmq.PULL) as sock:
        fd = sock.fd
        sock.events
        ending = gevent.spawn(context.term)
        gevent.socket.wait_read(fd, timeout=GUARD)
        with pytest.raises(zmq.ContextTerminated):
            sock.events
    ending.get(timeout=GUARD)


@pytest.mark.both_engines
@pytest.mark.parametrize("call", ["EVENTS", "recv", "poll"])
def test_fd_is_idle_after_the_termination_is_reported(no_descriptor_is_left, call):
    calls = {
        "EVENTS": lambda: sock.events,
        "recv": lambda: sock.recv(zmq.NOBLOCK),
        "poll": lambda: sock.poll(0),
    }
    context = zmq.Context()
    with context.socket(zmq.PULL) as sock:
        sock.bind("tcp://127.0.0.1:*")
        fd = sock.fd
        ending = gevent.spawn(context.term)
        gevent.socket.wait_read(fd, timeout=GUARD)
        for _ in range(2):
            with pytest.raises(zmq.ContextTerminated):
                calls[call]()
        assert not readable(fd)
    ending.get(timeout=GUARD)


@pytest.mark.both_engines
def test_fd_is_not_readable_when_the_socket_is_closed(pair):
    push, pull = pair(zmq.PUSH, zmq.PULL)
    fd = pull.fd
    push.send(b"x")
    gevent.socket.wait_read(fd, timeout=GUARD)
    pull.close()
    assert not readable(fd)


def drain(pull):
    """Receive until EVENTS reports no more messages, as each user of the descriptor has to."""
    received = []
    while pull.events & zmq.POLLIN:
        received.append(pull.recv(zmq.NOBLOCK))
    return received


def test_gevent_loop_watching_the_fd_gets_every_message(ends):
    push, pull = ends
    messages = [b"%d" % number for number in range(500)]
    received = []

    def watch():
        while len(received) < len(messages):
            received.extend(drain(pull))
            if len(received) < len(messages):
                gevent.socket.wait_read(pull.fd, timeout=GUARD)

    watching = gevent.spawn(watch)
    for message in messages:
        push.send(message)
        if len(message) == 2:
            gevent.idle()
    watching.get(timeout=GUARD)
    assert received == messages


def test_a_loop_in_another_thread_is_woken(ends):
    push, pull = ends
    fd = pull.fd
    with in_thread(lambda: select.select([fd], [], [], GUARD)[0][0]) as ended:
        push.send(b"x")
        assert ended()
    assert drain(pull) == [b"x"]


def test_a_loop_in_another_thread_polls_many_times(ends):
    push, pull = ends
    fd = pull.fd
    for number in range(20):
        with in_thread(lambda: select.select([fd], [], [], GUARD)[0][0]) as ended:
            push.send(b"%d" % number)
            assert ended()
        assert drain(pull) == [b"%d" % number]


def test_python_selectors_accept_a_socket(ends):
    import selectors

    push, pull = ends
    with selectors.DefaultSelector() as selector:
        key = selector.register(pull, selectors.EVENT_READ)
        assert selector.select(0) == []
        push.send(b"x")
        gevent.socket.wait_read(pull.fd, timeout=GUARD)
        assert selector.select(0) == [(key, selectors.EVENT_READ)]


def test_req_fd_is_readable_for_its_reply(pair):
    rep, req = pair(zmq.REP, zmq.REQ)
    fd = req.fd
    req.send(b"question")
    rep.send(rep.recv())
    gevent.socket.wait_read(fd, timeout=GUARD)
    while not req.events & zmq.POLLIN:
        gevent.socket.wait_read(fd, timeout=GUARD)
    assert req.recv() == b"question"


def test_closed_fd_is_not_reused_while_it_may_be_watched(make):
    """The descriptor of a closed socket is not reused while an event loop may still watch it.

    Such a loop would mistake another file's events for those of the socket.
    """
    sock = make(zmq.PAIR)
    fd = sock.fd
    sock.close()
    assert make(zmq.PAIR).fd != fd
    with select.epoll() as poller:
        poller.register(fd, select.EPOLLIN)
    del sock
