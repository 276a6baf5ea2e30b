"""Several greenlets may wait in one socket, and each message goes to one of them.

No greenlet waits forever. If a greenlet is killed or times out, no message is lost.
"""

import gevent
import gevent.event
import pytest
from guard import GUARD
from meeting import (
    LARGE,
    connect,
    error_of,
    fill,
    narrow,
    raises,
    until_subscribed,
    values,
    waiting,
)

import zlinkcompat as zmq
from zlinkcompat._runtime import log_queue

WAITING = 8


def name(value):
    return value.name


def numbered(number):
    return [b"%d" % number, LARGE]


def bodies(count):
    return [b"%d" % number for number in range(count)]


@pytest.fixture(
    params=[
        (zmq.PULL, zmq.PUSH), (zmq.DEALER, zmq.DEALER), (zmq.PAIR, zmq.PAIR),
        (zmq.ROUTER, zmq.DEALER), (zmq.SUB, zmq.PUB), (zmq.XSUB, zmq.XPUB), (zmq.XPUB, zmq.XSUB),
    ],
    ids=lambda pair: "%s-%s" % tuple(map(name, pair)),
)  # fmt: skip
def receiver_and_sender(request, connected_pair):
    """Return a socket of each receiving type, with a peer that may send to it."""
    receiver, sender = connected_pair(*request.param)
    if receiver.type == zmq.SUB:
        receiver.subscribe(b"")
        until_subscribed(sender, receiver)
    if receiver.type == zmq.XSUB:
        receiver.send(b"\1")
        assert sender.recv() == b"\1"
    return receiver, sender


@pytest.fixture(
    params=[(zmq.PUSH, zmq.PULL), (zmq.DEALER, zmq.DEALER), (zmq.PAIR, zmq.PAIR)],
    ids=lambda pair: "%s-%s" % tuple(map(name, pair)),
)
def full(request, connected_pair):
    """Return a sender that is full, its peer, and the messages that the sender has accepted."""
    sender, receiver = connected_pair(*request.param, **narrow(2, 2))
    accepted = fill(sender, numbered)
    sender.sndtimeo = -1
    return sender, receiver, accepted


@pytest.fixture
def warnings(caplog):
    """``warnings()`` returns the warnings that the core has logged so far."""

    def warnings():
        log_queue.flush()
        return [
            each.getMessage()
            for each in caplog.records
            if each.name == "zlinkcompat.core" and each.levelname == "WARNING"
        ]

    return warnings


def last_frame(sock):
    return sock.recv_multipart()[-1]


# -- all are served ------------------------------------------------------------------------


def test_each_message_goes_to_one_receiver(receiver_and_sender):
    receiver, sender = receiver_and_sender
    receivers = [waiting(last_frame, receiver) for _ in range(WAITING)]
    for body in bodies(WAITING):
        sender.send(body)
    assert sorted(values(receivers)) == bodies(WAITING)
    assert receiver.poll(0) == 0


def test_receivers_are_woken_by_messages_that_come_one_by_one(receiver_and_sender):
    receiver, sender = receiver_and_sender
    receivers = [waiting(last_frame, receiver) for _ in range(WAITING)]
    for count, body in enumerate(bodies(WAITING), 1):
        sender.send(body)
        assert len(gevent.wait(receivers, timeout=GUARD, count=count)) == count
    assert sorted(values(receivers)) == bodies(WAITING)


def test_more_receivers_than_messages(receiver_and_sender):
    receiver, sender = receiver_and_sender
    receivers = [waiting(last_frame, receiver) for _ in range(WAITING)]
    for body in bodies(3):
        sender.send(body)
    served = gevent.wait(receivers, timeout=GUARD, count=3)
    assert sorted(values(served)) == bodies(3)
    assert sum(greenlet.ready() for greenlet in receivers) == 3
    gevent.killall(receivers)


def test_receivers_of_many_peers(bound, make):
    pull = bound(zmq.PULL)
    receivers = [waiting(pull.recv) for _ in range(WAITING)]
    pushes = [make(zmq.PUSH) for _ in range(WAITING)]
    for push, body in zip(pushes, bodies(WAITING), strict=True):
        connect(push, pull)
        push.send(body)
    assert sorted(values(receivers)) == bodies(WAITING)


def test_receivers_in_a_loop_receive_everything(connected_pair):
    pull, push = connected_pair(zmq.PULL, zmq.PUSH)
    received = []

    def receive():
        while (message := pull.recv()) != b"end":
            received.append(int(message))

    receivers = [waiting(receive) for _ in range(WAITING)]
    for number in range(500):
        push.send(b"%d" % number)
    for _ in receivers:
        push.send(b"end")
    values(receivers)
    assert sorted(received) == list(range(500))


def test_each_waiting_message_is_sent_once(full):
    sender, receiver, accepted = full
    senders = [waiting(sender.send, body) for body in bodies(WAITING)]
    assert [receiver.recv_multipart() for _ in accepted] == accepted
    assert sorted(receiver.recv() for _ in senders) == bodies(WAITING)
    values(senders)
    assert receiver.poll(0) == 0


def test_waiting_messages_of_several_parts_do_not_mix(full):
    sender, receiver, accepted = full
    messages = [[body] * 5 for body in bodies(WAITING)]
    senders = [waiting(sender.send_multipart, message) for message in messages]
    for _ in accepted:
        receiver.recv_multipart()
    assert sorted(receiver.recv_multipart() for _ in senders) == messages
    values(senders)


def test_frames_of_greenlets_that_never_yield_do_not_mix(full, warnings):
    sender, receiver, accepted = full

    def send(body):
        for _ in range(3):
            sender.send(body, zmq.SNDMORE)
        sender.send(body)

    senders = [waiting(send, body) for body in bodies(WAITING)]
    for _ in accepted:
        receiver.recv_multipart()
    assert sorted(receiver.recv_multipart() for _ in senders) == [[b] * 4 for b in bodies(WAITING)]
    values(senders)
    assert warnings() == []


@pytest.mark.provokes("another greenlet began")
def test_waiting_frame_does_not_lose_frames_of_others(bound, make, warnings):
    push = bound(zmq.PUSH)
    begun, may_finish = gevent.event.Event(), gevent.event.Event()

    def send_slowly():
        push.send(b"1", zmq.SNDMORE)
        begun.set()
        may_finish.wait(GUARD)
        push.send(b"end")

    # When the first peer connects, it wakes the greenlet that has waited longest. The second peer
    # wakes the other greenlet.
    senders = [waiting(send_slowly), waiting(push.send, b"2", zmq.SNDMORE)]
    pulls = [make(zmq.PULL, rcvtimeo=0) for _ in range(2)]
    connect(pulls[0], push)
    assert begun.wait(GUARD)
    connect(pulls[1], push)
    values(senders[1:])
    may_finish.set()
    values(senders[:1])
    poller = zmq.Poller()
    for pull in pulls:
        poller.register(pull, zmq.POLLIN)
    ((ready, _),) = poller.poll(GUARD * 1000)
    assert ready.recv_multipart() == [b"1", b"2", b"end"]
    (text,) = warnings()
    assert "a message that another greenlet began with SNDMORE" in text


@pytest.mark.provokes("another greenlet began")
def test_message_may_be_finished_by_another_greenlet(connected_pair, warnings):
    push, pull = connected_pair(zmq.PUSH, zmq.PULL)
    for _ in range(2):
        push.send(b"begun", zmq.SNDMORE)
        gevent.spawn(push.send, b"finished").get(timeout=GUARD)
        assert pull.recv_multipart() == [b"begun", b"finished"]
    assert len(warnings()) == 1


@pytest.mark.parametrize("sender", [zmq.PUSH, zmq.DEALER], ids=name)
def test_senders_wait_for_a_peer(bound, make, sender):
    one = bound(sender)
    senders = [waiting(one.send, body) for body in bodies(WAITING)]
    pull = make(zmq.PULL if sender == zmq.PUSH else zmq.DEALER)
    pull.connect(one.last_endpoint)
    assert sorted(pull.recv() for _ in senders) == bodies(WAITING)
    values(senders)


def test_senders_and_receivers_wait_together(connected_pair):
    one, other = connected_pair(zmq.DEALER, zmq.DEALER, **narrow(2, 2))
    accepted = fill(one, numbered)
    senders = [waiting(one.send, body) for body in bodies(3)]
    receivers = [waiting(one.recv) for _ in range(3)]
    for body in bodies(3):
        other.send(body)
    assert sorted(values(receivers)) == bodies(3)
    assert not any(greenlet.ready() for greenlet in senders)
    assert [other.recv_multipart() for _ in accepted] == accepted
    assert sorted(other.recv() for _ in senders) == bodies(3)
    values(senders)


def test_all_pollers_are_woken(receiver_and_sender):
    receiver, sender = receiver_and_sender
    pollers = [waiting(receiver.poll, GUARD * 1000) for _ in range(WAITING)]
    sender.send(b"x")
    assert values(pollers) == [zmq.POLLIN] * WAITING
    assert last_frame(receiver) == b"x"


# -- kill and gevent.Timeout ---------------------------------------------------------------


def test_killed_receiver_loses_no_message(receiver_and_sender):
    receiver, sender = receiver_and_sender
    killed, other = waiting(last_frame, receiver), waiting(last_frame, receiver)
    killed.kill()
    sender.send(b"x")
    assert values([other]) == [b"x"]
    sender.send(b"y")
    assert last_frame(receiver) == b"y"


def test_receiver_killed_as_a_message_arrives_loses_nothing(receiver_and_sender):
    # Kill the receiver before the hub runs, when the message may already have woken it.
    receiver, sender = receiver_and_sender
    for body in bodies(20):
        killed = waiting(last_frame, receiver)
        sender.send(body)
        killed.kill(block=False)
        killed.join(GUARD)
        if killed.value != body:
            assert last_frame(receiver) == body
    assert receiver.poll(0) == 0


def test_killed_receiver_passes_its_wakeup_on(receiver_and_sender):
    receiver, sender = receiver_and_sender
    killed, other = waiting(last_frame, receiver), waiting(last_frame, receiver)
    sender.send(b"x")
    killed.kill(block=False)
    killed.join(GUARD)
    if killed.value != b"x":
        assert values([other]) == [b"x"]
    else:
        sender.send(b"y")
        assert values([other]) == [b"y"]


def test_timed_out_receiver_loses_no_message(receiver_and_sender):
    receiver, sender = receiver_and_sender
    with gevent.Timeout(0.005, False):
        receiver.recv()
    with pytest.raises(gevent.Timeout), gevent.Timeout(0.005):
        receiver.recv_multipart()
    sender.send(b"x")
    assert last_frame(receiver) == b"x"


def test_no_message_is_lost_to_timeouts(receiver_and_sender):
    receiver, sender = receiver_and_sender
    count = 100

    def send():
        for body in bodies(count):
            sender.send(body)
            gevent.sleep(0.0003)

    sending = gevent.spawn(send)
    received = []
    with gevent.Timeout(GUARD):
        while len(received) < count:
            with gevent.Timeout(0.0002, False):
                received.append(last_frame(receiver))
    assert received == bodies(count)
    values([sending])


def test_killed_sender_sends_nothing(full):
    sender, receiver, accepted = full
    killed, other = waiting(sender.send, b"killed"), waiting(sender.send, b"other")
    killed.kill()
    assert [receiver.recv_multipart() for _ in accepted] == accepted
    assert receiver.recv() == b"other"
    values([other])
    sender.send(b"next")
    assert receiver.recv() == b"next"


def test_killed_sender_passes_its_wakeup_on(full):
    sender, receiver, accepted = full
    killed, other = waiting(sender.send, b"killed"), waiting(sender.send, b"other")
    for _ in accepted:
        receiver.recv_multipart()
    killed.kill(block=False)
    received = [receiver.recv()]
    if received == [b"killed"]:  # the killed greenlet had already sent its message
        received.append(receiver.recv())
    assert received[-1] == b"other"
    values([other])


def test_timed_out_sender_sends_nothing(full):
    sender, receiver, accepted = full
    with gevent.Timeout(0.005, False):
        sender.send_multipart([b"timed", b"out"])
    with gevent.Timeout(0.005, False):
        sender.send(b"timed out", zmq.SNDMORE)
    assert [receiver.recv_multipart() for _ in accepted] == accepted
    sender.send(b"next")
    assert receiver.recv_multipart() == [b"next"]


def test_killed_poller_leaves_the_socket_usable(receiver_and_sender):
    receiver, sender = receiver_and_sender
    waiting(receiver.poll, GUARD * 1000).kill()
    with gevent.Timeout(0.005, False):
        receiver.poll(GUARD * 1000)
    sender.send(b"x")
    assert receiver.poll(GUARD * 1000) == zmq.POLLIN
    assert last_frame(receiver) == b"x"


def test_killed_requester_may_still_receive(connected_pair):
    rep, req = connected_pair(zmq.REP, zmq.REQ)
    req.send(b"?")
    waiting(req.recv).kill()
    with raises(zmq.EFSM):
        req.send(b"??")
    rep.send(rep.recv() + b"!")
    assert req.recv() == b"?!"


# -- close and term ------------------------------------------------------------------------

CALLS = {
    "recv": lambda sock: sock.recv(),
    "recv_multipart": lambda sock: sock.recv_multipart(),
    "poll": lambda sock: sock.poll(GUARD * 1000),
}
each_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
SENDS = {
    "send": lambda sock: sock.send(b"x"),
    "send_multipart": lambda sock: sock.send_multipart([b"x", b"y"]),
    "send a part": lambda sock: sock.send(b"x", zmq.SNDMORE),
    "poll": lambda sock: sock.poll(GUARD * 1000, zmq.POLLOUT),
}
each_send = pytest.mark.parametrize("call", SENDS.values(), ids=SENDS)
CLOSED = (zmq.ZMQError, zmq.ENOTSOCK)
TERMINATED = (zmq.ContextTerminated, zmq.ETERM)


@each_call
def test_close_ends_the_wait_of_receivers(receiver_and_sender, call):
    receiver, _ = receiver_and_sender
    receivers = [waiting(call, receiver) for _ in range(3)]
    receiver.close()
    assert [error_of(greenlet) for greenlet in receivers] == [CLOSED] * 3


@each_send
def test_close_ends_the_wait_of_senders(full, call):
    sender, _, _ = full
    senders = [waiting(call, sender) for _ in range(3)]
    sender.close(linger=0)
    assert [error_of(greenlet) for greenlet in senders] == [CLOSED] * 3


@each_call
def test_term_ends_the_wait_of_receivers(context, receiver_and_sender, call):
    receiver, sender = receiver_and_sender
    receivers = [waiting(call, receiver) for _ in range(3)]
    terminating = waiting(context.term)
    assert [error_of(greenlet) for greenlet in receivers] == [TERMINATED] * 3
    for sock in receiver, sender:
        sock.close()
    values([terminating])


@each_send
def test_term_ends_the_wait_of_senders(context, full, call):
    sender, receiver, _ = full
    senders = [waiting(call, sender) for _ in range(3)]
    terminating = waiting(context.term)
    assert [error_of(greenlet) for greenlet in senders] == [TERMINATED] * 3
    receiver.close()
    sender.close(linger=0)
    values([terminating])


def test_waits_of_other_sockets_go_on(connected_pair):
    pull, push = connected_pair(zmq.PULL, zmq.PUSH)
    other_pull, _ = connected_pair(zmq.PULL, zmq.PUSH)
    receiving, closed = waiting(pull.recv), waiting(other_pull.recv)
    other_pull.close()
    assert error_of(closed) == CLOSED
    assert not receiving.ready()
    push.send(b"x")
    assert values([receiving]) == [b"x"]
