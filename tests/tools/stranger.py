"""A peer that follows the protocol up to a chosen state, and then sends arbitrary data.

It uses the handshake and the mechanisms of the package. They do no I/O, so one class works over
every transport and with every mechanism. The peer builds its frames by hand, since the package
would never build invalid ones.
"""

import socket
import ssl
import struct

import wspeer
from rawpeer import COMMAND, MORE, frame, message

import zlinkcompat as zmq
from zlinkcompat.core.options import Options
from zlinkcompat.wire.security import mechanisms, sodium
from zlinkcompat.wire.security.curve_codec import (
    CurveDecoder,
    CurveEncoder,
    CurveZwsDecoder,
    CurveZwsEncoder,
)
from zlinkcompat.wire.ws.frames import ZwsDecoder, ZwsEncoder
from zlinkcompat.wire.ws.handshake import ZwsHandshake, subprotocols
from zlinkcompat.wire.ws.upgrade import Upgrade
from zlinkcompat.wire.zmtp.decoder import Decoder
from zlinkcompat.wire.zmtp.encoder import Encoder
from zlinkcompat.wire.zmtp.handshake import Handshake

#: States that a stranger can stop in. With TLS, CONNECTED is the state after the TLS handshake.
CONNECTED, GREETING, MECHANISM, READY, ACTIVE = (
    "connected",
    "greeting",
    "mechanism",
    "ready",
    "active",
)

#: The first bytes of an encrypted message.
CURVE_MESSAGE = b"\x07MESSAGE"

#: A mask that leaves the data unchanged, so that a flood can be built once and repeated.
ZERO_KEY = bytes(4)


def address_of(endpoint):
    """Return ``(family, address)`` of an endpoint of any transport."""
    transport, _, rest = endpoint.partition("://")
    if transport == "ipc":
        return socket.AF_UNIX, rest
    host, _, port = rest.partition("/")[0].rpartition(":")
    return socket.AF_INET, (host, int(port))


class TlsPipe:
    """``sendall`` and ``recv`` of plaintext over TLS on a socket.

    Floods of key updates use ``tls`` and ``outgoing`` directly.
    """

    def __init__(self, sock):
        self.sock = sock
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.until_done(self.tls.do_handshake)

    def until_done(self, step, *args):
        while True:
            try:
                result = step(*args)
                self.flush()
                return result
            except ssl.SSLWantReadError:
                self.flush()
                data = self.sock.recv(65536)
                if not data:
                    raise ConnectionResetError("the peer closed during TLS") from None
                self.incoming.write(data)

    def flush(self):
        if self.outgoing.pending:
            self.sock.sendall(self.outgoing.read())

    def sendall(self, data):
        self.tls.write(data)
        self.flush()

    def recv(self, size):
        try:
            return self.until_done(self.tls.read, size)
        except (ConnectionResetError, ssl.SSLError):
            return b""

    def close(self):
        self.sock.close()


class Stranger:
    """A connection in one of the states above.

    Parameters
    ----------
    sock : socket
        A blocking socket that is connected already; the stranger itself adds TLS.
    endpoint : str
        The transport is taken from it, and the path for ws and wss.
    socket_type : int
    mechanism : str
        ``NULL``, ``PLAIN`` or ``CURVE``; ``BARE`` is ZWS2.0 without a mechanism.
    upto : str
        The state in which it stops.
    server_key : bytes
        The server's public key in Z85, for CURVE.
    minor : int
        Minor version of ZMTP. 0 is ZMTP 3.0, in which subscriptions are messages; it needs NULL
        and a transport that is a byte stream.
    properties : dict
        Metadata for READY, bytes to bytes.
    identity : bytes

    Raises
    ------
    ConnectionError
        The server ended the connection before the state was reached.
    """

    def __init__(
        self,
        sock,
        endpoint,
        socket_type,
        mechanism="NULL",
        upto=ACTIVE,
        server_key=b"",
        minor=1,
        properties=None,
        identity=b"",
    ):
        self.sock = sock
        self.transport = endpoint.partition("://")[0]
        self.upto = upto
        self.encrypts = mechanism == "CURVE"
        self.web = self.transport in ("ws", "wss")
        self.minor = minor
        self.nonce = 0
        options = Options(socket_type)
        options.properties = properties or {}
        options.routing_id = identity
        if mechanism == "PLAIN":
            options.set(zmq.PLAIN_USERNAME, b"admin")
            options.set(zmq.PLAIN_PASSWORD, b"secret")
        elif mechanism == "CURVE":
            public, secret = zmq.curve_keypair()
            for name, value in (
                ("PUBLICKEY", public),
                ("SECRETKEY", secret),
                ("SERVERKEY", server_key),
            ):
                options.set(getattr(zmq, "CURVE_" + name), value)
        self.mechanism = mechanisms.create(options)
        self.stream = TlsPipe(sock) if self.transport in ("tls", "wss") else sock
        self.handshake = self.make_handshake(options, endpoint, mechanism)
        if upto == CONNECTED:
            return
        self.send(self.handshake.start())
        if upto == GREETING:
            return
        while not self.reached():
            self.read_handshake()
        if self.encrypts and upto == ACTIVE:
            self.nonce = self.mechanism.nonce

    def make_handshake(self, options, endpoint, mechanism):
        # NULL has one command only, so READY is the same state as MECHANISM.
        last = MECHANISM if mechanism in ("NULL", "BARE") else READY

        def stop(stage):
            return stage == self.upto or (self.upto == READY and stage == last)

        if self.web:
            path = "/" + endpoint.partition("://")[2].partition("/")[2]
            names = subprotocols(options)
            if mechanism != "BARE" and not options.mechanism:
                names = names[1:]
            self.decoder = (CurveZwsDecoder if self.encrypts else ZwsDecoder)(-1, False, False)
            encoder = (CurveZwsEncoder if self.encrypts else ZwsEncoder)(True, False, False)
            upgrade = Upgrade(True, "127.0.0.1", path, names)
            return stopping(ZwsHandshake, stop)(
                self.decoder, encoder, self.mechanism, upgrade, False
            )
        self.decoder = (CurveDecoder if self.encrypts else Decoder)(-1)
        encoder = (CurveEncoder if self.encrypts else Encoder)(1)
        return stopping(Handshake, stop)(self.decoder, encoder, self.mechanism)

    def reached(self):
        return self.handshake.done if self.upto == ACTIVE else self.handshake.held

    def read_handshake(self):
        data = self.stream.recv(65536)
        if not data:
            raise ConnectionResetError("the server ended the handshake")
        while data:
            with self.decoder.get_buffer() as room:
                count = min(len(room), len(data))
                room[:count] = data[:count]
            self.decoder.commit(count)
            data = data[count:]
        answer = self.handshake.advance()
        if self.minor == 0:
            # Replace the minor version in the greeting; it stands before the mechanism's name.
            answer = answer.replace(b"\x01NULL", b"\x00NULL")
        self.send(answer)

    def send(self, data):
        if data:
            self.stream.sendall(data)

    def close(self):
        self.stream.close()

    # -- frames and messages ---------------------------------------------------------------

    def frame(self, body, flags=0):
        """Return one frame, encoded for this connection; ``flags`` are ZMTP's flags."""
        if self.encrypts and self.upto == ACTIVE:
            self.nonce += 1
            nonce = struct.pack(">Q", self.nonce)
            inner = bytes([flags & MORE | (2 if flags & COMMAND else 0)])
            body = (
                CURVE_MESSAGE
                + nonce
                + sodium.seal(inner + body, self.mechanism.sends + nonce, self.mechanism.shared)
            )
            flags = 0
        if not self.web:
            return frame(body, flags)
        first = flags & MORE | (2 if flags & COMMAND else 0)
        return wspeer.frame(wspeer.BINARY, bytes([first]) + body, key=ZERO_KEY)

    def message(self, *frames):
        """Return a whole message, encoded for this connection."""
        if not self.web and not self.encrypts:
            return message(*frames)
        return b"".join(self.frame(each, MORE) for each in frames[:-1]) + self.frame(frames[-1])

    def command(self, name, data=b""):
        return self.frame(bytes([len(name)]) + name + data, COMMAND)


def stopping(base, stop):
    """Return a subclass of the handshake ``base`` that stops answering at a stage.

    It stops at the first stage for which ``stop(stage)`` is true. The stage is ``MECHANISM`` before
    the first command, and ``READY`` before the second."""

    class StoppingHandshake(base):
        held = False

        def keep(self, answer, stage):
            if not stop(stage):
                return answer
            self.held = True
            return b""

        def begin_mechanism(self):
            return self.keep(base.begin_mechanism(self), MECHANISM)

        def await_upgrade(self):
            answer = base.await_upgrade(self)
            if self.stage == self.await_routing_id:
                return self.keep(answer, MECHANISM)
            return answer

        def handle_command(self, body):
            return self.keep(base.handle_command(self, body), READY)

    return StoppingHandshake


def dial(endpoint, module=socket, timeout=30):
    """Return a socket connected to ``endpoint``; ``module`` is ``socket`` or ``gevent.socket``."""
    family, address = address_of(endpoint)
    sock = module.socket(family)
    sock.settimeout(timeout)
    sock.connect(address)
    if family == socket.AF_INET:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def reset(sock):
    """Close so that the other side gets ECONNRESET."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
