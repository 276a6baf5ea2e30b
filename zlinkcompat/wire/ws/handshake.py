"""The handshake of ZWS 2.0: an HTTP upgrade, then routing ids or the commands of a mechanism.

Source: RFC 45; libzmq ``src/ws_engine.cpp``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat.wire.errors import INVALID_METADATA, UNEXPECTED_COMMAND, ProtocolError
from zlinkcompat.wire.ws.control import ZWS_COMMAND, Close
from zlinkcompat.wire.zmtp.commands import Ping, Pong
from zlinkcompat.wire.zmtp.handshake import Handshake

if TYPE_CHECKING:
    from zlinkcompat.core.options import Options
    from zlinkcompat.wire.ws.upgrade import Upgrade


#: The subprotocol without a mechanism, in which each side sends its routing id.
BARE = "ZWS2.0"

#: The number of PING and PONG frames allowed during a handshake. No known client sends any.
CONTROLS_MAX = 16


def subprotocols(options: Options) -> tuple[str, ...]:
    """Return the subprotocols to offer or accept. ``options`` has libzmq's options as attributes.

    A ``jszmq`` server chooses the client's first offer and uses no mechanism. Our server chooses
    the last one, which sends the socket type. Only a mechanism can ask a ZAP handler.
    """
    if options.mechanism:
        return ("ZWS2.0/" + ("NULL", "PLAIN", "CURVE")[options.mechanism],)
    if options.zap_domain:
        return ("ZWS2.0/NULL",)
    return (BARE, "ZWS2.0/NULL")


class ZwsHandshake(Handshake):
    """One side of a handshake, without I/O.

    Parameters
    ----------
    decoder : ZwsDecoder
    encoder : ZwsEncoder
        Builds frames. The data in its buffer is left alone.
    mechanism : zlinkcompat.wire.security.mechanism.Mechanism
    upgrade : Upgrade
    raw : bool
        Plain WebSocket, for which the upgrade is the whole handshake.

    The attributes are those of :class:`Handshake`.
    """

    def __init__(
        self, decoder: Any, encoder: Any, mechanism: Any, upgrade: Upgrade, raw: bool
    ) -> None:
        Handshake.__init__(self, decoder, encoder, mechanism)
        self.upgrade = upgrade
        self.raw = raw
        self.controls = 0
        self.stage = self.await_upgrade

    def start(self) -> Any:
        return self.upgrade.start()

    def frame(self, body: Any) -> bytes:
        return self.encoder.encode_message(ZWS_COMMAND, body)

    def await_upgrade(self) -> bytes | None:
        answer = self.upgrade.receive_untrusted(self.decoder)
        if answer is None:
            return None
        self.greeted = True
        if self.raw:
            self.done = True
            return answer
        if self.upgrade.subprotocol == BARE:
            self.stage = self.await_routing_id
            return answer + self.encoder.encode_message(0, self.mechanism.routing_id)
        return answer + self.begin_mechanism()

    def await_routing_id(self) -> bytes | None:
        frame = self.decoder.next()
        if frame is None:
            return None
        if self.decoder.is_command:
            return self.handle_command(frame)
        if type(frame) is list or len(frame) > 255:
            raise ProtocolError(
                "the first message is not a routing id", self.decoder.position, INVALID_METADATA
            )
        self.mechanism.peer_routing_id = frame
        self.done = True
        return b""

    def handle_command(self, body: bytes) -> bytes:
        if not self.decoder.control and self.stage == self.await_command:
            return Handshake.handle_command(self, body)
        command = self.decoder.parse_command(body)
        self.controls += 1
        if self.controls > CONTROLS_MAX:
            raise ProtocolError(
                f"more than {CONTROLS_MAX} WebSocket control frames came before "
                "the end of the handshake",
                self.decoder.position,
                UNEXPECTED_COMMAND,
            )
        if type(command) is Ping:
            return self.encoder.encode_command(Pong(command.context))
        if type(command) is Pong:
            return b""
        if type(command) is Close:
            raise ProtocolError(
                "the peer closed in the middle of the handshake", self.decoder.position
            )
        raise ProtocolError(
            "another command came in the middle of the handshake",
            self.decoder.position,
            UNEXPECTED_COMMAND,
        )
