"""SNDTIMEO and RCVTIMEO limit how long a call waits, in milliseconds, and nothing else."""

import time

import gevent
import pytest
from guard import GUARD
from meeting import LARGE, fill, narrow, raises, raises_again, values, waiting

import zlinkcompat as zmq


def numbered(number):
    return [b"%d" % number, LARGE]


def milliseconds_until_again(call, *args):
    began = time.monotonic()
    with raises_again():
        call(*args)
    return (time.monotonic() - began) * 1000


@pytest.mark.parametrize("timeout", [0, 1, 30])
def test_recv_raises_after_rcvtimeo(connected_pair, timeout):
    pull, push = connected_pair(zmq.PULL, zmq.PUSH, a={"rcvtimeo": timeout})
    for recv in pull.recv, pull.recv_multipart:
        assert milliseconds_until_again(recv) >= timeout
    push.send(b"x")
    pull.rcvtimeo = GUARD * 1000
    assert pull.recv() == b"x"


@pytest.mark.parametrize("timeout", [0, 1, 30])
def test_send_raises_after_sndtimeo(bound, make, timeout):
    push = bound(zmq.PUSH, sndtimeo=timeout)
    for call, message in (push.send, b"x"), (push.send_multipart, [b"x", b"y"]):
        assert milliseconds_until_again(call, message) >= timeout
    assert milliseconds_until_again(push.send, b"x", zmq.SNDMORE) >= timeout
    pull = make(zmq.PULL)
    pull.connect(push.last_endpoint)
    push.sndtimeo = GUARD * 1000
    push.send(b"last")
    # No part of the refused messages arrives.
    assert pull.recv_multipart() == [b"last"]


def test_send_to_a_full_peer_raises_after_sndtimeo(connected_pair):
    push, pull = connected_pair(zmq.PUSH, zmq.PULL, **narrow(1, 1))
    accepted = fill(push, numbered)
    push.sndtimeo = 30
    assert milliseconds_until_again(push.send, b"refused") >= 30
    push.sndtimeo = GUARD * 1000
    assert [pull.recv_multipart() for _ in accepted] == accepted
    push.send(b"last")
    assert pull.recv() == b"last"


def test_noblock_does_not_wait(connected_pair):
    pull, push = connected_pair(zmq.PULL, zmq.PUSH, a={"rcvtimeo": -1}, b={"sndtimeo": -1})
    with raises_again():
        pull.recv(zmq.NOBLOCK)
    pull.close()
    with raises_again():
        while True:
            push.send(LARGE, zmq.NOBLOCK)


def test_recv_without_timeout_waits(connected_pair, make):
    pull, push = connected_pair(zmq.PULL, zmq.PUSH, a={"rcvtimeo": -1})
    receiving = waiting(pull.recv)
    # Wait for 30 ms, longer than the timeouts of the other tests. The receiver must still wait.
    with raises_again():
        make(zmq.PULL, rcvtimeo=30).recv()
    assert not receiving.ready()
    push.send(b"x")
    assert values([receiving]) == [b"x"]


def test_message_ends_the_wait_early(connected_pair):
    pull, push = connected_pair(zmq.PULL, zmq.PUSH, a={"rcvtimeo": 60000})
    receiving = waiting(pull.recv)
    push.send(b"x")
    assert values([receiving]) == [b"x"]


def test_room_ends_the_wait_early(connected_pair):
    push, pull = connected_pair(zmq.PUSH, zmq.PULL, **narrow(1, 1))
    accepted = fill(push, numbered)
    push.sndtimeo = 60000
    sending = waiting(push.send, b"last")
    assert [pull.recv_multipart() for _ in accepted] == accepted
    values([sending])
    assert pull.recv() == b"last"


def test_several_receivers_time_out_separately(connected_pair):
    pull, push = connected_pair(zmq.PULL, zmq.PUSH)
    pull.rcvtimeo = 20
    early = waiting(pull.recv)
    pull.rcvtimeo = GUARD * 1000
    late = waiting(pull.recv)
    assert isinstance(early.get(timeout=GUARD), zmq.Again)
    assert not late.ready()
    push.send(b"x")
    assert values([late]) == [b"x"]


@pytest.mark.parametrize("timeout", [0, 20])
def test_req_may_receive_after_its_timeout(connected_pair, timeout):
    rep, req = connected_pair(zmq.REP, zmq.REQ)
    req.send(b"?")
    req.rcvtimeo = timeout
    with raises_again():
        req.recv()
    with raises(zmq.EFSM):
        req.send(b"??")
    rep.send(rep.recv() + b"!")
    req.rcvtimeo = GUARD * 1000
    assert req.recv() == b"?!"


def test_timeout_does_not_truncate_a_message(connected_pair):
    push, pull = connected_pair(zmq.PUSH, zmq.PULL, **narrow(1, 1))
    push.sndtimeo = pull.rcvtimeo = 1
    parts = [LARGE] * 20
    sent = received = 0
    while received < 10:
        if sent < 10:
            try:
                push.send_multipart([b"%d" % sent, *parts])
                sent += 1
            except zmq.Again:
                pass
        try:
            assert pull.recv_multipart() == [b"%d" % received, *parts]
            received += 1
        except zmq.Again:
            pass
    assert sent == received


def test_other_greenlets_run_while_a_socket_waits(connected_pair):
    pull, _ = connected_pair(zmq.PULL, zmq.PUSH, a={"rcvtimeo": 50})
    ran = []
    ticking = gevent.spawn(lambda: [ran.append(gevent.sleep(0.001)) for _ in range(10)])
    with raises_again():
        pull.recv()
    ticking.get(timeout=GUARD)
    assert len(ran) == 10
