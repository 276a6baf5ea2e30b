"""PLAIN: the client sends a user name and a password in clear text (RFC 24).

    client: HELLO, INITIATE        server: WELCOME, READY

Source: RFC 24; libzmq ``src/plain_client.cpp``, ``plain_server.cpp``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat.wire.errors import MALFORMED_HELLO, MALFORMED_WELCOME, ProtocolError
from zlinkcompat.wire.security.mechanism import Mechanism
from zlinkcompat.wire.zmtp import commands

if TYPE_CHECKING:
    from zlinkcompat.core.options import Options


class Plain(Mechanism):
    """Base of both sides, which expects one particular command at a time."""

    name = b"PLAIN"

    def __init__(self, options: Options) -> None:
        Mechanism.__init__(self, options)
        self.expected = b""

    def receive(self, name: bytes, data: bytes, offset: int) -> bytes | None:
        if name != self.expected:
            self.refuse(name, data, offset)
        return self.handle_command(data, offset)

    def handle_command(self, data: bytes, offset: int) -> bytes | None:
        """Handle the expected command of the peer; return the next command to send, or None."""
        raise NotImplementedError  # abstract: each subclass implements it


class PlainClient(Plain):
    """The client: it sends PLAIN_USERNAME and PLAIN_PASSWORD."""

    def start(self) -> Any:
        self.expected = b"WELCOME"
        return commands.body(
            b"HELLO", brief(self.options.plain_username) + brief(self.options.plain_password)
        )

    def handle_command(self, data: bytes, offset: int) -> bytes | None:
        if self.expected == b"WELCOME":
            if data:
                raise ProtocolError("WELCOME has data", offset, MALFORMED_WELCOME)
            self.expected = b"READY"
            return commands.body(b"INITIATE", self.properties())
        self.accept_untrusted(data, offset)
        self.done = True
        return None


class PlainServer(Plain):
    """The server: it accepts the clients that a ZAP handler accepts, and without one, none."""

    as_server = True

    def start(self) -> None:
        self.expected = b"HELLO"

    def handle_command(self, data: bytes, offset: int) -> bytes | None:
        if self.expected == b"HELLO":
            # The peer may not send a command before the ZAP reply.
            self.expected = b""
            self.ask(parse_hello_untrusted(data, offset), True)
            return None
        self.accept_untrusted(data, offset)
        self.done = True
        return commands.body(b"READY", self.properties())

    def admitted(self) -> bytes:
        self.expected = b"INITIATE"
        return commands.body(b"WELCOME")


def brief(value: bytes) -> bytes:
    """Return ``value`` (at most 255 bytes) with its length in front."""
    return bytes([len(value)]) + value


def parse_hello_untrusted(data: bytes, offset: int) -> list[Any]:
    """Return ``[user name, password]`` from a HELLO; raise ProtocolError if its size is wrong."""
    username = data[1 : 1 + data[0]] if data else b""
    rest = data[1 + len(username) :]
    if not rest or len(username) != data[0] or len(rest) != 1 + rest[0]:
        raise ProtocolError("HELLO is not a user name and a password", offset, MALFORMED_HELLO)
    return [username, rest[1:]]
