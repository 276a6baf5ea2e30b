"""The endpoints of one socket: its binds and connects, and how to undo them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat import transports
from zlinkcompat._constants import DEALER, EVENT_BIND_FAILED, PUB, REQ, SUB
from zlinkcompat._runtime.log_queue import Log
from zlinkcompat.core import inproc
from zlinkcompat.errors import ENOENT, zmq_error
from zlinkcompat.transports import endpoint as endpoint_module

if TYPE_CHECKING:
    from types import ModuleType

    from zlinkcompat.core.socket import CoreSocket
    from zlinkcompat.engine.session import Session
    from zlinkcompat.routing.pipe import Pipe


LOG = Log("zlinkcompat.core")


#: Socket types that ignore a second connect to the same endpoint, because it would only duplicate
#: messages (libzmq ``src/socket_base.cpp: connect_internal``).
SINGLE_CONNECT = (PUB, SUB, REQ, DEALER)

# The first bind or connect imports these, so that importing the package is fast.
Connecter: Any = None
Listener: Any = None
getaddrinfo: Any = None


def transport_of(name: str) -> ModuleType:
    """Return the transport called ``name``.

    This also imports the modules that connections need. Later the process may have no descriptor
    left to open a module's file.
    """
    global Connecter, Listener, getaddrinfo
    if getaddrinfo is None:  # assigned last, so then all three are missing
        from zlinkcompat.engine.connecter import Connecter
        from zlinkcompat.engine.listener import Listener
        from zlinkcompat.engine.resolver import getaddrinfo
    return transports.get(name)


class Endpoints:
    """The listeners, connecters and inproc peers of a socket, by endpoint."""

    def __init__(self, socket: CoreSocket) -> None:
        self.socket = socket
        self.listeners: dict[Any, Any] = {}  # bound endpoint -> Listener
        self.connecters: list[Any] = []
        self.inproc_names: list[Any] = []
        self.inproc_pipes: list[Any] = []

    def bind(self, text: str) -> None:
        socket = self.socket
        transport_name, address_text = endpoint_module.parse(text)
        if transport_name == "inproc":
            inproc.bind(socket, text)
            self.inproc_names.append(text)
            socket.last_endpoint = text.encode()
            self.log_endpoint("bound to", text)
            return
        transport = transport_of(transport_name)
        options = socket.options.copy()
        address = transport.parse(address_text, options.ipv6, True)
        loop = socket.choose_loop(options.affinity)
        try:
            listener = Listener(socket, loop, transport, address, options)
        except Exception as error:
            socket.event(EVENT_BIND_FAILED, getattr(error, "errno", 0) or 0, text)
            raise
        self.listeners[listener.endpoint] = listener
        socket.last_endpoint = listener.endpoint.encode()
        self.log_endpoint("bound to", listener.endpoint)

    def connect(self, text: str) -> None:
        socket = self.socket
        transport_name, address_text = endpoint_module.parse(text)
        if transport_name == "inproc":
            inproc.connect(socket, text)
            socket.last_endpoint = text.encode()
            self.log_endpoint("connects to", text)
            return
        if socket.socket_type in SINGLE_CONNECT:
            if any(connecter.endpoint == text for connecter in self.connecters):
                return
        transport = transport_of(transport_name)
        options = socket.options.copy()
        address = transport.parse(address_text, options.ipv6, False)
        loop = socket.choose_loop(options.affinity)
        self.connecters.append(Connecter(socket, loop, transport, address, options, text))
        socket.last_endpoint = text.encode()
        self.log_endpoint("connects to", text)

    def log_endpoint(self, what: str, text: str) -> None:
        """Log that the socket binds, connects, or leaves an endpoint."""
        LOG.debug("socket %#x: %s %s", self.socket.address, what, text)

    def end(self, text: str, verb: str) -> None:
        """Undo every bind and connect of an endpoint. Like libzmq, do not distinguish the two.

        Parameters
        ----------
        text : str
            The endpoint as LAST_ENDPOINT returned it. For tcp, another spelling of the address also
            works if it is valid for connect: a name of this host, but not ``*`` or an interface.
        verb : str
            The operation, for the error text.

        Raises
        ------
        ZMQError
            ENOENT, and the errors of a malformed endpoint.
        """
        transport_name, address_text = endpoint_module.parse(text)
        if transport_name == "inproc":
            found = self.end_inproc(text)
        else:
            found = self.end_named(text)
            if not found:
                transport = transport_of(transport_name)
                ipv6 = self.socket.options.ipv6
                for name in transport.aliases(address_text, ipv6, getaddrinfo):
                    found = found or self.end_named(name)
        if not found:
            raise zmq_error(ENOENT, f"{verb} {text!r}: this socket has no such endpoint")
        self.log_endpoint(verb, text)

    def end_inproc(self, text: str) -> bool:
        if text in self.inproc_names:
            self.inproc_names.remove(text)
            inproc.unbind(self.socket, text)
            return True
        pipes = [pipe for pipe in self.inproc_pipes if pipe.endpoint == text]
        for pipe in pipes:
            self.inproc_pipes.remove(pipe)
            self.socket.peers.disconnect_pipe(pipe)
        return bool(pipes)

    def end_named(self, text: str) -> bool:
        listener = self.listeners.pop(text, None)
        if listener is not None:
            listener.loop.call(listener.close)
            self.socket.wait_for_io_threads()
            self.drop_peers_of(text)
        connecters = [connecter for connecter in self.connecters if connecter.endpoint == text]
        for connecter in connecters:
            self.connecters.remove(connecter)
            self.drop_session(connecter)
        return listener is not None or bool(connecters)

    def drop_peers_of(self, endpoint: str) -> None:
        for session in list(self.socket.peers.sessions):
            if session.endpoint == endpoint and session not in self.connecters:
                self.drop_session(session)

    def drop_session(self, session: Session) -> None:
        pipe = session.pipe
        if pipe is None:
            session.loop.call(session.stop)
        else:
            self.socket.peers.disconnect_pipe(pipe.peer)

    def pipe_gone(self, pipe: Pipe) -> None:
        if pipe in self.inproc_pipes:
            self.inproc_pipes.remove(pipe)

    def session_ended(self, session: Session) -> None:
        try:
            self.connecters.remove(session)
        except ValueError:
            pass  # it was disconnected before, or it was not a connecter

    def set_high_water_marks(self, pipe: Pipe) -> None:
        """Apply SNDHWM or RCVHWM to a pipe that was created before the option was set."""
        options = self.socket.options
        if pipe.metadata is inproc.METADATA:
            inproc.set_high_water_marks(self.socket, pipe)
        else:
            pipe.set_high_water_marks(options.sndhwm, options.rcvhwm)

    def close(self) -> None:
        """Free all addresses, and end each connecter that has no message left to deliver."""
        for listener in self.listeners.values():
            listener.loop.call(listener.close)
        self.listeners = {}
        for name in self.inproc_names:
            inproc.unbind(self.socket, name)
        self.inproc_names = []
        self.inproc_pipes = []
