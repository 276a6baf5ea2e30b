"""Helpers for hand-written clients of WebSocket endpoints."""

import gevent
from guard import GUARD
from wspeer import ACCEPT, read_frame, read_head, request

import zlinkcompat as zmq

WS_UNSPECIFIED = 0x30000000


def frame(opcode, payload, first=0x80, mask=True):
    """Return a short or medium frame from a client; its mask leaves the payload readable."""
    bit = 0x80 if mask else 0
    size = len(payload)
    head = bytes([first | opcode])
    head += bytes([bit | size]) if size < 126 else bytes([bit | 126]) + size.to_bytes(2, "big")
    return head + (bytes(4) if mask else b"") + payload


def with_handshake_done(peer, **options):
    """Do the handshake of a hand-written client, without a mechanism, and return the client."""
    peer.send(request(**options), frame(2, b"\0me"))
    head = read_head(peer)
    assert head.startswith(b"HTTP/1.1 101") and ACCEPT in head
    assert read_frame(peer) == (0x82, b"\0")
    return peer


def still_works(sock, make):
    push = make(zmq.PUSH, linger=0)
    push.connect(sock.last_endpoint)
    push.send(b"undisturbed")
    assert sock.recv() == b"undisturbed"


def in_thread(call, *args):
    """Run a blocking call of another library in another thread, so that this hub runs."""
    with gevent.Timeout(GUARD):
        return gevent.get_hub().threadpool.apply(call, args)
