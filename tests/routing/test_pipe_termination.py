"""Messages that were sent before the end of a pipe are received, whichever side ended it."""

import pytest
from bare_pipes import words

import zlinkcompat as zmq

ENDS = {"peer leaves": "leave", "unbind or disconnect": "disconnect"}
each_end = pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)


@each_end
def test_unread_messages_survive_the_end_of_the_pipe(bench, receiver, end):
    sock = bench(receiver)
    peer = sock.peer(b"peer").send(b"1", [b"2", b"two"], b"3")
    getattr(peer, end)()
    assert sock.gone == []
    assert words(sock.received()) == [b"1", b"two", b"3"]
    assert sock.gone == [peer.near] and peer.near.closed
    assert sock.pattern.pipes == []


@each_end
def test_empty_pipe_is_removed_at_once(bench, receiver, end):
    sock = bench(receiver)
    peer = sock.peer(b"peer")
    getattr(peer, end)()
    assert sock.gone == [peer.near] and sock.pattern.pipes == []


@each_end
def test_poll_alone_frees_a_pipe_that_was_read(bench, receiver, end):
    sock = bench(receiver)
    peer = sock.peer(b"peer").send(b"x")
    getattr(peer, end)()
    assert words([sock.pattern.recv()]) == [b"x"]
    assert not sock.pattern.has_in()
    assert sock.gone == [peer.near]


def test_messages_after_a_disconnect_are_not_received(bench, receiver):
    sock = bench(receiver)
    peer = sock.peer(b"peer").send(b"before")
    # A peer in another thread is notified later, so it may still send after this.
    sock.pattern.disconnect(peer.near)
    peer.send(b"after")
    assert words(sock.received()) == [b"before"]
    assert peer.ended == 1


@each_end
def test_other_end_is_notified_once(bench, receiver, end):
    sock = bench(receiver)
    peer = sock.peer(b"peer").send(b"x")
    getattr(peer, end)()
    peer.leave()
    sock.received()
    peer.disconnect()
    peer.drop()
    assert peer.ended == (end == "disconnect")
    assert peer.near.closed


def test_close_drops_unread_messages(bench, receiver):
    sock = bench(receiver)
    peer = sock.peer(b"peer").send(b"x")
    peer.drop()
    assert sock.received() == [] and peer.ended == 1


def test_close_after_a_disconnect(bench, receiver):
    sock = bench(receiver)
    peer = sock.peer(b"peer").send(b"x")
    peer.disconnect()
    peer.drop()
    assert sock.received() == [] and peer.ended == 1 and sock.pattern.pipes == []


def test_hiccup_keeps_received_messages(bench, receiver):
    sock = bench(receiver)
    peer = sock.peer(b"peer").send(b"1")
    peer.far.hiccup()
    peer.send(b"2")
    assert words(sock.received()) == [b"1", b"2"]


@pytest.mark.parametrize("sender", [zmq.PUSH, zmq.DEALER, zmq.PAIR], ids=lambda kind: kind.name)
def test_messages_sent_before_a_disconnect_are_delivered(bench, sender):
    sock = bench(sender)
    peer = sock.peer()
    sock.pattern.send(b"x")
    peer.disconnect()
    assert peer.received() == [b"x"]
    assert not sock.pattern.send(b"y")


def test_request_is_answered_after_its_peer_left(bench):
    sock = bench(zmq.REP)
    peer = sock.peer().send([b"", b"question"])
    peer.disconnect()
    assert sock.received() == [b"question"]
    assert sock.pattern.send(b"answer")
    assert sock.pattern.pipes == [] or not sock.pattern.has_in()


def test_disconnect_drops_the_reply_of_the_server(bench):
    sock = bench(zmq.REQ)
    peer = sock.peer()
    assert sock.pattern.send(b"question")
    peer.send([b"", b"answer"])
    peer.disconnect()
    assert sock.received() == []


def test_reply_of_a_server_that_left_is_received(bench):
    sock = bench(zmq.REQ)
    peer = sock.peer()
    assert sock.pattern.send(b"question")
    peer.send([b"", b"answer"]).leave()
    assert sock.received() == [b"answer"]


def test_pair_accepts_the_next_peer_after_the_last_message(bench):
    sock = bench(zmq.PAIR)
    for word in b"1", b"2", b"3":
        peer = sock.peer()
        peer.send(word).leave()
        assert sock.peer() is None  # the last message of the first peer is unread
        assert sock.pattern.recv() == word
        # The next iteration attaches a peer: the PAIR accepts it without a call in between.


def test_queues_report_room_after_a_disconnect(bench):
    sock = bench(zmq.PULL)
    peer = sock.peer(hwm=2)
    while peer.far.write(b"x"):
        peer.far.flush()
    peer.disconnect()
    assert not peer.far.check_write()
    assert sock.received() == [b"x", b"x"]
