"""The handshake of ZWS 2.0: HTTP upgrade, then a routing id each, or a mechanism's commands.

Source: RFC 45; libzmq ``src/ws_engine.cpp``.
"""

from zlinkcompat.wire.commands import Error, Ping, Pong, Ready
from zlinkcompat.wire.errors import INVALID_METADATA, UNEXPECTED_COMMAND, UNSPECIFIED, ProtocolError
from zlinkcompat.wire.handshake import TELL_IDENTITY, Handshake
from zlinkcompat.wire.websocket import Close

#: Sub-protocols of each mechanism, as clients offer them. A server of ``jszmq`` answers with the
#: first and speaks no mechanism; ours takes the last, which tells the socket type. ``ZWS2.0/PLAIN``
#: and ``ZWS2.0/CURVE`` belong here, and their exchange of commands in place of ``begin_null``.
SUBPROTOCOLS = {"NULL": ("ZWS2.0", "ZWS2.0/NULL")}

COMMAND = 2


class ZwsHandshake(Handshake):
    """One side of a handshake, without I/O.

    Parameters
    ----------
    decoder : ZwsDecoder
    encoder : ZwsEncoder
        Makes frames; what it holds is not touched.
    upgrade : Upgrade
    raw : bool
        Plain WebSocket: the upgrade is all.
    socket_type, routing_id, mechanism, metadata
        As for :class:`Handshake`, whose attributes this has.
    """

    def __init__(self, decoder, encoder, upgrade, raw, socket_type, routing_id, mechanism="NULL",
                 metadata=None):
        Handshake.__init__(self, decoder, socket_type, routing_id, not upgrade.client, mechanism,
                           metadata)
        self.encoder = encoder
        self.upgrade = upgrade
        self.raw = raw
        self.stage = self.await_upgrade

    def start(self):
        return self.upgrade.start()

    def await_upgrade(self):
        answer = self.upgrade.receive_untrusted(self.decoder)
        if answer is None:
            return None
        if self.raw:
            self.done = True
            return answer
        if self.upgrade.subprotocol == "ZWS2.0":
            self.stage = self.await_routing_id
            return answer + self.encoder.encode_message(0, self.routing_id)
        return answer + self.begin_null()

    def begin_null(self):
        properties = {b"Socket-Type": self.socket_type}
        if self.socket_type in TELL_IDENTITY:
            properties[b"Identity"] = self.routing_id
        properties.update(self.metadata)
        self.stage = self.await_ready
        # What a ZMTP frame has before its body is 2 octets, or 9.
        frame = Ready(properties).encode()
        return self.encoder.encode_message(COMMAND, frame[9 if frame[0] & 2 else 2 :])

    def await_routing_id(self):
        frame, command = self.next_frame()
        if frame is None:
            return None
        if command is not None:
            return self.obey(command)
        if type(frame) is list or len(frame) > 255:
            raise ProtocolError("the first message is no routing id", self.decoder.position,
                                INVALID_METADATA)
        self.peer_routing_id = frame
        self.done = True
        return b""

    def await_ready(self):
        start = self.decoder.position
        frame, command = self.next_frame()
        if frame is None:
            return None
        if command is None:
            raise ProtocolError("a message came where READY should", start, UNEXPECTED_COMMAND)
        if type(command) is Ready:
            self.accept(command.metadata, start)
            return b""
        if type(command) is Error:
            raise ProtocolError(f"the peer refused: ERROR {command.reason!r}", start, UNSPECIFIED)
        return self.obey(command)

    def next_frame(self):
        """``(frame, command)``; the one is None when there is none, the other for a message."""
        frame = self.decoder.next()
        if frame is None or not self.decoder.is_command:
            return frame, None
        return frame, self.decoder.parse_command(frame)

    def obey(self, command):
        if type(command) is Ping:
            return self.encoder.encode_command(Pong(command.context))
        if type(command) is Pong:
            return b""
        if type(command) is Close:
            raise ProtocolError("the peer closed in the middle of the handshake",
                                self.decoder.position)
        raise ProtocolError("another command came in the middle of the handshake",
                            self.decoder.position, UNEXPECTED_COMMAND)
