"""What a connection reads from and writes to: a non-blocking stream of bytes."""


class Stream:
    """Base of all streams; ``fdstream.FdStream`` is the plain one, tls and ws wrap others.

    Attributes
    ----------
    fd : int
        What to watch for readiness; -1 after :meth:`close`.
    """

    def __init__(self, fd):
        self.fd = fd

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

    def close(self):
        """Close the descriptor; again is harmless."""
        raise NotImplementedError
