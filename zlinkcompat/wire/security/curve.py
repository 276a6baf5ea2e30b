"""CURVE: each side has a key pair, and all messages are encrypted (RFC 25, 26).

    client: HELLO, INITIATE        server: WELCOME, READY

Key names are the RFC's, spelled out: permanent keys, and short-term keys of one connection.

Source: RFC 26; libzmq ``src/curve_client.cpp``, ``curve_client_tools.hpp``, ``curve_server.cpp``.
"""

from __future__ import annotations

import os
from struct import pack, unpack_from
from typing import TYPE_CHECKING, Any

from zlinkcompat.wire.errors import (
    CRYPTOGRAPHIC,
    KEY_EXCHANGE,
    MALFORMED_HELLO,
    MALFORMED_INITIATE,
    MALFORMED_READY,
    ProtocolError,
)
from zlinkcompat.wire.security import sodium
from zlinkcompat.wire.security.mechanism import Mechanism
from zlinkcompat.wire.zmtp import commands

if TYPE_CHECKING:
    from zlinkcompat.core.options import Options


KEY_SIZE = 32
VERSION = b"\x01\x00"
#: Padding that makes a WELCOME no longer than the HELLO before it.
PADDING = bytes(72)
#: The content of the box in HELLO that proves knowledge of the server's key.
SIGNED = bytes(64)
COOKIE_SIZE = 96
VOUCH_SIZE = 80

CLIENT_MESSAGES = b"CurveZMQMESSAGEC"
SERVER_MESSAGES = b"CurveZMQMESSAGES"


class Curve(Mechanism):
    """Base of both sides, with the keys and nonces of this connection."""

    name = b"CURVE"
    sends = receives = b""

    def __init__(self, options: Options) -> None:
        Mechanism.__init__(self, options)
        self.expected = b""
        self.short_public, self.short_secret = sodium.keypair()
        self.shared = b""
        self.nonce = 0
        self.peer_nonce = 0

    def next_nonce(self) -> bytes:
        """Return the next short nonce of this side (8 bytes)."""
        self.nonce += 1
        return pack(">Q", self.nonce)

    def receive(self, name: bytes, data: bytes, offset: int) -> bytes | None:
        if name != self.expected:
            self.refuse(name, data, offset)
        return self.handle_command(data, offset)

    def handle_command(self, data: bytes, offset: int) -> bytes | None:
        """Handle the expected command of the peer; return the next command to send, or None."""
        raise NotImplementedError  # abstract: each subclass implements it

    def secure(self, decoder: Any, encoder: Any) -> None:
        encoder.secure(self.shared, self.sends, self.nonce + 1)
        decoder.secure(self.shared, self.receives, self.peer_nonce)

    def agree(self, public_key: bytes, offset: int) -> None:
        """Compute the key that encrypts this connection's messages."""
        self.shared = opened(sodium.shared_key(public_key, self.short_secret), "a key", offset)


class CurveClient(Curve):
    """The client: it has CURVE_PUBLICKEY and CURVE_SECRETKEY, and accepts only CURVE_SERVERKEY."""

    sends, receives = CLIENT_MESSAGES, SERVER_MESSAGES

    def start(self) -> Any:
        self.expected = b"WELCOME"
        nonce = self.next_nonce()
        signature = sodium.box(
            SIGNED, b"CurveZMQHELLO---" + nonce, self.options.curve_serverkey, self.short_secret
        )
        if signature is None:
            raise ProtocolError("CURVE_SERVERKEY is not a valid key", None, CRYPTOGRAPHIC)
        return commands.body(b"HELLO", VERSION + PADDING + self.short_public + nonce + signature)

    def handle_command(self, data: bytes, offset: int) -> bytes | None:
        if self.expected == b"WELCOME":
            self.expected = b"READY"
            return self.initiate(data, offset)
        if len(data) < 8 + sodium.MAC_SIZE:
            raise ProtocolError("READY is cut off", offset, MALFORMED_READY)
        nonce = data[:8]
        (self.peer_nonce,) = unpack_from(">Q", nonce)
        metadata = sodium.open_sealed(data[8:], b"CurveZMQREADY---" + nonce, self.shared)
        self.accept_untrusted(opened(metadata, "READY", offset), offset)
        self.done = True
        return None

    def initiate(self, welcome: bytes, offset: int) -> bytes:
        """Return INITIATE, the reply to a ``welcome``."""
        options = self.options
        told = (
            sodium.open_box(
                welcome[16:], b"WELCOME-" + welcome[:16], options.curve_serverkey, self.short_secret
            )
            if len(welcome) == 160
            else None
        )
        told = opened(told, "WELCOME", offset)
        server, cookie = told[:KEY_SIZE], told[KEY_SIZE:]
        self.agree(server, offset)
        long_nonce = os.urandom(16)
        vouch = sodium.box(
            self.short_public + options.curve_serverkey,
            b"VOUCH---" + long_nonce,
            server,
            options.curve_secretkey,
        )
        nonce = self.next_nonce()
        proof = sodium.seal(
            options.curve_publickey
            + long_nonce
            + opened(vouch, "WELCOME", offset)
            + self.properties(),
            b"CurveZMQINITIATE" + nonce,
            self.shared,
        )
        return commands.body(b"INITIATE", cookie + nonce + proof)


class CurveServer(Curve):
    """The server: it has CURVE_SECRETKEY. It accepts every client that knows its public key,
    unless a ZAP handler rejects the client."""

    as_server = True
    sends, receives = SERVER_MESSAGES, CLIENT_MESSAGES

    def start(self) -> None:
        self.expected = b"HELLO"

    def handle_command(self, data: bytes, offset: int) -> bytes | None:
        if self.expected == b"HELLO":
            self.expected = b"INITIATE"
            return self.welcome(data, offset)
        # The peer may not send a command before the ZAP reply.
        self.expected = b""
        client_key = self.identify(data, offset)
        options = self.options
        if options.zap_domain or not options.zap_enforce_domain:
            self.ask([client_key], bool(options.zap_enforce_domain))
            return None
        return self.admitted()

    def admitted(self) -> bytes:
        nonce = self.next_nonce()
        proof = sodium.seal(self.properties(), b"CurveZMQREADY---" + nonce, self.shared)
        self.done = True
        return commands.body(b"READY", nonce + proof)

    def welcome(self, hello: bytes, offset: int) -> bytes:
        """Return WELCOME, the reply to a ``hello``."""
        if len(hello) != 194 or hello[:2] != VERSION:
            raise ProtocolError("HELLO has a wrong size or version", offset, MALFORMED_HELLO)
        secret_key = self.options.curve_secretkey
        self.client_short = client = hello[74:106]
        signed = sodium.open_box(
            hello[114:], b"CurveZMQHELLO---" + hello[106:114], client, secret_key
        )
        opened(signed, "HELLO", offset)
        self.cookie_key = os.urandom(KEY_SIZE)
        nonce = os.urandom(16)
        cookie = nonce + sodium.secret_box(
            client + self.short_secret, b"COOKIE--" + nonce, self.cookie_key
        )
        nonce = os.urandom(16)
        told = sodium.box(self.short_public + cookie, b"WELCOME-" + nonce, client, secret_key)
        return commands.body(b"WELCOME", nonce + told)

    def identify(self, initiate: bytes, offset: Any) -> bytes:
        """Return the client's permanent public key, which its INITIATE proves."""
        from hmac import compare_digest  # loads OpenSSL, so import it only with CURVE

        least = COOKIE_SIZE + 8 + sodium.MAC_SIZE + KEY_SIZE + 16 + VOUCH_SIZE
        if len(initiate) < least:
            raise ProtocolError("INITIATE is cut off", offset, MALFORMED_INITIATE)
        cookie = sodium.open_secret_box(
            initiate[16:COOKIE_SIZE], b"COOKIE--" + initiate[:16], self.cookie_key
        )
        kept = self.client_short + self.short_secret
        if not compare_digest(opened(cookie, "the cookie", offset), kept):
            raise ProtocolError("the cookie belongs to another client", offset, CRYPTOGRAPHIC)
        self.agree(self.client_short, offset)
        nonce = initiate[COOKIE_SIZE : COOKIE_SIZE + 8]
        (self.peer_nonce,) = unpack_from(">Q", nonce)
        proof = sodium.open_sealed(
            initiate[COOKIE_SIZE + 8 :], b"CurveZMQINITIATE" + nonce, self.shared
        )
        opened(proof, "INITIATE", offset)
        client_key, long_nonce = proof[:KEY_SIZE], proof[KEY_SIZE : KEY_SIZE + 16]
        end = KEY_SIZE + 16 + VOUCH_SIZE
        vouch = sodium.open_box(
            proof[KEY_SIZE + 16 : end], b"VOUCH---" + long_nonce, client_key, self.short_secret
        )
        ours = sodium.public_of(self.options.curve_secretkey)
        if not compare_digest(opened(vouch, "the vouch", offset), self.client_short + ours):
            raise ProtocolError("the client vouches for other keys", offset, KEY_EXCHANGE)
        self.accept_untrusted(proof[end:], offset)
        return client_key


def opened(data: bytes | None, what: str, offset: int) -> bytes:
    """Return ``data``; raise ProtocolError if it is None, because the keys did not fit."""
    if data is None:
        raise ProtocolError(f"{what} cannot be opened with our keys", offset, CRYPTOGRAPHIC)
    return data
