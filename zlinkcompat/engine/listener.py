"""A listener: accepts the peers of one bound endpoint."""

from __future__ import annotations

from errno import EACCES, EMFILE, ENFILE, ENOBUFS, ENOMEM
from time import monotonic
from typing import TYPE_CHECKING, Any

from zlinkcompat._constants import (
    EVENT_ACCEPT_FAILED,
    EVENT_ACCEPTED,
    EVENT_CLOSED,
    EVENT_LISTENING,
)
from zlinkcompat._runtime.log_limiter import LogLimiter
from zlinkcompat._runtime.log_queue import Log
from zlinkcompat.engine import interrupts, protocols
from zlinkcompat.engine.resolver import getaddrinfo
from zlinkcompat.engine.session import AcceptedSession

if TYPE_CHECKING:
    from types import ModuleType

    from zlinkcompat.core.options import Options
    from zlinkcompat.core.socket import CoreSocket


#: At most this many connections are accepted per loop iteration, so that a flood of new connections
#: does not stop the traffic of the existing ones.
ACCEPT_BURST = 64

#: For this many seconds the listener stops accepting when descriptors or memory have run out.
ACCEPT_PAUSE = 0.1

#: Every handshake may take this many seconds, even if the listener has too many unfinished ones.
HANDSHAKE_GRACE = 1.0

LOG = Log("zlinkcompat.engine")


class Listener:
    """One bound endpoint.

    Parameters
    ----------
    socket : zlinkcompat.core.socket.CoreSocket
    loop : IOLoop
        The loop that accepts. Other loops may serve the accepted peers.
    transport : module
        A module of ``zlinkcompat.transports``.
    address
        The result of ``transport.parse``.
    options : Options
        A snapshot of the socket's options.

    Raises
    ------
    ZMQError
        EADDRINUSE, ENODEV, EINVAL, ...: the errors of the transport's ``listen``.

    Attributes
    ----------
    endpoint : str
        The value of LAST_ENDPOINT: the system's choices replace wildcards.
    handshaking : dict
        Maps each accepted session with an unfinished handshake to the time when it began (s). The
        oldest is first.
    """

    def __init__(
        self, socket: CoreSocket, loop: Any, transport: ModuleType, address: Any, options: Options
    ) -> None:
        self.socket = socket
        self.loop = loop
        self.transport = transport
        self.options = options
        self.link = transport.Link(address, options, True)
        protocols.load(self.link.protocol, options.mechanism)
        self.listening = transport.listen(address, options, getaddrinfo)
        self.endpoint = self.listening.endpoint
        self.fd = self.listening.socket.fileno()
        self.pause: Any = None
        self.exhausted_errno = 0
        self.limiter = LogLimiter()
        self.handshaking: dict[Any, Any] = {}
        self.watcher: Any = None
        socket.peers.listener_started(self)
        loop.register(self)
        socket.event(EVENT_LISTENING, self.fd, self.endpoint)
        loop.call(self.start)

    def start(self) -> None:
        if self.listening is not None:
            self.watcher = self.loop.gevent_loop.io(self.fd, 1)
            self.watcher.start(self.loop.call_guarded, self.on_fd_readable)

    def on_fd_readable(self) -> None:
        for number in range(ACCEPT_BURST):
            if self.listening is None:
                return  # a log handler or the garbage collector has closed this listener
            # Make room only in the first round. In later rounds perhaps no peer is waiting.
            if self.is_full() and (number or not self.make_room()):
                return
            try:
                accepted = self.transport.accept(self.listening)
            except OSError as error:
                if interrupts.is_interrupt(error):
                    raise
                self.accept_failed(error)
                return
            if accepted is None:
                return
            self.exhausted_errno = 0
            self.serve(*accepted)

    def serve(self, sock: Any, peer_address: str) -> None:
        """Start a session for an accepted connection, unless a filter rejects the peer."""
        session = None
        try:
            if not self.transport.admits(sock, self.options):
                LOG.info("%s: peer %s: rejected by a filter", self.endpoint, peer_address)
                sock.close()
                self.socket.event(EVENT_ACCEPT_FAILED, EACCES, self.endpoint)
                return
            try:
                self.transport.tune(sock, self.options)
            except OSError as error:
                if interrupts.is_interrupt(error):
                    raise
                # The peer may have left already. Do not raise, because other peers are waiting.
                sock.close()
                self.socket.event(EVENT_ACCEPT_FAILED, error.errno, self.endpoint)
                return
            LOG.debug("%s: accepted %s", self.endpoint, peer_address)
            self.socket.event(EVENT_ACCEPTED, sock.fileno(), self.endpoint)
            loop = self.loop.choose_loop(self.options.affinity)
            session = AcceptedSession(self, loop, peer_address)
            self.handshaking[session] = monotonic()
            loop.call(session.start, (sock,))
        except BaseException:
            # A signal handler of the program may have interrupted this. The peer connects again.
            sock.close()
            if session is not None and session.connection is None:
                self.release(session)
                session.finish()
            raise

    def accept_failed(self, error: Any) -> None:
        """Report a failed accept. Pause if descriptors or memory have run out."""
        if error.errno in (EMFILE, ENFILE, ENOBUFS, ENOMEM):
            self.pause_for(ACCEPT_PAUSE)
            if self.exhausted_errno == error.errno:
                return  # already reported when the shortage began
            self.exhausted_errno = error.errno
            self.limiter.warn(
                LOG,
                ("no place", error.errno),
                "%s: accepting no peers for now: %s",
                self.endpoint,
                error.strerror,
            )
        self.socket.event(EVENT_ACCEPT_FAILED, error.errno, self.endpoint)

    # -- unfinished handshakes -------------------------------------------------------------

    def is_full(self) -> bool:
        return 0 < self.options.handshakes_max <= len(self.handshaking)

    def make_room(self) -> bool:
        """End the oldest handshake if it is slow. Otherwise pause accepting and return False.

        So a crowd of peers waits in the backlog, and silent peers keep other peers waiting for at
        most :data:`HANDSHAKE_GRACE`."""
        session, since = next(iter(self.handshaking.items()))
        left = since + HANDSHAKE_GRACE - monotonic()
        if left > 0:
            self.pause_for(left)
            return False
        del self.handshaking[session]
        session.loop.call(session.abort_slow_handshake)
        return True

    def on_handshake_over(self, session: AcceptedSession) -> None:
        """Count one unfinished handshake less. The session calls this in its own thread."""
        self.loop.call(self.release, (session,))

    def release(self, session: AcceptedSession) -> None:
        self.handshaking.pop(session, None)
        if self.pause is not None and not self.exhausted_errno:
            self.resume()

    def pause_for(self, seconds: float) -> None:
        self.watcher.stop()
        self.pause = self.loop.gevent_loop.timer(seconds)
        # Update the loop's clock, which may be old. Otherwise the pause would end early.
        self.pause.start(self.loop.call_guarded, self.resume, update=True)

    def resume(self) -> None:
        self.pause.stop()
        self.pause.close()
        self.pause = None
        self.watcher.start(self.loop.call_guarded, self.on_fd_readable)

    def close(self) -> None:
        """Stop accepting and free the address at once. Accepted peers stay connected."""
        if self.listening is not None:
            self.abort()
            self.socket.event(EVENT_CLOSED, self.fd, self.endpoint)
            self.unregister()

    def flush(self) -> bool:
        """See :meth:`Session.flush`."""
        return False

    def unregister(self) -> None:
        self.loop.unregister(self)
        self.socket.peers.listener_ended(self)

    def abort(self) -> None:
        """Close this process's descriptor.

        Another process of the fork may still use the address."""
        if self.pause is not None:
            self.pause.stop()
            self.pause.close()
            self.pause = None
        if self.watcher is not None:
            self.watcher.stop()
            self.watcher.close()
        if self.listening is not None:
            self.listening.close()
            self.listening = None
