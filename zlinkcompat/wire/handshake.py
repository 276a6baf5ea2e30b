"""The handshake: greeting, mechanism NULL, metadata.

The greeting is sent in libzmq's stages (signature; then the version; then the rest), each when the
peer has shown that it can follow, so that peers of ZMTP 1 and 2 can be told apart in time.

Source: RFC 37 and 23; libzmq ``src/zmtp_engine.cpp``, ``null_mechanism.cpp``, ``mechanism.cpp``.
"""

from struct import pack

from zlinkcompat.wire.commands import Error, Ready, parse_command_untrusted
from zlinkcompat.wire.errors import (
    INVALID_METADATA,
    MECHANISM_MISMATCH,
    UNEXPECTED_COMMAND,
    UNSPECIFIED,
    ProtocolError,
)

#: Names of the socket types by libzmq's numbers.
SOCKET_TYPES = (
    b"PAIR", b"PUB", b"SUB", b"REQ", b"REP", b"DEALER",
    b"ROUTER", b"PULL", b"PUSH", b"XPUB", b"XSUB", b"STREAM",
)  # fmt: skip

#: Which peers a socket type talks to (RFC 28 to 31; libzmq ``mechanism.cpp: check_socket_type``).
COMPATIBLE = {
    b"PAIR": (b"PAIR",),
    b"PUB": (b"SUB", b"XSUB"),
    b"SUB": (b"PUB", b"XPUB"),
    b"XPUB": (b"SUB", b"XSUB"),
    b"XSUB": (b"PUB", b"XPUB"),
    b"REQ": (b"REP", b"ROUTER"),
    b"REP": (b"REQ", b"DEALER"),
    b"DEALER": (b"REP", b"DEALER", b"ROUTER"),
    b"ROUTER": (b"REQ", b"DEALER", b"ROUTER"),
    b"PUSH": (b"PULL",),
    b"PULL": (b"PUSH",),
}

#: These tell their routing id.
TELL_IDENTITY = (b"REQ", b"DEALER", b"ROUTER")

#: The properties with a meaning here, by their names in lower case.
PROPERTIES = {b"socket-type": b"Socket-Type", b"identity": b"Identity"}

SIGNATURE_SIZE = 10
GREETING_SIZE = 64


class Handshake:
    """One side of a handshake, without I/O.

    Parameters
    ----------
    decoder : zlinkcompat.wire.frames.Decoder
        Holds what the peer sent; bytes behind the handshake stay in it.
    socket_type : int
        libzmq's number of this side's socket type.
    routing_id : bytes
        At most 255; b"" is none.
    as_server : bool
        For mechanisms whose sides differ; NULL's do not.
    mechanism : str
    metadata : dict, optional
        More properties to tell, bytes to bytes.

    Attributes
    ----------
    done : bool
        Both sides are ready; the ``peer_`` attributes are set.
    peer_minor : int
        0 or 1, of the peer's ZMTP 3.
    peer_metadata : dict
    peer_routing_id, peer_socket_type : bytes

    Raises
    ------
    ProtocolError
        From :meth:`advance`: the peer's bytes are malformed or do not fit ours.
    """

    def __init__(self, decoder, socket_type, routing_id, as_server, mechanism="NULL",
                 metadata=None):
        self.decoder = decoder
        self.socket_type = SOCKET_TYPES[socket_type]
        self.routing_id = routing_id
        self.as_server = as_server
        self.mechanism = mechanism.encode()
        self.metadata = metadata or {}
        self.done = False
        self.peer_minor = 0
        self.peer_metadata = {}
        self.peer_routing_id = b""
        self.peer_socket_type = b""
        self.stage = self.await_signature

    def start(self):
        """The first bytes to send: the signature.

        As libzmq's, it is also the start of a ZMTP 1 routing id message (long length, flags).
        """
        return b"\xff" + pack(">Q", len(self.routing_id) + 1) + b"\x7f"

    def advance(self):
        """Consume what the decoder holds; returns the bytes to send next, b"" if none."""
        answers = []
        while not self.done:
            answer = self.stage()
            if answer is None:
                break
            answers.append(answer)
        return b"".join(answers)

    # Each stage returns what to send, or None when it needs more bytes.

    def await_signature(self):
        begin = self.decoder.peek(SIGNATURE_SIZE)
        if begin and begin[0] != 0xFF:
            raise ProtocolError(f"the peer does not speak ZMTP 3: it begins with {begin!r}", 0)
        if len(begin) < SIGNATURE_SIZE:
            return None
        if not begin[9] & 1:
            raise ProtocolError("the peer speaks ZMTP 1, which is not supported", 9)
        self.stage = self.await_version
        return b"\x03"

    def await_version(self):
        begin = self.decoder.peek(SIGNATURE_SIZE + 1)
        if len(begin) <= SIGNATURE_SIZE:
            return None
        if begin[SIGNATURE_SIZE] < 3:
            raise ProtocolError(
                f"the peer speaks revision {begin[SIGNATURE_SIZE]} (ZMTP 1 or 2), "
                "which is not supported", SIGNATURE_SIZE)
        self.stage = self.await_greeting
        # Minor version, mechanism, as-server (0 for NULL, and libzmq's 0 always), filler.
        return b"\x01" + self.mechanism.ljust(20, b"\0") + bytes(32)

    def await_greeting(self):
        greeting = self.decoder.take(GREETING_SIZE)
        if greeting is None:
            return None
        self.peer_minor = 0 if greeting[11] == 0 else 1
        mechanism = greeting[12:32]
        if mechanism != self.mechanism.ljust(20, b"\0"):
            raise ProtocolError(
                f"the peer's mechanism is {mechanism.rstrip(bytes(1))!r}, ours {self.mechanism!r}",
                12, MECHANISM_MISMATCH)
        self.stage = self.await_ready
        properties = {b"Socket-Type": self.socket_type}
        if self.socket_type in TELL_IDENTITY:
            properties[b"Identity"] = self.routing_id
        properties.update(self.metadata)
        return Ready(properties).encode()

    def await_ready(self):
        decoder = self.decoder
        start = decoder.position
        body = decoder.next()
        if body is None:
            return None
        if not decoder.is_command:
            raise ProtocolError("a message came where READY should", start, UNEXPECTED_COMMAND)
        command = parse_command_untrusted(body, decoder.position)
        if type(command) is Error:
            raise ProtocolError(f"the peer refused: ERROR {command.reason!r}", start, UNSPECIFIED)
        if type(command) is not Ready:
            raise ProtocolError(f"{body[1:20]!r} came where READY should", start,
                                UNEXPECTED_COMMAND)
        self.accept(command.metadata, start)
        return b""

    def accept(self, metadata, start):
        # Names are case-insensitive (RFC 37, "Metadata").
        metadata = {PROPERTIES.get(name.lower(), name): value for name, value in metadata.items()}
        kind = metadata.get(b"Socket-Type")
        # It should be there, RFC 37 says; libzmq lets a peer without it pass.
        if kind is not None and kind not in COMPATIBLE[self.socket_type]:
            raise ProtocolError(
                f"the peer's socket type {kind!r} does not go with our "
                f"{self.socket_type.decode()}", start, INVALID_METADATA)
        routing_id = metadata.get(b"Identity", b"")
        if len(routing_id) > 255:
            raise ProtocolError("the peer's Identity is longer than 255 bytes", start,
                                INVALID_METADATA)
        self.peer_metadata = metadata
        self.peer_socket_type = kind or b""
        self.peer_routing_id = routing_id
        self.done = True
