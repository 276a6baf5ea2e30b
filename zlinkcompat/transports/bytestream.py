"""The interface between connections and transports: a non-blocking stream of bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zlinkcompat.wire.zmtp.decoder import Decoder
    from zlinkcompat.wire.zmtp.encoder import Encoder


class ByteStream:
    """Base of all streams. ``SocketStream`` is the plain one; those of tls and ws wrap others.

    Attributes
    ----------
    fd : int
        The descriptor to watch for readiness; -1 after :meth:`close`.
    buffered : bool
        The stream may hold bytes that it has read already. The descriptor is not readable for them.
    blocked : bool
        :meth:`begin` is waiting for the descriptor to become writable.
    concurrent_read_write : bool
        One thread may read while another writes. Otherwise the second caller gets -1.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.buffered = False
        self.blocked = False
        self.concurrent_read_write = True

    def begin(self) -> bool:
        """Perform the stream's own handshake, if it has one; return True when it is done.

        False: call it again when the descriptor is readable or, while :attr:`blocked`, writable."""
        return True

    def read_into(self, decoder: Decoder) -> int:
        """Read once, directly into the decoder's buffer.

        Returns
        -------
        int
            Bytes read and committed to the decoder. 0: the peer closed. -1: no data is available.

        Raises
        ------
        OSError
            ECONNRESET, ETIMEDOUT, ...: the connection is dead. EBADF: the stream is closed.
        """
        raise NotImplementedError  # abstract: each subclass implements it

    def write_from(self, encoder: Encoder) -> int:
        """Write once, with a vectored write of the encoder's data. The caller advances the encoder.

        Returns
        -------
        int
            Bytes written, perhaps fewer than pending; 0 if none are. -1: the kernel accepts none.

        Raises
        ------
        OSError
            EPIPE, ECONNRESET, ...: the connection is dead. EBADF: the stream is closed.
        """
        raise NotImplementedError  # abstract: each subclass implements it

    def has_ended(self) -> bool:
        """Tell whether the peer has ended the connection, even if some of its bytes are unread.

        This reads nothing and never raises. The next read reports a dead connection's error."""
        return False

    def end(self) -> None:
        """Tell the peer that the stream ends, if the protocol can express it; never waits."""

    def close(self) -> None:
        """Close the descriptor. Repeated calls have no effect."""
        raise NotImplementedError  # abstract: each subclass implements it
