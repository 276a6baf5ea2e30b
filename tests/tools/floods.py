"""Floods: data that a hostile peer sends endlessly and that a server never delivers as messages.

``FLOODS`` maps the name of a flood to its function. The function takes a
:class:`stranger.Stranger`. It returns bytes to send again and again or, if the bytes differ each
time, a callable that returns the next ones.
"""

import os

import keyupdates
import wspeer
from rawpeer import MORE, greeting, property_bytes
from stranger import CONNECTED, ZERO_KEY

#: About how many bytes one ``send()`` gets.
CHUNK = 65536


def repeated(stranger, make):
    """Return a flood of what ``make()`` returns, in chunks.

    Encrypted frames differ each time, so ``make()`` is called for each of them.
    """
    if stranger.encrypts:
        return lambda: b"".join(make() for _ in range(256))
    one = make()
    return one * max(1, CHUNK // len(one))


# -- frames ----------------------------------------------------------------------------------


def more(stranger):
    """Empty frames of a message that never ends."""
    return repeated(stranger, lambda: stranger.frame(b"", MORE))


def unknown(stranger):
    """Unknown commands."""
    return repeated(stranger, lambda: stranger.command(b"UNHEARD-OF"))


def unknown_large(stranger):
    """Unknown commands of 60 KiB each."""
    return repeated(stranger, lambda: stranger.command(b"UNHEARD-OF", bytes(60 * 1024)))


def ping(stranger):
    """PINGs, each of which the server has to answer."""
    return repeated(stranger, lambda: stranger.command(b"PING", b"\0\0context"))


def pong(stranger):
    """PONGs without a PING."""
    return repeated(stranger, lambda: stranger.command(b"PONG", b"context"))


def subscription_pairs(stranger):
    """A subscription and its cancellation."""
    return repeated(
        stranger,
        lambda: stranger.command(b"SUBSCRIBE", b"topic") + stranger.command(b"CANCEL", b"topic"),
    )


def subscription_messages(stranger):
    """A subscription and its cancellation, sent as messages, as peers of ZMTP 3.0 do."""
    return repeated(stranger, lambda: stranger.message(b"\1topic") + stranger.message(b"\0topic"))


def unwanted(stranger):
    """Publications of a topic without subscribers."""
    return repeated(stranger, lambda: stranger.message(b"unwanted"))


def malformed_requests(stranger):
    """Requests without the empty frame that ends an envelope."""
    return repeated(stranger, lambda: stranger.message(b"request"))


def unasked_replies(stranger):
    """Replies to a REQ that has not sent a request to this peer."""
    return repeated(stranger, lambda: stranger.message(b"", b"reply"))


def user_messages(stranger):
    """Messages for the user of an XPUB that never receives."""
    return repeated(stranger, lambda: stranger.message(b"\x02" + bytes(100)))


# -- handshakes ------------------------------------------------------------------------------


def large_ready(stranger):
    """A READY command with 60 KiB of properties that are as small as possible."""
    names = (b"X-%05d" % number for number in range(4600))
    data = property_bytes(b"Socket-Type", b"DEALER")
    data += b"".join(property_bytes(name, b"") for name in names)
    return stranger.command(b"READY", data)


def second_ready(stranger):
    """READY commands in a state in which the mechanism does not allow them."""
    return repeated(stranger, lambda: stranger.command(b"READY"))


def garbage(stranger):
    """Random bytes."""
    return lambda: os.urandom(4096)


def leave(stranger):
    """Nothing: the peer closes its connection at once and opens another one."""
    return b""


def byte_by_byte(stranger):
    """A long valid command, to be sent in pieces of one byte."""
    if stranger.upto != CONNECTED:
        return lambda: stranger.command(b"UNHEARD-OF", bytes(60 * 1024))
    if stranger.web:
        return b"GET /x HTTP/1.1\r\nX-long: " + b"x" * 7000
    return greeting(mechanism=stranger.mechanism.name)


# -- below ZMTP ------------------------------------------------------------------------------


def ws_ping(stranger):
    return wspeer.frame(wspeer.PING, bytes(125), key=ZERO_KEY) * 500


def ws_ping_small(stranger):
    return wspeer.frame(wspeer.PING, key=ZERO_KEY) * 10_000


def ws_pong(stranger):
    return wspeer.frame(wspeer.PONG, key=ZERO_KEY) * 10_000


def ws_fragments(stranger):
    """Empty fragments of a message that has begun."""
    begin = [wspeer.frame(wspeer.BINARY, b"\0", fin=False, key=ZERO_KEY)]
    rest = wspeer.frame(wspeer.CONTINUATION, fin=False, key=ZERO_KEY) * 10_000
    return lambda: begin.pop() if begin else rest


def key_updates(stranger):
    """TLS key updates that request a key update in answer, as ciphertext of 64 at a time."""
    return lambda: keyupdates.update(stranger.stream.tls, stranger.stream.outgoing, 64, True)


def key_updates_unasked(stranger):
    return lambda: keyupdates.update(stranger.stream.tls, stranger.stream.outgoing, 64, False)


#: Floods whose bytes bypass TLS.
CIPHERTEXT = (key_updates, key_updates_unasked)

FLOODS = {
    each.__name__: each
    for each in (
        more,
        unknown,
        unknown_large,
        ping,
        pong,
        subscription_pairs,
        subscription_messages,
        unwanted,
        malformed_requests,
        unasked_replies,
        user_messages,
        large_ready,
        second_ready,
        garbage,
        leave,
        byte_by_byte,
        ws_ping,
        ws_ping_small,
        ws_pong,
        ws_fragments,
        key_updates,
        key_updates_unasked,
    )
}

#: Floods of ZMTP frames that fit any socket type. The two tuples after it are floods of the layers
#: below ZMTP.
ZMTP_FLOODS = (
    "more",
    "unknown",
    "unknown_large",
    "ping",
    "pong",
    "subscription_pairs",
    "byte_by_byte",
)
WEB_FLOODS = ("ws_ping", "ws_ping_small", "ws_pong", "ws_fragments")
TLS_FLOODS = ("key_updates", "key_updates_unasked")
