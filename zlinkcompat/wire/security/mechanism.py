"""Base of the security mechanisms, which exchange commands until both sides are ready.

Source: RFC 23 and 37 ("Mechanisms"), RFC 27 (ZAP); libzmq ``src/mechanism.cpp``,
``zap_client.cpp``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat.wire.errors import (
    INVALID_METADATA,
    UNEXPECTED_COMMAND,
    AuthenticationFailed,
    ProtocolError,
)
from zlinkcompat.wire.security.zap import ZapRequest
from zlinkcompat.wire.zmtp.commands import (
    Error,
    encode_metadata,
    parse_error_untrusted,
    parse_metadata_untrusted,
)

if TYPE_CHECKING:
    from zlinkcompat.core.options import Options
    from zlinkcompat.wire.security.zap import ZapReply
    from zlinkcompat.wire.zmtp.decoder import Decoder
    from zlinkcompat.wire.zmtp.encoder import Encoder


#: Names of the socket types, by libzmq's numbers.
SOCKET_TYPES = (
    b"PAIR", b"PUB", b"SUB", b"REQ", b"REP", b"DEALER",
    b"ROUTER", b"PULL", b"PUSH", b"XPUB", b"XSUB", b"STREAM",
)  # fmt: skip

#: The compatible peers of each socket type (RFC 28 to 31; libzmq ``check_socket_type``).
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

#: The socket types that send their routing id.
TELL_IDENTITY = (b"REQ", b"DEALER", b"ROUTER")

#: The properties that this module uses, by their names in lower case.
PROPERTIES = {b"socket-type": b"Socket-Type", b"identity": b"Identity", b"user-id": b"User-Id"}

#: Common names and values as text, so that all peers share one object.
COMMON = {each: each.decode() for each in (b"", *PROPERTIES.values(), *SOCKET_TYPES)}


def text_of(data: bytes, encoding: str) -> str:
    """Return a property's name or value (bytes) as text; undecodable bytes are replaced."""
    common = COMMON.get(data)
    return data.decode(encoding, "replace") if common is None else common


class Mechanism:
    """One side of a mechanism, without I/O.

    The caller sends the results of :meth:`start`, :meth:`receive` and :meth:`on_zap_reply`; each is
    the body of a command, or None. It passes the peer's commands to :meth:`receive`. If there is a
    :attr:`zap_request`, it asks a ZAP handler before anything else.

    Parameters
    ----------
    options
        libzmq's options as attributes with lower-case names, and ``metadata_properties()``.

    Attributes
    ----------
    done : bool
        Both sides are ready; the ``peer_`` attributes are set.
    zap_request : zlinkcompat.wire.security.zap.ZapRequest or None
        A request to a ZAP handler; :meth:`on_zap_reply` continues with the reply.
    peer_metadata : dict
        bytes to bytes.
    zap_metadata : dict
        The ZAP handler's metadata of the peer, including ``User-Id``; empty without a handler.
    peer_routing_id, peer_socket_type : bytes
    """

    name = b""
    #: The value of the greeting's field (RFC 37).
    as_server = False

    def __init__(self, options: Options) -> None:
        self.options = options
        self.socket_type = SOCKET_TYPES[options.socket_type]
        self.routing_id = options.routing_id
        self.done = False
        self.zap_request: Any = None
        self.peer_metadata: dict[Any, Any] = {}
        self.zap_metadata: dict[Any, Any] = {}
        self.peer_routing_id = b""
        self.peer_socket_type = b""

    # -- implemented by each mechanism -------------------------------------------------------

    def start(self) -> bytes | None:
        """Return the first command, or None; called after both greetings."""
        return None

    def receive(self, name: bytes, data: bytes, offset: int) -> bytes | None:
        """Handle a command of the peer.

        Parameters
        ----------
        name, data : bytes
        offset : int, bytes
            The offset of ``data`` in the peer's stream.

        Raises
        ------
        ProtocolError
            The command is malformed, or is not allowed now.
        AuthenticationFailed
            The peer's ZAP handler rejected us.
        """
        raise NotImplementedError  # abstract: each subclass implements it

    def admitted(self) -> bytes:
        """Continue the handshake, because the peer is accepted."""
        raise NotImplementedError  # abstract: each subclass implements it

    def secure(self, decoder: Decoder, encoder: Encoder) -> None:
        """Set the codec up for messages; called when the handshake is done."""

    # -- the peer's identity -----------------------------------------------------------------

    def properties(self) -> bytes:
        """Return our own properties, encoded."""
        properties = {b"Socket-Type": self.socket_type}
        if self.socket_type in TELL_IDENTITY:
            properties[b"Identity"] = self.routing_id
        properties.update(self.options.metadata_properties())
        return encode_metadata(properties)

    def accept_untrusted(self, data: bytes, offset: int) -> None:
        """Read the peer's properties."""
        options = self.options
        metadata: dict[bytes, bytes] = {}
        for name, value in parse_metadata_untrusted(
            data, offset, options.metadata_max, options.properties_max
        ).items():
            # Names are case-insensitive (RFC 37, "Metadata"). The first of equal names counts.
            metadata.setdefault(PROPERTIES.get(name.lower(), name), value)
        # Only a ZAP handler may set this name.
        metadata.pop(b"User-Id", None)
        kind = metadata.get(b"Socket-Type")
        # RFC 37 requires it, but libzmq accepts a peer without it.
        if kind is not None and kind not in COMPATIBLE[self.socket_type]:
            raise ProtocolError(
                f"the peer's socket type {kind!r:.80} is not compatible with our "
                f"{self.socket_type.decode()}",
                offset,
                INVALID_METADATA,
            )
        routing_id = metadata.get(b"Identity", b"")
        if len(routing_id) > 255:
            raise ProtocolError(
                "the peer's Identity is longer than 255 bytes", offset, INVALID_METADATA
            )
        self.peer_metadata = metadata
        self.peer_socket_type = kind or b""
        self.peer_routing_id = routing_id

    # -- authentication ----------------------------------------------------------------------

    def ask(self, credentials: list[Any], required: bool) -> None:
        """Have a ZAP handler check ``credentials`` (list of bytes)."""
        self.zap_request = ZapRequest(
            self.options.zap_domain, self.routing_id, self.name, credentials, required
        )

    def on_zap_reply(self, zap_reply: ZapReply | None) -> bytes:
        """Continue after a :attr:`zap_request`.

        Parameters
        ----------
        zap_reply : zlinkcompat.wire.security.zap.ZapReply or None
            None: there is no handler, and the request does not require one.

        Raises
        ------
        AuthenticationFailed
            It has the command that tells the peer.
        """
        self.zap_request = None
        if zap_reply is not None:
            if zap_reply.status != 200:
                # 300 is temporary, and the peer should try again (RFC 27).
                command = b"" if zap_reply.status == 300 else Error(b"%d" % zap_reply.status).body()
                raise AuthenticationFailed(
                    f"the ZAP handler refused the peer: {zap_reply.status} {zap_reply.text!r:.200}",
                    zap_reply.status,
                    command,
                )
            self.zap_metadata = zap_reply.metadata
        return self.admitted()

    # -- unexpected commands -----------------------------------------------------------------

    def refuse(self, name: bytes, data: bytes, offset: int) -> None:
        """Raise the error for the unexpected command ``name``, which may be ERROR."""
        if name == b"ERROR":
            reason = parse_error_untrusted(data, offset)
            if reason in (b"300", b"400", b"500"):
                raise AuthenticationFailed(
                    f"the peer's ZAP handler refused us: {reason.decode()}", int(reason)
                )
            raise ProtocolError(f"the peer refused: ERROR {reason!r:.200}", offset)
        # Leave out its data, which may be a password.
        raise ProtocolError(
            f"the command {name!r:.80} came in the middle of the {self.name.decode()} handshake",
            offset,
            UNEXPECTED_COMMAND,
        )
