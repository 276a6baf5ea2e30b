"""The fuzz target for whole connections: a stranger's bytes pass through a session in memory.

An input selects the attacked socket, the protocol, whether the stranger first completes a valid
handshake, and what it then sends. During this, the program of the attacked socket sends, receives
and polls. Its calls may raise the errors that pyzmq documents. Any other exception, a logged
traceback or an endless loop is a bug. After the attack the socket must serve an honest peer.
"""

import logging
import os
import socket as sockets
from time import monotonic
from types import SimpleNamespace

import gevent
import zmq
from gevent.hub import Hub

import zlinkcompat
from reliability.remote_end import CURVE, NULL, PLAIN, Stranger, TcpLink, WsLink
from reliability.targets import SERVER
from zlinkcompat._runtime.log_limiter import LogLimiter
from zlinkcompat.engine import protocols
from zlinkcompat.engine.session import AcceptedSession
from zlinkcompat.transports import tcp, ws
from zlinkcompat.wire.security.mechanism import COMPATIBLE, SOCKET_TYPES

#: Pairs of (True if the connection is over WebSocket, mechanism).
PROTOCOLS = (
    (False, NULL),
    (False, PLAIN),
    (False, CURVE),
    (True, NULL),
    (True, PLAIN),
    (True, CURVE),
)

STREAM = 11

#: The errno that calls with NOBLOCK may raise (zmq_recv(3), zmq_send(3)).
DOCUMENTED = {zmq.EAGAIN, zmq.EFSM, zmq.ENOTSUP, zmq.EHOSTUNREACH}

#: The seconds after which a connection must be idle.
PATIENCE = 20

#: The iterations of the hub's event loop after which a connection must be idle. Each byte of input
#: adds some.
TURNS = 300


class Defects(logging.Handler):
    """Collects errors that the engine logs with a traceback or that reach the hub; raises the
    first."""

    def __init__(self):
        logging.Handler.__init__(self, logging.WARNING)
        self.found = []

    def emit(self, record):
        if record.exc_info and record.exc_info[1] is not None:
            self.found.append(record.exc_info[1])

    def __enter__(self):
        self.log = logging.getLogger("zlinkcompat")
        self.log.addHandler(self)
        # Catch the errors of all hubs, in all threads.
        self.handle_error = Hub.handle_error
        Hub.handle_error = lambda hub, where, kind, error, trace: self.found.append(error)
        return self

    def __exit__(self, *exception):
        self.log.removeHandler(self)
        Hub.handle_error = self.handle_error
        if self.found and exception[0] is None:
            raise self.found[0]


class Attacked:
    """A socket with its program, and the peers that connect to it."""

    def __init__(self, context, socket_type, over_ws, mechanism, connects):
        self.type = socket_type
        self.sock = sock = context.socket(socket_type)
        sock.linger = 0
        sock.handshake_ivl = 0
        sock.maxmsgsize = 4096
        if mechanism == PLAIN and connects:
            sock.plain_username, sock.plain_password = b"me", b"secret"
        elif mechanism == PLAIN:
            sock.plain_server = 1
        elif mechanism == CURVE:
            sock.curve_secretkey, sock.curve_publickey = SERVER.secret, SERVER.public
            if connects:
                sock.curve_serverkey = SERVER.public
            else:
                sock.curve_server = 1
        if socket_type == zmq.SUB:
            sock.subscribe(b"")
        self.core = sock.core
        self.loop = self.core.choose_loop(0)
        self.threads = self.core.io_threads is not None
        options = self.core.options.copy()
        binds = not connects
        if over_ws:
            link = WsLink(ws.parse("127.0.0.1:1/", False, binds), options, binds)
        else:
            link = TcpLink(tcp.parse("127.0.0.1:1", False, binds), options, binds)
        protocols.load(link.protocol, options.mechanism)
        self.listener = SimpleNamespace(
            socket=self.core,
            options=options,
            endpoint="tcp://in.memory",
            link=link,
            limiter=LogLimiter(),
            on_handshake_over=lambda session: None,
        )
        self.held = []
        self.got = []

    def meet(self, stranger):
        ours, other = sockets.socketpair()
        self.held.append(other)
        self.loop.call(self.accept, (ours, stranger))

    def accept(self, sock, stranger):
        self.listener.link.stranger = stranger
        session = AcceptedSession(self.listener, self.loop, "127.0.0.1")
        session.start(sock)
        stranger.session = session

    def work(self, turns, finished):
        """Run the program and the event loop until ``finished()`` is true; return False if it never
        is."""
        end = monotonic() + PATIENCE
        while turns > 0 and monotonic() < end:
            self.use()
            if self.threads:
                gevent.sleep(0.0001)
            else:
                self.loop.run_loop_once()
                turns -= 1
            if finished():
                self.use()
                return True
        return False

    def use(self):
        """Make each call of the program once, and check that it raises documented errors only."""
        for call in (self.receive, self.receive_frame, self.send, self.poll):
            try:
                call()
            except zmq.ZMQError as error:
                assert error.errno in DOCUMENTED, error

    def receive(self):
        self.got.append(self.sock.recv_multipart(zmq.NOBLOCK))

    def receive_frame(self):
        frame = self.sock.recv(zmq.NOBLOCK, copy=False)
        self.got.append([frame.bytes])
        while self.sock.rcvmore:
            self.got[-1].append(self.sock.recv(zmq.NOBLOCK))

    def send(self):
        if self.type in (zmq.ROUTER, zmq.STREAM):
            if self.got:
                self.sock.send_multipart([self.got[-1][0], b"answer"], zmq.NOBLOCK)
        else:
            self.sock.send(b"\1" if self.type == zmq.XSUB else b"news", zmq.NOBLOCK)

    def poll(self):
        self.sock.poll(0)

    def close(self):
        self.sock.close()
        for each in self.held:
            each.close()


def answer_zap(handler):
    """Run a ZAP handler that accepts every peer."""
    while True:
        version, number = handler.recv_multipart()[:2]
        handler.send_multipart([version, number, b"200", b"OK", b"me", b""])


class Place:
    """A context whose ZAP handler accepts every peer. A process uses one for all inputs."""

    made = None

    def __init__(self, engine):
        os.environ["ZLINK_ENGINE"] = engine
        self.context = zlinkcompat.Context()
        handler = self.context.socket(zmq.REP)
        handler.bind("inproc://zeromq.zap.01")
        self.greenlet = gevent.spawn(answer_zap, handler)

    @classmethod
    def get(cls, engine):
        if cls.made is None:
            cls.made = cls(engine)
        return cls.made

    @classmethod
    def leave(cls):
        if cls.made is not None:
            cls.made.greenlet.kill()
            cls.made.context.destroy(linger=0)
            cls.made = None


#: The socket types that serve an honest peer after the attack.
RECEIVERS = (zmq.PULL, zmq.SUB, zmq.DEALER, zmq.ROUTER, zmq.REP)


def attack(data, engine="hub"):
    """Attack a socket as ``data`` (bytes) describes, and check that the connection ends in time.

    Byte 0 selects the protocol, and has flags: the handshake is valid, one byte of the handshake is
    changed, the stranger takes only a part of each write, the stranger is the server. Byte 1
    selects the types of the attacked socket and of the stranger's socket. Byte 2 is the size of the
    pieces that arrive. Bytes 3 and 4 are the index of the byte of the handshake to change, and the
    XOR mask for it.
    """
    if len(data) < 5:
        return
    how, which, size, place, mask = data[:5]
    over_ws, mechanism = PROTOCOLS[(how & 7) % len(PROTOCOLS)]
    socket_type = which % len(SOCKET_TYPES)
    if socket_type == STREAM:
        mechanism = NULL
    other = COMPATIBLE.get(SOCKET_TYPES[socket_type])
    peer_type = SOCKET_TYPES.index(other[which // len(SOCKET_TYPES) % len(other)]) if other else 8
    serves = bool(how & 64)
    polite = bool(how & 8) and (socket_type != STREAM or over_ws)
    stranger = Stranger(
        peer_type,
        over_ws,
        mechanism,
        polite,
        data[5:],
        size,
        (place, mask) if how & 16 else None,
        socket_type == STREAM,
        serves,
    )
    stranger.takes_all = not how & 32
    with Defects():
        attacked = Attacked(Place.get(engine).context, socket_type, over_ws, mechanism, serves)
        try:
            under_attack(attacked, stranger)
            if socket_type in RECEIVERS:
                honest_peer(attacked, over_ws, mechanism, serves)
        finally:
            attacked.close()
            gevent.sleep(0)


def under_attack(attacked, stranger):
    attacked.meet(stranger)

    def ended():
        return stranger.session is not None and stranger.session.connection is None

    def stands_still():
        return ended() or (stranger.session is not None and not stranger.said)

    turns = TURNS + len(stranger.data) * 4
    assert attacked.work(turns, stands_still), "the connection did not read everything"
    stranger.say(None)
    assert attacked.work(turns, ended), "the connection did not notice the end"


def honest_peer(attacked, over_ws, mechanism, serves):
    """Check that the attacked socket serves an honest peer."""
    types = {
        zmq.PULL: zmq.PUSH,
        zmq.SUB: zmq.PUB,
        zmq.DEALER: zmq.DEALER,
        zmq.ROUTER: zmq.DEALER,
        zmq.REP: zmq.REQ,
    }
    peer = Stranger(types[attacked.type], over_ws, mechanism, True, b"", serves=serves)
    attacked.got.clear()
    body = [b"", b"undisturbed"] if attacked.type == zmq.REP else b"undisturbed"
    peer.say_more = lambda: peer.say(peer.written(body))
    attacked.meet(peer)
    served = attacked.work(TURNS, lambda: any(got[-1] == b"undisturbed" for got in attacked.got))
    assert served, "an honest peer is not served"
