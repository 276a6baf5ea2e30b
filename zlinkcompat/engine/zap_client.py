"""The ZAP client: it asks the program's ZAP handler whether to accept a peer (RFC 27).

Source: libzmq ``src/session_base.cpp: zap_connect``, ``zap_client.cpp``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat.routing.mailbox import Mailbox
from zlinkcompat.routing.pipe import PipeSink
from zlinkcompat.wire.security.zap import parse_reply

if TYPE_CHECKING:
    from zlinkcompat.engine.callbacks import ThreadsafeCallbacks
    from zlinkcompat.engine.connection import Connection
    from zlinkcompat.routing.pipe import Pipe
    from zlinkcompat.wire.security.zap import ZapReply, ZapRequest


class ReplyMailbox(Mailbox):
    """Events of a handler in another thread, forwarded to the connection's thread."""

    def __init__(self, callbacks: ThreadsafeCallbacks) -> None:
        Mailbox.__init__(self)
        self.callbacks = callbacks

    def alert(self) -> None:
        self.callbacks.call(self.process)


class ZapClient(PipeSink):
    """One ZAP request of one connection, sent over its own pipe.

    Parameters
    ----------
    connection : Connection
        Its greenlet is woken by each event of the handler.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.pipe: Any = None  # a Pipe, once asked

    def ask(self, zap_request: ZapRequest) -> bool:
        """Send ``zap_request`` to the handler. False if there is none."""
        session = self.connection.session
        mailbox = ReplyMailbox(self.connection.loop.callbacks)
        self.pipe = session.socket.peers.connect_zap(self, mailbox)
        if self.pipe is None:
            return False
        self.pipe.write_unbounded(zap_request.frames(session.peer_address))
        self.pipe.flush()
        return True

    def poll(self) -> ZapReply | None:
        """Return the :class:`ZapReply`, or None while there is none.

        Raises
        ------
        ProtocolError
            The reply is malformed.
        ConnectionError
            The handler closed without a reply.
        """
        message = self.pipe.read()
        if message is not None:
            return parse_reply(message)
        if self.pipe.peer_closed:
            raise ConnectionError("the ZAP handler closed without a reply")
        return None

    def close(self) -> None:
        if self.pipe is not None:
            self.pipe.terminate()

    # -- called by the pipe ------------------------------------------------------------------

    def read_activated(self, pipe: Pipe) -> None:
        self.connection.wake_threadsafe()

    def pipe_terminated(self, pipe: Pipe) -> None:
        self.connection.wake_threadsafe()

    def on_protocol_violation(self, pipe: Pipe, text: str) -> None:
        # A REP handler drops a malformed request, but ours is well formed. So this is only a
        # wake-up.
        self.connection.wake_threadsafe()
