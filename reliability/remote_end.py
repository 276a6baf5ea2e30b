"""The remote end of a fuzzed connection, in memory: a stranger that may send anything."""

import os

from reliability.targets import SERVER, pieces
from zlinkcompat.core.options import Options
from zlinkcompat.transports import tcp, ws
from zlinkcompat.transports.bytestream import ByteStream
from zlinkcompat.wire.errors import ProtocolError
from zlinkcompat.wire.security import mechanisms
from zlinkcompat.wire.security.curve_codec import (
    CurveDecoder,
    CurveEncoder,
    CurveZwsDecoder,
    CurveZwsEncoder,
)
from zlinkcompat.wire.security.zap import ZapReply
from zlinkcompat.wire.ws.frames import ZwsDecoder, ZwsEncoder
from zlinkcompat.wire.ws.handshake import ZwsHandshake, subprotocols
from zlinkcompat.wire.ws.upgrade import Upgrade
from zlinkcompat.wire.zmtp import commands
from zlinkcompat.wire.zmtp.decoder import Decoder
from zlinkcompat.wire.zmtp.encoder import Encoder
from zlinkcompat.wire.zmtp.handshake import Handshake

NULL, PLAIN, CURVE = 0, 1, 2

MESSAGE, COMMAND, SUBSCRIPTION = 0, 1, 2

NAMES = (b"SUBSCRIBE", b"CANCEL", b"PING", b"PONG", b"ERROR", b"READY", b"HELLO", b"")


class MemoryStream(ByteStream):
    """The byte stream of a connection whose other end is a :class:`Stranger`.

    The descriptor belongs to a socket that is always writable and never readable. So a stranger
    that sends data must wake the connection itself."""

    def __init__(self, fd, stranger):
        ByteStream.__init__(self, fd)
        self.stranger = stranger

    def read_into(self, decoder):
        waiting = self.stranger.said
        if not waiting:
            self.buffered = False
            return -1
        piece = waiting.pop(0)
        if piece is None:
            return 0
        room = decoder.get_buffer()
        count = min(len(room), len(piece))
        room[:count] = piece[:count]
        decoder.commit(count)
        if count < len(piece):
            waiting.insert(0, piece[count:])
        self.buffered = bool(waiting)
        return count

    def write_from(self, encoder):
        data = b"".join(bytes(view) for view in encoder.vector())
        if not data:
            return 0
        count = len(data) if self.stranger.takes_all else max(1, len(data) // 2)
        self.stranger.hear(data[:count])
        return count

    def close(self):
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


class TcpLink(tcp.Link):
    def open(self, fd):
        return MemoryStream(fd, self.stranger)


class WsLink(ws.Link):
    def open(self, fd):
        return MemoryStream(fd, self.stranger)


class Command:
    """A command with any name and data, with the interface that an encoder needs."""

    def __init__(self, name, data):
        self.name, self.data = name, data

    def body(self):
        return bytes([len(self.name)]) + self.name + self.data

    def encode(self):
        return commands.frame(self.body())


class Stranger:
    """The remote end of a connection.

    Parameters
    ----------
    socket_type : int
        The stranger's own socket type.
    over_ws : bool
    mechanism : int
    polite : bool
        If True, the stranger makes a valid handshake, and then sends ``data`` as messages, commands
        and raw bytes. If False, it sends ``data`` as raw bytes from the beginning.
    data : bytes
    size : int
        The size in bytes of the pieces in which the data arrives; 0 means in one piece.
    change : tuple of int, optional
        The index of a byte of the stranger's handshake, and the XOR mask that changes it.
    plain_ws : bool
        Whether the stranger speaks plain WebSocket without ZeroMQ, for a STREAM socket.
    serves : bool
        Whether the stranger is the server, and the attacked socket the client.
    """

    def __init__(
        self,
        socket_type,
        over_ws,
        mechanism,
        polite,
        data,
        size=0,
        change=None,
        plain_ws=False,
        serves=False,
    ):
        self.said = []  # pieces to send; None ends the stream
        self.data = data
        self.size = size
        self.change = change
        self.spoken = 0
        self.done = False
        self.takes_all = True
        self.session = None
        self.handshake = None
        self.received = []
        if not polite:
            self.say(data)
            self.done = True
            return
        made = Options(socket_type)
        made.mechanism = mechanism
        made.as_server = int(serves)
        made.plain_username, made.plain_password = b"me", b"secret"
        made.curve_serverkey = made.curve_publickey = SERVER.public
        made.curve_secretkey = SERVER.secret
        curve = mechanism == CURVE and not plain_ws
        if over_ws:
            self.decoder = (CurveZwsDecoder if curve else ZwsDecoder)(-1, serves, plain_ws)
            self.encoder = (CurveZwsEncoder if curve else ZwsEncoder)(not serves, plain_ws)
            names = () if plain_ws else subprotocols(made)
            upgrade = Upgrade(not serves, "host:1", "/", names)
            self.handshake = ZwsHandshake(
                self.decoder, self.encoder, mechanisms.create(made), upgrade, plain_ws
            )
        else:
            self.decoder = (CurveDecoder if curve else Decoder)(-1)
            self.encoder = (CurveEncoder if curve else Encoder)(1)
            self.handshake = Handshake(self.decoder, self.encoder, mechanisms.create(made))
        self.over_ws = over_ws
        self.plain_ws = plain_ws
        self.serves = serves
        self.say(self.changed(self.handshake.start()))

    def changed(self, data):
        if self.change is None:
            return data
        at = self.change[0] - self.spoken
        self.spoken += len(data)
        if not 0 <= at < len(data):
            return data
        return data[:at] + bytes([data[at] ^ self.change[1]]) + data[at + 1 :]

    def say(self, data):
        if data is not None:
            self.said += filter(None, pieces(data, self.size))
        else:
            self.said.append(None)
        connection = self.session and self.session.connection
        if connection:
            connection.wake()

    def hear(self, data):
        """Receive bytes from the attacked socket: continue the handshake, or decode messages after
        it."""
        if self.handshake is None:
            return
        while data:
            with self.decoder.get_buffer() as room:
                count = min(len(room), len(data))
                room[:count] = data[:count]
            self.decoder.commit(count)
            data = data[count:]
            try:
                if not self.done:
                    answer = self.handshake.advance()
                    if self.handshake.zap_request is not None:
                        answer += self.handshake.on_zap_reply(ZapReply(200, "OK", {}))
                    if answer:
                        self.say(self.changed(answer))
                    if self.handshake.done:
                        self.done = True
                        self.say_more()
                if self.done:
                    while (one := self.decoder.next()) is not None:
                        self.received.append(one)
            except ProtocolError:
                # The handshake has failed, for instance because a byte was changed. Send ``data``
                # as raw bytes.
                self.handshake = None
                self.done = True
                self.say(self.data)
                return
        self.decoder.release_if_empty()

    def say_more(self):
        """Send ``data`` in parts. Byte 0 of each part selects its form and size."""
        data = self.data
        while data:
            how, size = data[0], data[0] >> 3
            part, data = data[1 : 1 + size], data[1 + size :]
            self.say(self.form(how & 7, part))

    def form(self, form, part):
        if form >= 6:
            return part  # raw bytes
        if self.plain_ws:
            # A part has at most 31 bytes, so its length fits into one byte. The masking key of a
            # client is zero, so the masked part is the part itself.
            first, mask = 0x80 | (1, 2, 8, 9, 10, 0)[form], 0 if self.serves else 0x80
            return bytes([first, mask | len(part)]) + bytes(4 * bool(mask)) + part
        if form < 3:
            return self.written([part] * (form + 1) if form else part)
        if form == 3:
            return self.written((b"\1", b"\0")[len(part) & 1] + part)
        name = NAMES[part[0] & 7] if part else b""
        command = Command(name, part[1:])
        if self.over_ws:
            return self.encoder.encode_message(2, command.body())
        return self.encoder.encode_command(command)

    def written(self, message):
        self.encoder.add(message)
        data = b"".join(bytes(view) for view in self.encoder.vector())
        self.encoder.advance(len(data))
        return data
