"""What is spoken over a stream: the codec and the handshake of each protocol, in one table."""

from zlinkcompat.wire.security import mechanisms
from zlinkcompat.wire.security.curve_codec import (
    CurveDecoder,
    CurveEncoder,
    CurveZwsDecoder,
    CurveZwsEncoder,
)
from zlinkcompat.wire.security.mechanisms import CURVE
from zlinkcompat.wire.ws.frames import ZwsDecoder, ZwsEncoder
from zlinkcompat.wire.ws.handshake import ZwsHandshake, subprotocols
from zlinkcompat.wire.ws.upgrade import Upgrade
from zlinkcompat.wire.zmtp.frames import Decoder, Encoder, RawDecoder, RawEncoder
from zlinkcompat.wire.zmtp.handshake import Handshake


def shared(session):
    """The settings and counters that codecs read and fill."""
    return session.options.tuning, session.socket.counters


def bounded(decoder, session):
    """``decoder``, with the limits that the socket's options set beside MAXMSGSIZE."""
    decoder.max_command = session.options.command_max
    decoder.max_unfinished = session.options.rcvbytes_max
    return decoder


class Zmtp:
    """ZMTP 3 (RFC 37)."""

    def make_decoder(self, session):
        make = CurveDecoder if session.options.mechanism == CURVE else Decoder
        return make(session.frame_max, *shared(session))

    def make_encoder(self, session):
        make = CurveEncoder if session.options.mechanism == CURVE else Encoder
        return make(1, *shared(session))

    def make_handshake(self, session, connection, decoder):
        return Handshake(decoder, connection.encoder, mechanisms.create(session.options))


def make_legacy_codec(session, version):
    """``(decoder, encoder)`` for a peer that speaks an older ZMTP (``wire/zmtp/legacy.py``)."""
    decoder = bounded(version.make_decoder(session.frame_max, *shared(session)), session)
    return decoder, version.make_encoder(*shared(session))


class Raw:
    """Bytes as they are: STREAM sockets, and ROUTER_RAW."""

    def make_decoder(self, session):
        return RawDecoder(-1, *shared(session))

    def make_encoder(self, session):
        return RawEncoder(1, *shared(session))

    def make_handshake(self, session, connection, decoder):
        return None


class Zws:
    """ZWS 2.0 (RFC 45); ``raw``: WebSocket alone, whose messages are a STREAM socket's."""

    def __init__(self, raw):
        self.raw = raw

    def make_decoder(self, session):
        make = CurveZwsDecoder if self.encrypts(session) else ZwsDecoder
        return make(session.frame_max, session.link.bind, self.raw, *shared(session))

    def make_encoder(self, session):
        text = self.raw and bool(session.options.ws_text)
        make = CurveZwsEncoder if self.encrypts(session) else ZwsEncoder
        return make(not session.link.bind, self.raw, text, *shared(session))

    def encrypts(self, session):
        return session.options.mechanism == CURVE and not self.raw

    def make_handshake(self, session, connection, decoder):
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


#: (what the link says, raw): the protocol.
TABLE = {
    ("zmtp", False): Zmtp(),
    ("zmtp", True): Raw(),
    ("ws", False): Zws(False),
    ("ws", True): Zws(True),
}


def choose(link, raw):
    """The protocol for connections of ``link``; ``raw``: the socket type is STREAM."""
    return TABLE[link.protocol, raw]
