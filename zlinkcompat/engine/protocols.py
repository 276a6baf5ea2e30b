"""The protocols that run over a stream: the codec and the handshake of each, in one table.

The modules of CURVE and WebSocket are imported by the first endpoint that needs them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from zlinkcompat._constants import CURVE
from zlinkcompat.wire.security import mechanisms
from zlinkcompat.wire.zmtp.decoder import Decoder, RawDecoder
from zlinkcompat.wire.zmtp.encoder import Encoder, RawEncoder
from zlinkcompat.wire.zmtp.handshake import Handshake

if TYPE_CHECKING:
    from zlinkcompat.engine.connection import Connection
    from zlinkcompat.engine.session import Session
    from zlinkcompat.wire.zmtp.legacy import Version


def load(protocol: str, mechanism: int) -> None:
    """Import the modules that the connections of an endpoint need.

    Endpoints call this early. Later the process may have no descriptor left to open a module's
    file.

    Parameters
    ----------
    protocol : str
        The protocol name of the link.
    mechanism : int
        The socket's ``MECHANISM``.
    """
    mechanisms.load(mechanism)
    if mechanism == CURVE:
        import_module("zlinkcompat.wire.security.curve_codec")
    if protocol == "ws" and (protocol, False) not in TABLE:
        from zlinkcompat.engine.ws_protocol import Zws

        for raw in (False, True):
            TABLE[protocol, raw] = Zws(raw)


def shared(session: Session) -> Any:
    """Return the settings and counters of a session that its codecs use."""
    return session.options.tuning, session.socket.counters


def bounded(decoder: Decoder, session: Session) -> Decoder:
    """Set the limits of ``decoder``, except MAXMSGSIZE, from the socket's options. Return it."""
    decoder.max_command = session.options.command_max
    decoder.max_unfinished = session.options.rcvbytes_max
    return decoder


class Zmtp:
    """ZMTP 3 (RFC 37)."""

    def make_decoder(self, session: Session) -> Decoder:
        make = Decoder
        if session.options.mechanism == CURVE:
            from zlinkcompat.wire.security.curve_codec import CurveDecoder as make
        return make(session.frame_max, *shared(session))

    def make_encoder(self, session: Session) -> Encoder:
        make = Encoder
        if session.options.mechanism == CURVE:
            from zlinkcompat.wire.security.curve_codec import CurveEncoder as make
        return make(1, *shared(session))

    def make_handshake(
        self, session: Session, connection: Connection, decoder: Decoder
    ) -> Handshake:
        return Handshake(decoder, connection.encoder, mechanisms.create(session.options))


def make_legacy_codec(session: Session, version: Version) -> tuple[Decoder, Encoder]:
    """Return ``(decoder, encoder)`` for a peer with an older ZMTP (``wire/zmtp/legacy.py``)."""
    decoder = bounded(version.make_decoder(session.frame_max, *shared(session)), session)
    return decoder, version.make_encoder(*shared(session))


class Raw:
    """Unframed bytes, for STREAM sockets and ROUTER_RAW."""

    def make_decoder(self, session: Session) -> RawDecoder:
        return RawDecoder(-1, *shared(session))

    def make_encoder(self, session: Session) -> RawEncoder:
        return RawEncoder(1, *shared(session))

    def make_handshake(self, session: Session, connection: Connection, decoder: RawDecoder) -> None:
        return None


#: Maps (the link's protocol name, raw) to the protocol. :func:`load` adds those of WebSocket.
TABLE = {
    ("zmtp", False): Zmtp(),
    ("zmtp", True): Raw(),
}


def choose(link: Any, raw: bool) -> Any:
    """Return the protocol for connections of ``link``; ``raw`` is true for STREAM sockets."""
    return TABLE[link.protocol, raw]
