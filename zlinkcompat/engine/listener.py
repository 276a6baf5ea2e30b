"""A listener: accepts the peers of one bound endpoint."""

from errno import EMFILE, ENFILE, ENOBUFS, ENOMEM

from zlinkcompat.engine.events import (
    EVENT_ACCEPT_FAILED,
    EVENT_ACCEPTED,
    EVENT_CLOSED,
    EVENT_LISTENING,
)
from zlinkcompat.engine.resolver import getaddrinfo
from zlinkcompat.engine.session import AcceptedSession

#: Connections accepted in one turn of the hub, so that a storm of them does not stop traffic.
ACCEPT_BURST = 64

#: Seconds without accepting after the process or machine ran out of descriptors or memory.
ACCEPT_PAUSE = 0.1


class Listener:
    """One bound endpoint.

    Parameters
    ----------
    socket : zlinkcompat.core.socket.SocketBase
    engine : HubEngine
        Where it accepts; its peers may be served by others.
    transport : module
        Of ``zlinkcompat.transports``.
    address
        As ``transport.parse`` gave it.
    options : Options
        A snapshot of the socket's.

    Raises
    ------
    ZMQError
        EADDRINUSE, ENODEV, EINVAL, ... as the transport's ``listen``.

    Attributes
    ----------
    endpoint : str
        What LAST_ENDPOINT tells: wildcards replaced by what the system chose.
    """

    def __init__(self, socket, engine, transport, address, options):
        self.socket = socket
        self.engine = engine
        self.transport = transport
        self.options = options
        self.link = transport.Link(address, options, True)
        self.listening = transport.listen(address, options, getaddrinfo)
        self.endpoint = self.listening.endpoint
        self.fd = self.listening.socket.fileno()
        self.pause = None
        self.watcher = None
        socket.listener_started(self)
        engine.admit(self)
        socket.event(EVENT_LISTENING, self.fd, self.endpoint)
        engine.call(self.start)

    def start(self):
        if self.listening is not None:
            self.watcher = self.engine.loop.io(self.fd, 1)
            self.watcher.start(self.on_fd_readable)

    def on_fd_readable(self):
        for _ in range(ACCEPT_BURST):
            try:
                accepted = self.transport.accept(self.listening)
            except OSError as error:
                self.socket.event(EVENT_ACCEPT_FAILED, error.errno, self.endpoint)
                if error.errno in (EMFILE, ENFILE, ENOBUFS, ENOMEM):
                    self.watcher.stop()
                    self.pause = self.engine.loop.timer(ACCEPT_PAUSE)
                    self.pause.start(self.resume)
                return
            if accepted is None:
                return
            sock, peer_address = accepted
            try:
                self.transport.tune(sock, self.options)
            except OSError as error:
                # The peer may be gone already; others wait behind it.
                sock.close()
                self.socket.event(EVENT_ACCEPT_FAILED, error.errno, self.endpoint)
                continue
            self.socket.event(EVENT_ACCEPTED, sock.fileno(), self.endpoint)
            engine = self.engine.place(self.options.affinity)
            engine.call(self.serve, (engine, sock, peer_address))

    def serve(self, engine, sock, peer_address):
        """Make the session of an accepted peer, in the thread of its engine."""
        AcceptedSession(
            self.socket, engine, self.options, self.endpoint, self.link, sock, peer_address
        )

    def resume(self):
        self.pause = None
        self.watcher.start(self.on_fd_readable)

    def close(self):
        """Stop accepting, and free the address at once. Accepted peers stay."""
        if self.listening is not None:
            self.forget()
            self.socket.event(EVENT_CLOSED, self.fd, self.endpoint)
            self.leave()

    def leave(self):
        self.engine.dismiss(self)
        self.socket.listener_ended(self)

    def forget(self):
        """Close this process's descriptor; the address is free when there is no other."""
        if self.pause is not None:
            self.pause.stop()
        if self.watcher is not None:
            self.watcher.stop()
            self.watcher.close()
        if self.listening is not None:
            self.listening.close()
            self.listening = None
