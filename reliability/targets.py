"""The fuzz targets: functions that process bytes which a stranger could send.

A target takes the codecs of a build (:class:`Codecs`) and bytes. It returns a result, which may
contain an expected error. The result must be the same for both builds, and a target that raises has
found a bug. ``python -m reliability fuzz`` searches for such inputs, guided by coverage.
``tests/wire/test_corpus.py`` replays the corpus on both builds.
"""

from types import SimpleNamespace

from zlinkcompat.core.options import Options
from zlinkcompat.errors import EINVAL, ENOCOMPATPROTO, ENODEV, EPROTONOSUPPORT
from zlinkcompat.transports import endpoint as endpoints
from zlinkcompat.transports import get
from zlinkcompat.wire.errors import ProtocolError
from zlinkcompat.wire.security import mechanisms, sodium, zap
from zlinkcompat.wire.security.plain import parse_hello_untrusted
from zlinkcompat.wire.ws.handshake import ZwsHandshake, subprotocols
from zlinkcompat.wire.ws.upgrade import Upgrade
from zlinkcompat.wire.zmtp import commands
from zlinkcompat.wire.zmtp.handshake import Handshake

#: Limits of the size of a frame. A header may announce more than the limit, or less.
LIMITS = (-1, 0, 10, 1000)

KEY = bytes(range(32))
PREFIX = b"CurveZMQMESSAGEC"
SERVER = SimpleNamespace(secret=bytes(range(32, 64)))
SERVER.public = sodium.public_of(SERVER.secret)
PUSH, PULL = 8, 7


class Codecs:
    """The codecs of one build: objects with the classes for ZMTP, for WebSocket frames and for
    CURVE."""

    def __init__(self, zmtp, zws, curve):
        self.zmtp = zmtp
        self.zws = zws
        self.curve = curve


def pieces(data, size):
    return [data[at : at + size] for at in range(0, len(data), size)] if size else [data]


def give(decoder, data):
    """Put ``data`` into the decoder's buffers; yield after each piece, so that the caller can
    decode it."""
    while data:
        with decoder.get_buffer() as room:
            count = min(len(room), len(data))
            room[:count] = data[:count]
        decoder.commit(count)
        data = data[count:]
        yield


def decoded(decoder, data, size):
    found = []
    try:
        for piece in pieces(data, size):
            for _ in give(decoder, piece):
                while (one := decoder.next()) is not None:
                    found.append((decoder.is_command, one))
                    if decoder.is_command:
                        decoder.parse_command(one)
                decoder.release_if_empty()
    except ProtocolError as error:
        return found, type(error).__name__, error.offset, error.code
    return found


def frames(codecs, data):
    """Decode frames. Byte 0 selects the limit, and the size of the pieces in which the rest
    arrives."""
    how, data = data[0], data[1:]
    return decoded(codecs.zmtp.Decoder(LIMITS[how & 3]), data, how >> 2)


def zws(codecs, data):
    """Decode ZWS frames. Byte 0 selects the limit, the side, plain WebSocket, and the piece
    size."""
    how, data = data[0], data[1:]
    decoder = codecs.zws.ZwsDecoder(LIMITS[how & 3], bool(how & 4), bool(how & 8))
    return decoded(decoder, data, how >> 4)


def curve(codecs, data):
    """Decode CURVE boxes. The first of every 40 bytes selects the form of the other 39. Most boxes
    are encrypted correctly, because otherwise a fuzzer never gets past the authentication."""
    nonce, stream = 3, b""
    for piece in pieces(data, 40):
        how, piece = piece[0], piece[1:]
        if how & 0x80:
            stream += piece
            continue
        short = nonce.to_bytes(8, "big")
        nonce += 1 - (how >> 5 & 3)
        body = sodium.seal(bytes([how & 7]) + piece, PREFIX + short, KEY)
        nonce = max(0, nonce + 1)
        body = b"\x07MESSAGE" + short + body
        stream += bytes([how >> 3 & 1, len(body)]) + body
    decoder = codecs.curve.CurveDecoder(1000)
    decoder.secure(KEY, PREFIX, 2)
    return decoded(decoder, stream, 0)


def options(kind, server):
    """Return the options of a PULL server or a PUSH client; ``kind`` is the number of the
    mechanism."""
    made = Options(PULL if server else PUSH)
    made.mechanism = kind
    made.as_server = server
    if kind == mechanisms.CURVE:
        made.curve_serverkey = made.curve_publickey = SERVER.public
        made.curve_secretkey = SERVER.secret
    return made


def run_handshake(handshake, decoder, data, size):
    """Run a whole handshake with a stranger. Keys are random, so there is no result to compare."""
    handshake.start()
    try:
        for piece in pieces(data, size):
            for _ in give(decoder, piece):
                handshake.advance()
                if handshake.zap_request is not None:
                    handshake.on_zap_reply(zap.ZapReply(200, "", {}))
                    handshake.advance()
                if handshake.done:
                    return
    except ProtocolError as error:
        assert isinstance(error.answer, bytes)


def greeting(codecs, data):
    """Run a handshake. Byte 0 selects the mechanism, the side, and the size of the pieces."""
    how, data = data[0], data[1:]
    mechanism = mechanisms.create(options(min(how & 3, 2), bool(how & 4)))
    if how & 3 == 2:
        decoder, encoder = codecs.curve.CurveDecoder(1000), codecs.curve.CurveEncoder(1)
    else:
        decoder, encoder = codecs.zmtp.Decoder(1000), codecs.zmtp.Encoder(1)
    run_handshake(Handshake(decoder, encoder, mechanism), decoder, data, how >> 3)


def upgrade(codecs, data):
    """Run a handshake over WebSocket. Byte 0 selects the side, two flags, and the size of the
    pieces."""
    how, data = data[0], data[1:]
    server = bool(how & 4)
    made = options(0, server)
    decoder = codecs.zws.ZwsDecoder(1000, server, bool(how & 1))
    encoder = codecs.zws.ZwsEncoder(not server)
    names = None if how & 1 and server else subprotocols(made)
    http = Upgrade(not server, "host:1", "/", names, ("http://host",) if how & 2 else ())
    run_handshake(
        ZwsHandshake(decoder, encoder, mechanisms.create(made), http, bool(how & 1)),
        decoder,
        data,
        how >> 3,
    )


def command(codecs, data):
    """Parse ``data`` as a command, as properties, as ERROR, as PLAIN's HELLO, and as ZAP
    replies."""
    found = []
    reply = [b"", b"1.0", b"1", b"200", data[:8], data[8:16], data[16:]]
    for parse in (
        lambda: vars_of(commands.parse_command_untrusted(data, len(data))),
        lambda: commands.parse_metadata_untrusted(data, 0),
        lambda: commands.parse_error_untrusted(data, 0),
        lambda: parse_hello_untrusted(data, 0),
        lambda: vars(zap.parse_reply(reply)),
        lambda: vars(zap.parse_reply(pieces(data, 16))),
    ):
        try:
            found.append(parse())
        except ProtocolError as error:
            found.append((error.offset, error.code))
    return found


def vars_of(made):
    return type(made).__name__, [getattr(made, name, None) for name in ("topic", "context", "name")]


def endpoint(codecs, data):
    """Parse an endpoint. Byte 0 selects IPv6, and bind or connect. The other bytes are the
    endpoint."""
    import zmq

    how, data = data[0], data[1:]
    try:
        transport, address = endpoints.parse(data.decode("utf-8", "surrogateescape"))
        if transport != "inproc":
            return str(get(transport).parse(address, bool(how & 1), bool(how & 2)))
    except zmq.ZMQError as error:
        assert error.errno in (EINVAL, ENOCOMPATPROTO, ENODEV, EPROTONOSUPPORT, 36), error
        return error.errno


def connection(codecs, data):
    """Run a whole connection through the engine of this build; the codecs are ignored."""
    from reliability.connections import attack

    attack(data)


TARGETS = {
    each.__name__: each
    for each in (greeting, frames, command, curve, zws, upgrade, endpoint, connection)
}
