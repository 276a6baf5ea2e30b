"""The handshake: a greeting, then the commands of a mechanism.

The greeting is sent in libzmq's stages: the signature, the version, and the rest. Each stage is
sent when the peer has shown that it can handle it. This detects peers of ZMTP 1 and 2, which use
their own version: instead of a mechanism, each side sends its routing id.

Source: RFC 37 and 23; RFC 15 and 13 (ZMTP 2 and 1); libzmq ``src/zmtp_engine.cpp``.
"""

from __future__ import annotations

from struct import pack
from typing import TYPE_CHECKING, Any

from zlinkcompat.wire.errors import (
    MALFORMED_MESSAGE,
    MECHANISM_MISMATCH,
    AuthenticationFailed,
    ProtocolError,
)
from zlinkcompat.wire.zmtp import commands, legacy

if TYPE_CHECKING:
    from zlinkcompat.wire.security.mechanism import Mechanism
    from zlinkcompat.wire.security.zap import ZapReply, ZapRequest
    from zlinkcompat.wire.zmtp.legacy import Version


SIGNATURE_SIZE = 10
GREETING_SIZE = 64
#: The greeting of ZMTP 2 and of some ZMTP 1 peers: signature, revision, socket type.
LEGACY_GREETING_SIZE = 12
#: The revision byte of ZMTP 2.0. 0 is ZMTP 1, and libzmq treats 2 as ZMTP 3.
REVISION_2 = 1


class Handshake:
    """One side of a handshake, without I/O.

    Parameters
    ----------
    decoder : zlinkcompat.wire.zmtp.decoder.Decoder
        Holds the peer's bytes; bytes after the handshake stay in it.
    encoder : zlinkcompat.wire.zmtp.encoder.Encoder
        The encoder for later messages; its buffered data is not touched.
    mechanism : zlinkcompat.wire.security.mechanism.Mechanism

    Attributes
    ----------
    done : bool
        Whether both sides are ready and the mechanism knows the peer.
    peer_minor : int
        0 or 1, the minor version of the peer's ZMTP 3; -1: the peer uses an older version.
    greeted : bool
        Whether the peer has shown that it uses the protocol.
    legacy_version : zlinkcompat.wire.zmtp.legacy.Version or None
        The older version that the peer uses; later messages need its codec.

    Raises
    ------
    ProtocolError
        From :meth:`advance`: the peer's bytes are malformed or incompatible.
    AuthenticationFailed
        From :meth:`advance` and :meth:`on_zap_reply`.
    """

    def __init__(self, decoder: Any, encoder: Any, mechanism: Mechanism) -> None:
        self.decoder = decoder
        self.encoder = encoder
        self.mechanism = mechanism
        self.done = False
        self.greeted = False
        self.peer_minor = 0
        self.legacy_version: Any = None
        self.stage: Any = self.await_signature

    @property
    def zap_request(self) -> ZapRequest | None:
        """The request to a ZAP handler that the handshake waits for, or None."""
        return self.mechanism.zap_request

    def start(self) -> Any:
        """Return the first bytes to send: the signature.

        As in libzmq, it is also the start of a ZMTP 1 routing id message (long length, flags).
        """
        return b"\xff" + pack(">Q", len(self.mechanism.routing_id) + 1) + b"\x7f"

    def advance(self) -> bytes:
        """Consume the decoder's data; return the bytes to send next, b"" if there are none."""
        answers = []
        try:
            while not self.done and self.mechanism.zap_request is None:
                answer = self.stage()
                if answer is None:
                    break
                answers.append(answer)
        except ProtocolError as failure:
            # Send our part as well, so that the peer sees the mismatch, for example our mechanism.
            failure.answer = b"".join(answers) + failure.answer
            raise
        return b"".join(answers)

    def end(self) -> None:
        """Break the reference cycle when the handshake is done or given up.

        :attr:`stage` is a method of this object. Without this call, the garbage collector would
        have to find each handshake that a peer gave up, with the decoder and its buffer.
        """
        self.stage = None

    def on_zap_reply(self, zap_reply: ZapReply | None) -> bytes:
        """Continue after the reply to :attr:`zap_request`. Return the bytes to send next.

        Parameters
        ----------
        zap_reply : zlinkcompat.wire.security.zap.ZapReply or None
            None if there is no handler and the request does not require one.
        """
        try:
            return self.send(self.mechanism.on_zap_reply(zap_reply))
        except AuthenticationFailed as failure:
            if failure.command:
                failure.answer = self.frame(failure.command)
            raise

    def send(self, body: Any) -> Any:
        """Return the bytes for a mechanism's command; b"" for None.

        Finish if it was the last one."""
        if self.mechanism.done:
            self.decoder.commands_only = False
            self.mechanism.secure(self.decoder, self.encoder)
            self.done = True
        return b"" if body is None else self.frame(body)

    def frame(self, body: bytes) -> bytes:
        return commands.frame(body)

    # Each stage returns the bytes to send, or None if it needs more bytes.

    def await_signature(self) -> bytes | None:
        begin = self.decoder.peek(SIGNATURE_SIZE)
        if (begin and begin[0] != 0xFF) or (len(begin) == SIGNATURE_SIZE and not begin[9] & 1):
            # The signature was the header of this routing id.
            return self.downgrade(legacy.UNVERSIONED, self.mechanism.routing_id)
        if len(begin) < SIGNATURE_SIZE:
            return None
        self.stage = self.await_version
        return b"\x03"

    def await_version(self) -> bytes | None:
        begin = self.decoder.peek(SIGNATURE_SIZE + 1)
        if len(begin) <= SIGNATURE_SIZE:
            return None
        mechanism = self.mechanism
        if begin[SIGNATURE_SIZE] <= REVISION_2:
            self.stage = self.await_older_greeting
            return bytes([mechanism.options.socket_type])
        self.stage = self.await_greeting
        # Minor version, mechanism, as-server, filler.
        return b"\x01" + mechanism.name.ljust(20, b"\0") + bytes([mechanism.as_server]) + bytes(31)

    def await_older_greeting(self) -> bytes | None:
        greeting = self.decoder.read_exactly(LEGACY_GREETING_SIZE)
        if greeting is None:
            return None
        # libzmq ignores the last byte, the socket type.
        version = legacy.VERSION_2 if greeting[SIGNATURE_SIZE] else legacy.VERSION_1
        return self.downgrade(version, version.frame(self.mechanism.routing_id))

    def downgrade(self, version: Version, answer: bytes) -> bytes:
        """Continue with an older version, which does not support security."""
        options = self.mechanism.options
        if options.mechanism or options.zap_domain:
            raise ProtocolError(
                f"the peer uses {version.name}, which has no authentication",
                SIGNATURE_SIZE,
                MECHANISM_MISMATCH,
            )
        self.legacy_version = version
        self.peer_minor = -1
        self.stage = self.await_routing_id
        return answer

    def await_routing_id(self) -> bytes | None:
        decoder = self.decoder
        sizes = self.legacy_version.header_untrusted(
            decoder.peek(legacy.HEADER_MAX), decoder.position
        )
        if sizes is None:
            return None
        header, size = sizes
        if size > 255:
            raise ProtocolError(
                "the peer's routing id is longer than 255 bytes",
                decoder.position,
                MALFORMED_MESSAGE,
            )
        frame = decoder.read_exactly(header + size)
        if frame is None:
            return None
        self.mechanism.peer_routing_id = frame[header:]
        self.done = True
        return b""

    def await_greeting(self) -> bytes | None:
        greeting = self.decoder.read_exactly(GREETING_SIZE)
        if greeting is None:
            return None
        self.greeted = True
        self.peer_minor = 0 if greeting[10] == 3 and greeting[11] == 0 else 1
        theirs, ours = greeting[12:32], self.mechanism.name
        if theirs != ours.ljust(20, b"\0"):
            raise ProtocolError(
                f"the peer's mechanism is {theirs.rstrip(bytes(1))!r}, ours {ours!r}",
                12,
                MECHANISM_MISMATCH,
            )
        return self.begin_mechanism()

    def begin_mechanism(self) -> bytes:
        """Accept only commands from now on, and return our first command."""
        self.decoder.commands_only = True
        self.stage = self.await_command
        return self.send(self.mechanism.start())

    def await_command(self) -> bytes | None:
        body = self.decoder.next()
        return None if body is None else self.handle_command(body)

    def handle_command(self, body: bytes) -> bytes:
        """Pass a command to the mechanism; return the bytes to send."""
        name, data, offset = commands.split_command_untrusted(body, self.decoder.position)
        return self.send(self.mechanism.receive(name, data, offset))
