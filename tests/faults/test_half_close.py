"""If a peer closes only its sending side, the messages that it sent before are received whole."""

from socket import SHUT_WR

import pytest
from rawpeer import greeting, message, ping, ready
from watching import E

import zlinkcompat as zmq

HELLO = greeting() + ready(b"PUSH")
MESSAGES = [[b"first"], [b"second", b"", b"2" * 300], [b"third" * 5]]


def said(number):
    """Return all bytes that a peer sends, and the offset at which each message ends."""
    data, ends = HELLO, []
    for frames in MESSAGES:
        data += message(b"%d" % number, *frames)
        ends.append(len(data))
    return data, ends


def test_half_close_at_every_byte(bound, raw):
    sock = bound(zmq.PULL)
    expected = []
    for at in range(len(said(100)[0]) + 1):
        data, ends = said(100 + at)
        peer = raw(sock.last_endpoint)
        peer.send(data[:at])
        peer.sock.shutdown(SHUT_WR)
        # The peer could still read, but our socket closes the connection.
        peer.read_to_end()
        peer.close()
        expected += [
            [b"%d" % (100 + at), *frames]
            for frames, end in zip(MESSAGES, ends, strict=True)
            if end <= at
        ]
    got = [sock.recv_multipart() for _ in expected]
    assert sorted(got) == sorted(expected)
    assert not sock.poll(10)


def test_messages_before_half_close_wait_for_a_full_receiver(bound, raw, monitor):
    sock = bound(zmq.PULL, rcvhwm=1)
    events = monitor(sock, E.DISCONNECTED)
    peer = raw(sock.last_endpoint)
    peer.handshake(b"PUSH")
    peer.send(*(message(b"%d" % number, bytes(1000)) for number in range(500)), b"\1\5cut")
    peer.sock.shutdown(SHUT_WR)
    for number in range(500):
        assert sock.recv_multipart() == [b"%d" % number, bytes(1000)]
    events.next()
    assert not sock.poll(10)


def test_half_closed_peer_receives_messages_sent_before(bound, raw):
    sock = bound(zmq.DEALER)
    peer = raw(sock.last_endpoint)
    peer.handshake(b"DEALER")
    peer.send(message(b"hello"))
    assert sock.recv() == b"hello"
    sock.send_multipart([b"to", b"you" * 1000])
    peer.send(ping(0, b"and this"))
    peer.sock.shutdown(SHUT_WR)
    assert peer.read_message() == [b"to", b"you" * 1000]


@pytest.mark.parametrize("done", [0, 5, 10, 64, len(HELLO) - 1, len(HELLO)])
def test_connecter_resends_unread_messages_after_reconnect(done, make, raw_listener):
    listener = raw_listener()
    push = make(zmq.PUSH, reconnect_ivl=1)
    push.connect(listener.endpoint)
    push.send(b"early")
    first = listener.accept()
    first.send((greeting() + ready(b"PULL"))[:done])
    first.sock.shutdown(SHUT_WR)
    taken = b"early" in first.read_to_end()
    second = listener.accept()
    second.handshake(b"PULL")
    push.send_multipart([b"whole", b"message"])
    assert taken or second.read_message() == [b"early"]
    assert second.read_message() == [b"whole", b"message"]
    assert taken == (done == len(HELLO))
