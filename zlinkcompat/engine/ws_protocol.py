"""The protocols over WebSocket: ZWS 2.0 (RFC 45), and plain WebSocket for STREAM sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zlinkcompat._constants import CURVE
from zlinkcompat.engine.protocols import shared
from zlinkcompat.wire.security import mechanisms
from zlinkcompat.wire.ws.frames import ZwsDecoder, ZwsEncoder
from zlinkcompat.wire.ws.handshake import ZwsHandshake, subprotocols
from zlinkcompat.wire.ws.upgrade import Upgrade

if TYPE_CHECKING:
    from zlinkcompat.engine.connection import Connection
    from zlinkcompat.engine.session import Session


class Zws:
    """ZWS 2.0 (RFC 45); with ``raw``, plain WebSocket messages for a STREAM socket."""

    def __init__(self, raw: bool) -> None:
        self.raw = raw

    def make_decoder(self, session: Session) -> ZwsDecoder:
        make = ZwsDecoder
        if self.encrypts(session):
            from zlinkcompat.wire.security.curve_codec import CurveZwsDecoder as make
        return make(session.frame_max, session.link.bind, self.raw, *shared(session))

    def make_encoder(self, session: Session) -> ZwsEncoder:
        text = self.raw and bool(session.options.ws_text)
        make = ZwsEncoder
        if self.encrypts(session):
            from zlinkcompat.wire.security.curve_codec import CurveZwsEncoder as make
        return make(not session.link.bind, self.raw, text, *shared(session))

    def encrypts(self, session: Session) -> bool:
        return session.options.mechanism == CURVE and not self.raw

    def make_handshake(
        self, session: Session, connection: Connection, decoder: ZwsDecoder
    ) -> ZwsHandshake:
        link = session.link
        upgrade = Upgrade(
            not link.bind,
            link.address.host,
            link.address.path,
            () if self.raw else subprotocols(session.options),
            link.origins,
        )
        mechanism = mechanisms.create(session.options)
        return ZwsHandshake(decoder, connection.encoder, mechanism, upgrade, self.raw)
