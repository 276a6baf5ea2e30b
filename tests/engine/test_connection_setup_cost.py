"""A new connection causes no unnecessary work for the existing connections."""

from socket import create_connection

import gevent
import greenlet
import pytest
from guard import GUARD
from rawpeer import GREETING_SIZE, greeting, message, name_of, ready
from watching import E

import zlinkcompat as zmq
from zlinkcompat.transports import tcp


@pytest.mark.hub
def test_complete_handshake_is_answered_with_one_write(phases, bound, monitor):
    sock = bound(zmq.PULL)
    events = monitor(sock, E.HANDSHAKE_SUCCEEDED)
    # Connect with a native socket, whose calls do not run the hub. So the listener accepts the peer
    # after everything has been sent.
    with create_connection(name_of(sock.last_endpoint)[1]) as peer:
        peer.sendall(greeting() + ready(b"PUSH"))
        events.next()
        assert phases.of(sock, "write_calls") == 1
        assert peer.recv(GREETING_SIZE) == greeting()


@pytest.mark.hub
def test_silent_peer_does_not_wake_a_receiver(bound, raw, monitor):
    sock = bound(zmq.PULL)
    events = monitor(sock, E.HANDSHAKE_SUCCEEDED)
    receiver = gevent.spawn(sock.recv)
    gevent.sleep(0)
    woken = []

    def note(event, switch):
        if switch[1] is receiver:
            woken.append(event)

    before = greenlet.settrace(note)
    try:
        for _ in range(10):
            peer = raw(sock.last_endpoint)
            peer.handshake(b"PUSH")
            events.next()
        assert not woken
        peer.send(message(b"for you"))
        assert receiver.get(timeout=GUARD) == b"for you" and woken
    finally:
        greenlet.settrace(before)


@pytest.mark.hub
def test_socket_closed_while_accepting_a_peer(bound, raw, monkeypatch):
    accept = tcp.accept

    def closes(listening):
        found = accept(listening)
        sock.close(0)
        return found

    monkeypatch.setattr(tcp, "accept", closes)
    sock = bound(zmq.PULL, handshake_ivl=0)
    assert raw(sock.last_endpoint).sock.recv(100) == b""
