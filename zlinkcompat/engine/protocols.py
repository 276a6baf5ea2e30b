"""What is spoken over a stream: the codec and the handshake of each protocol, in one table."""

from zlinkcompat.wire.frames import Decoder, Encoder, RawDecoder, RawEncoder
from zlinkcompat.wire.handshake import Handshake


class Zmtp:
    """ZMTP 3 (RFC 37)."""

    def make_decoder(self, session):
        return Decoder(session.options.maxmsgsize)

    def make_encoder(self, session):
        return Encoder()

    def make_handshake(self, session, decoder):
        return Handshake(
            decoder,
            session.socket.socket_type,
            session.options.routing_id,
            False,
            metadata=session.options.metadata_properties(),
        )


class Raw:
    """Bytes as they are: STREAM sockets, and ROUTER_RAW."""

    def make_decoder(self, session):
        return RawDecoder()

    def make_encoder(self, session):
        return RawEncoder()

    def make_handshake(self, session, decoder):
        return None


#: (what the link says, raw): the protocol.
TABLE = {
    ("zmtp", False): Zmtp(),
    ("zmtp", True): Raw(),
}


def choose(link, raw):
    """The protocol for connections of ``link``; ``raw``: the socket type is STREAM."""
    return TABLE[link.protocol, raw]
