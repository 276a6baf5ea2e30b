"""What a peer did wrong."""

# libzmq's ZMQ_PROTOCOL_ERROR_ZMTP_* numbers (zmq.h), told by EVENT_HANDSHAKE_FAILED_PROTOCOL.
UNSPECIFIED = 0x10000000
UNEXPECTED_COMMAND = 0x10000001
INVALID_SEQUENCE = 0x10000002
KEY_EXCHANGE = 0x10000003
MALFORMED_UNSPECIFIED = 0x10000011
MALFORMED_MESSAGE = 0x10000012
MALFORMED_HELLO = 0x10000013
MALFORMED_INITIATE = 0x10000014
MALFORMED_ERROR = 0x10000015
MALFORMED_READY = 0x10000016
MALFORMED_WELCOME = 0x10000017
INVALID_METADATA = 0x10000018
MECHANISM_MISMATCH = 0x11000002
WS_UNSPECIFIED = 0x30000000
# Ours: libzmq has no number for these.
TLS_UNSPECIFIED = 0x40000000
TLS_CERTIFICATE = 0x40000001


class ProtocolError(Exception):
    """The peer's bytes are not ZMTP, or not what may come now. Ends that connection only.

    Parameters
    ----------
    text : str
        What was wrong.
    offset : int, bytes
        Where in the peer's stream, counted from its first byte.
    code : int
        libzmq's number for it.
    """

    def __init__(self, text, offset, code=UNSPECIFIED):
        super().__init__(f"{text} (at byte {offset} of the peer's stream)")
        self.offset = offset
        self.code = code
        self.answer = b""  # to the peer, before the connection ends


class MessageTooLarge(ProtocolError):
    """A frame is announced that is larger than MAXMSGSIZE; nothing was allocated for it."""
