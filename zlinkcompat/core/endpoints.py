"""The endpoints of one socket: what it bound and connected, and how that is undone."""

from zlinkcompat import transports
from zlinkcompat.core import inproc
from zlinkcompat.engine.connecter import Connecter
from zlinkcompat.engine.events import EVENT_BIND_FAILED
from zlinkcompat.engine.listener import Listener
from zlinkcompat.errors import ENOENT, zmq_error
from zlinkcompat.transports import endpoint as endpoint_module

PUB, SUB, REQ, DEALER = 1, 2, 3, 5

#: A second connect to the same endpoint is ignored: it would only duplicate messages (libzmq
#: ``src/socket_base.cpp: connect_internal``).
SINGLE_CONNECT = (PUB, SUB, REQ, DEALER)


class Endpoints:
    """Listeners, connecters and inproc peers of a socket, by endpoint."""

    def __init__(self, socket):
        self.socket = socket
        self.listeners = {}  # bound endpoint -> Listener
        self.bound_as = {}  # what the user wrote -> bound endpoint
        self.connecters = []
        self.inproc_names = []
        self.inproc_pipes = []

    def bind(self, text):
        socket = self.socket
        transport_name, address_text = endpoint_module.parse(text)
        if transport_name == "inproc":
            inproc.bind(socket, text)
            self.inproc_names.append(text)
            socket.last_endpoint = text.encode()
            return
        transport = transports.get(transport_name)
        options = socket.options.copy()
        address = transport.parse(address_text, options.ipv6, True)
        engine = socket.here()
        try:
            listener = Listener(socket, engine, transport, address, options)
        except Exception as error:
            socket.event(EVENT_BIND_FAILED, getattr(error, "errno", 0) or 0, text)
            raise
        self.listeners[listener.endpoint] = listener
        self.bound_as[text] = listener.endpoint
        socket.last_endpoint = listener.endpoint.encode()

    def connect(self, text):
        socket = self.socket
        transport_name, address_text = endpoint_module.parse(text)
        if transport_name == "inproc":
            inproc.connect(socket, text)
            socket.last_endpoint = text.encode()
            return
        if socket.socket_type in SINGLE_CONNECT:
            if any(connecter.endpoint == text for connecter in self.connecters):
                return
        transport = transports.get(transport_name)
        options = socket.options.copy()
        address = transport.parse(address_text, options.ipv6, False)
        engine = socket.here()
        self.connecters.append(Connecter(socket, engine, transport, address, options, text))
        socket.last_endpoint = text.encode()

    def unbind(self, text):
        socket = self.socket
        transport_name, _ = endpoint_module.parse(text)
        if transport_name == "inproc":
            if text not in self.inproc_names:
                raise zmq_error(ENOENT, "unbind %r: this socket is not bound there" % text)
            self.inproc_names.remove(text)
            inproc.unbind(socket, text)
            return
        endpoint = text if text in self.listeners else self.bound_as.get(text)
        listener = self.listeners.pop(endpoint, None)
        if listener is None:
            raise zmq_error(ENOENT, "unbind %r: this socket is not bound there" % text)
        self.bound_as = {k: v for k, v in self.bound_as.items() if v != endpoint}
        listener.close()
        self.drop_peers_of(endpoint)

    def disconnect(self, text):
        socket = self.socket
        transport_name, _ = endpoint_module.parse(text)
        if transport_name == "inproc":
            pipes = [pipe for pipe in self.inproc_pipes if pipe.endpoint == text]
            if not pipes:
                raise zmq_error(ENOENT, "disconnect %r: this socket is not connected there" % text)
            for pipe in pipes:
                self.inproc_pipes.remove(pipe)
                socket.drop_pipe(pipe)
            return
        connecters = [connecter for connecter in self.connecters if connecter.endpoint == text]
        if not connecters:
            # Undoing a bind by disconnect is libzmq's behaviour too: both end an endpoint.
            if text in self.listeners or text in self.bound_as:
                self.unbind(text)
                return
            raise zmq_error(ENOENT, "disconnect %r: this socket is not connected there" % text)
        for connecter in connecters:
            self.connecters.remove(connecter)
            self.drop_session(connecter)

    def drop_peers_of(self, endpoint):
        for session in list(self.socket.sessions):
            if session.endpoint == endpoint and session not in self.connecters:
                self.drop_session(session)

    def drop_session(self, session):
        if session.pipe is None:
            session.stop()
        else:
            self.socket.drop_pipe(session.pipe.peer)

    def pipe_gone(self, pipe):
        if pipe in self.inproc_pipes:
            self.inproc_pipes.remove(pipe)

    def session_ended(self, session):
        if session in self.connecters:
            self.connecters.remove(session)

    def set_high_water_marks(self, pipe):
        """SNDHWM or RCVHWM was set after the pipe was made."""
        options = self.socket.options
        if pipe.metadata is inproc.METADATA:
            inproc.set_high_water_marks(self.socket, pipe)
        else:
            pipe.outq.set_hwm(options.sndhwm)
            pipe.inq.set_hwm(options.rcvhwm)

    def close(self):
        """Free all addresses and stop dialling what has nothing to deliver."""
        for listener in self.listeners.values():
            listener.close()
        self.listeners = {}
        self.bound_as = {}
        for name in self.inproc_names:
            inproc.unbind(self.socket, name)
        self.inproc_names = []
        self.inproc_pipes = []
        inproc.forget(self.socket)
