"""A link: what all connections of one endpoint have in common below their messages."""

from zlinkcompat.transports.socket_stream import SocketStream


class Link:
    """Plain bytes, spoken ZMTP over; the other transports' links derive from it.

    Parameters
    ----------
    address
        As the transport's ``parse`` gave it.
    options : Options
    bind : bool
        Whether peers are accepted (a server) or connected to (a client).

    Attributes
    ----------
    protocol : str
        What is spoken over the stream: a key of ``zlinkcompat.engine.protocols``.

    Raises
    ------
    zmq.ZMQError
        EINVAL: the options contradict each other, or name what is not there.
    """

    protocol = "zmtp"

    def __init__(self, address, options, bind):
        self.address = address
        self.options = options
        self.bind = bind

    def open(self, fd):
        """The :class:`~zlinkcompat.transports.bytestream.ByteStream` of a connected descriptor.

        The stream owns it from now on; if this raises, it is still the caller's."""
        return SocketStream(fd)
