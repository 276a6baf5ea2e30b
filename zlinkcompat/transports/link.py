"""A link: the state below the message level that all connections of one endpoint share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat.transports.socket_stream import SocketStream

if TYPE_CHECKING:
    from zlinkcompat.core.options import Options


class Link:
    """The link of plain byte streams with ZMTP. The links of other transports derive from it.

    Parameters
    ----------
    address
        The result of the transport's ``parse``.
    options : Options
    bind : bool
        Whether the endpoint accepts peers (a server) or connects to one (a client).

    Attributes
    ----------
    protocol : str
        The protocol over the stream: a key of ``zlinkcompat.engine.protocols``.

    Raises
    ------
    zmq.ZMQError
        EINVAL: the options contradict each other, or name something that does not exist.
    """

    protocol = "zmtp"

    def __init__(self, address: Any, options: Options, bind: bool) -> None:
        self.address = address
        self.options = options
        self.bind = bind

    def open(self, fd: int) -> SocketStream:
        """Return the :class:`~zlinkcompat.transports.bytestream.ByteStream` of a descriptor.

        The stream owns the connected descriptor; if this raises, the caller still owns it."""
        return SocketStream(fd)
