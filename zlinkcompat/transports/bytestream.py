"""What a connection reads from and writes to: a non-blocking stream of bytes."""


class ByteStream:
    """Base of all streams; ``socket_stream.SocketStream`` is the plain one, tls and ws wrap others.

    Attributes
    ----------
    fd : int
        What to watch for readiness; -1 after :meth:`close`.
    buffered : bool
        Bytes may wait here that were taken from the descriptor, so that it tells nothing of them.
    blocked : bool
        :meth:`begin` waits until the descriptor is writable.
    concurrent_read_write : bool
        One thread may read while another writes; else who comes second finds nothing to do (-1).
    """

    def __init__(self, fd):
        self.fd = fd
        self.buffered = False
        self.blocked = False
        self.concurrent_read_write = True

    def begin(self):
        """Make the stream's own handshake, if it has one; True when that is done.

        False: call again when the descriptor is readable or, while :attr:`blocked`, writable."""
        return True

    def read_into(self, decoder):
        """One read, straight into the decoder's buffer.

        Returns
        -------
        int
            Bytes read and committed to the decoder. 0: the peer closed. -1: nothing there yet.

        Raises
        ------
        OSError
            ECONNRESET, ETIMEDOUT, ...: the connection is dead. EBADF: the stream is closed.
        """
        raise NotImplementedError

    def write_from(self, encoder):
        """One vectored write of what the encoder holds; it is not advanced, the caller does that.

        Returns
        -------
        int
            Bytes written, perhaps fewer than pending; 0 if none are. -1: the kernel takes none now.

        Raises
        ------
        OSError
            EPIPE, ECONNRESET, ...: the connection is dead. EBADF: the stream is closed.
        """
        raise NotImplementedError

    def has_ended(self):
        """Tell whether the peer has ended the connection, even if bytes of it are unread.

        Nothing is read, and nothing raises: what a dead connection says the next read tells."""
        return False

    def end(self):
        """Tell the peer that this is the end, if the stream has a word for it; never waits."""

    def close(self):
        """Close the descriptor; again is harmless."""
        raise NotImplementedError
