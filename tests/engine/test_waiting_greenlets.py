"""Greenlets that wait in calls of a socket are all woken, in order and only once."""

import time

import gevent
import pytest
from gevent import subprocess
from guard import GUARD
from rawpeer import message

import zlinkcompat as zmq


@pytest.fixture(params=["tcp", "inproc"])
def pair(request, bound, make):
    """Return two connected DEALERs."""
    endpoint = "tcp://127.0.0.1:*" if request.param == "tcp" else "inproc://pair"
    # Set the buffer sizes, since otherwise the kernel could enlarge the buffers at any time.
    narrow = dict(rcvhwm=2, sndhwm=2, sndbuf=32768, rcvbuf=32768)
    one = bound(zmq.DEALER, endpoint, **narrow)
    other = make(zmq.DEALER, **narrow)
    other.connect(one.last_endpoint.decode())
    other.send(b"connected")
    assert one.recv() == b"connected"
    return one, other


def started(call, *args):
    """Return a new greenlet that waits in ``call``."""
    greenlet = gevent.spawn(call, *args)
    gevent.sleep(0.001)
    assert not greenlet.ready()
    return greenlet


def fill(sock):
    """Send until both high-water marks are reached; return how many messages were sent.

    A send that would block is repeated after running the hub, which may make room.
    """
    count = turns = 0
    while turns < 50:
        try:
            sock.send(b"%d" % count + bytes(1 << 18), zmq.NOBLOCK)
            count, turns = count + 1, 0
        except zmq.Again:
            gevent.sleep(0.001)
            turns += 1
    return count


def results(greenlets):
    gevent.joinall(greenlets, timeout=GUARD, raise_error=True)
    return [one.value for one in greenlets]


def test_receivers_are_served_in_order(pair):
    one, other = pair
    waiting = [started(one.recv) for _ in range(5)]
    for number in range(5):
        other.send(b"%d" % number)
    assert results(waiting) == [b"0", b"1", b"2", b"3", b"4"]


def test_waiter_woken_in_vain_keeps_its_place(bound, make):
    one = bound(zmq.DEALER)
    waiting = [started(one.recv) for _ in range(3)]
    other = make(zmq.DEALER)
    # A new peer may have sent a message. So the first waiter is woken, checks, and waits again.
    other.connect(one.last_endpoint.decode())
    one.poll(GUARD * 1000, zmq.POLLOUT)
    gevent.sleep(0.001)
    for number in range(3):
        other.send(b"%d" % number)
    assert results(waiting) == [b"0", b"1", b"2"]


def test_senders_are_served_in_order(pair):
    one, other = pair
    sent = fill(other)
    waiting = [started(other.send, b"%d" % number) for number in range(5)]
    for _ in range(sent):
        one.recv()
    assert [one.recv() for _ in range(5)] == [b"0", b"1", b"2", b"3", b"4"]
    results(waiting)


@pytest.mark.parametrize("end", ["kill", "timeout"])
def test_receiver_ending_when_woken_passes_the_wakeup_on(pair, end):
    one, other = pair
    first = started(swallow, one.recv)
    second = started(one.recv)
    other.send(b"x")
    # Kill the first greenlet in the same loop iteration, before it runs.
    first.kill(gevent.GreenletExit if end == "kill" else gevent.Timeout, block=False)
    # Exactly one of the two greenlets receives the message.
    gevent.wait([first, second], count=1, timeout=GUARD)
    if first.value != b"x":
        assert second.get(timeout=GUARD) == b"x"
    else:
        other.send(b"y")
        assert second.get(timeout=GUARD) == b"y"


def swallow(call):
    try:
        return call()
    except (gevent.GreenletExit, gevent.Timeout):
        return None


def test_sender_ending_when_woken_passes_the_wakeup_on(pair):
    one, other = pair
    sent = fill(other)
    first = started(other.send, b"first")
    second = started(other.send, b"second")
    rest = []
    for number in range(sent):
        rest.append(one.recv())
        if number == 0:
            first.kill(block=False)
    second.get(timeout=GUARD)
    last = one.recv()
    assert last == b"second" or (last, one.recv()) == (b"first", b"second")


def test_killed_receiver_leaves_the_socket_usable(pair):
    one, other = pair
    started(one.recv).kill()
    other.send(b"x")
    assert one.recv() == b"x"


def test_killed_sender_sends_nothing(pair):
    one, other = pair
    sent = fill(other)
    started(other.send, b"never").kill()
    for _ in range(sent):
        one.recv()
    other.send(b"x")
    assert one.recv() == b"x"


def test_gevent_timeout_leaves_the_socket_usable(pair):
    one, other = pair
    with pytest.raises(gevent.Timeout), gevent.Timeout(0.01):
        one.recv()
    other.send(b"x")
    assert one.recv() == b"x"


def test_recv_waits_for_rcvtimeo(pair):
    one, other = pair
    one.rcvtimeo = 50
    began = time.monotonic()
    with pytest.raises(zmq.Again):
        one.recv()
    assert time.monotonic() - began >= 0.05
    other.send(b"x")
    assert one.recv() == b"x"


def test_other_greenlets_run_while_one_waits(pair):
    one, other = pair
    waiting = started(one.recv)
    ticks = [gevent.sleep(0.001) for _ in range(5)]
    other.send(b"x")
    assert waiting.get(timeout=GUARD) == b"x" and len(ticks) == 5


def test_close_ends_all_waits(pair):
    one, _ = pair
    waiting = [started(one.recv), started(one.recv), started(one.poll)]
    one.close()
    for greenlet in waiting:
        with pytest.raises(zmq.ZMQError) as caught:
            greenlet.get(timeout=GUARD)
        assert caught.value.errno == zmq.ENOTSOCK


def test_many_pollers_of_one_socket_are_all_woken(pair):
    one, other = pair
    waiting = [started(one.poll, GUARD * 1000, zmq.POLLIN) for _ in range(5)]
    other.send(b"x")
    assert results(waiting) == [zmq.POLLIN] * 5


def test_one_message_wakes_one_of_many_receivers(pair):
    one, other = pair
    waiting = [started(one.recv) for _ in range(3)]
    other.send(b"x")
    assert waiting[0].get(timeout=GUARD) == b"x"
    gevent.sleep(0.01)
    assert not any(greenlet.ready() for greenlet in waiting[1:])
    gevent.killall(waiting[1:])


def test_burst_wakes_as_many_receivers_as_it_has_messages(bound, raw):
    """One read that brings several messages wakes as many waiting receivers."""
    sock = bound(zmq.PULL)
    peer = raw(sock.last_endpoint)
    peer.handshake(b"PUSH")
    waiting = [started(sock.recv) for _ in range(10)]
    peer.send(*(message(b"%d" % number) for number in range(10)))
    assert results(waiting) == [b"%d" % number for number in range(10)]


def test_receiving_and_sending_at_once(pair):
    """Waiting receivers and waiting senders of one socket do not disturb each other."""
    _one, _other = pair
    count = 200
    receiving = [gevent.spawn(lambda s=s: [s.recv() for _ in range(count)]) for s in pair]
    sending = [gevent.spawn(lambda s=s: [s.send(b"%d" % n) for n in range(count)]) for s in pair]
    expected = [b"%d" % number for number in range(count)]
    assert results(receiving) == [expected, expected]
    results(sending)


@pytest.mark.parametrize("call", ["recv()", "poll()", "send(b'x')"])
def test_call_in_the_hub_itself_is_refused(call, bound):
    """A call that waits in the hub's own greenlet would block everything, so it raises.

    gevent raises BlockingSwitchOutError, an AssertionError.
    """
    sock = bound(zmq.DEALER)
    told = []

    def in_the_hub():
        try:
            eval("sock." + call, {"sock": sock})
        except BaseException as error:
            told.append(error)

    gevent.get_hub().loop.run_callback(in_the_hub)
    gevent.sleep(0.01)
    assert [type(error) for error in told] == [gevent.exceptions.BlockingSwitchOutError]


@pytest.mark.parametrize("patch", [False, True], ids=["plain", "patched"])
@pytest.mark.parametrize("setup", [
    "pass", "sock.bind('tcp://127.0.0.1:*')", "sock.bind('inproc://x')",
    "sock.connect('inproc://x')", "sock.connect('tcp://127.0.0.1:1')",
], ids=["nothing", "bound", "bound-inproc", "connected-inproc", "connected"])  # fmt: skip
def test_endless_wait_does_not_raise_loop_exit(setup, patch, program):
    """An endless wait goes on even if nothing can wake it.

    By default gevent would raise LoopExit then.
    """
    one = program(f"""
        sock = zmq.Context().socket(zmq.DEALER)
        {setup}
        say("waits")
        sock.recv()
    """, patch=patch)  # fmt: skip
    assert one.line() == "waits"
    with pytest.raises(subprocess.TimeoutExpired):
        one.process.wait(timeout=0.1)
