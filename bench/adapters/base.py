"""The base class of adapters, which have the calls of a library that the workloads need."""

import os
from importlib import import_module
from operator import itemgetter

from ..cases import PATTERNS
from ..waiting import Threads

#: The (public, secret) keys of the receiving and the sending end, for measurements only.
SINK_KEYS = (
    b"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7",
    b"JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6",
)
SOURCE_KEYS = (
    b"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID",
    b"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs",
)
#: Set by bench.agreement: queues are unlimited, and calls have keyword arguments, as in pyzmq's
#: perf.py.
AS_PERF = os.environ.get("BENCH_AS_PERF") == "1"
PEER = b"sink"  # the routing id that a ROUTER uses for its peer ROUTER


class Missing(Exception):
    """The library cannot be measured here; the text gives the reason."""


class Adapter:
    """The adapter of a library with pyzmq's API. Subclasses override the methods that differ.

    Attributes
    ----------
    name : str
        The name on the command line and in the tables.
    module : str
    environment : dict
        Environment variables of the library's processes.
    waiting : type
        A class of :mod:`bench.waiting`.
    patterns : sequence of str
        The names in ``PATTERNS`` that the library supports.
    transports : sequence of str
    counterpart : str
        The name of our library for the same kind of programs.
    forks : bool
        Whether the library works in a process that was forked after the import.
    certificate : pair of str, or None
        The paths of a certificate and its key. It is set in processes of a round over TLS.
    """

    name = ""
    module = ""
    environment = {}
    waiting = Threads
    patterns = tuple(PATTERNS)
    transports = ("tcp", "ipc", "inproc")
    counterpart = "zlink"
    forks = True
    certificate = None

    def runs(self, case):
        """Return whether the library supports ``case``."""
        if case.shape.encrypted and case.transport == "inproc":
            return False
        if case.shape.asynchronous not in (None, self.waiting.asynchronous):
            return False
        return case.pattern in self.patterns and case.transport in self.transports

    def work(self, case):
        """Return the module of :mod:`bench.work` with the roles of ``case``."""
        return case.shape.work

    # The following methods are called in the library's own processes.

    def load(self):
        """Import the library. This must not start a thread, because the process is forked later.

        Raises
        ------
        Missing
        """
        try:
            self.zmq = import_module(self.module)
        except ImportError as error:
            raise Missing(f"not installed ({error})")

    def about(self):
        """Return the versions of the library, as a dict of str."""
        return {"version": str(getattr(self.zmq, "__version__", "unknown"))}

    def start(self, case):
        """Prepare a process of a round. Called once per process."""
        self.context = self.zmq.Context()
        if not case.shape.of_messages:
            self.context.set(self.zmq.MAX_SOCKETS, 2 * case.size + 100)

    def stop(self):
        self.context.term()

    def socket(self, case, end):
        """Return the socket of an end: 0 sends messages or requests, 1 receives them."""
        zmq = self.zmq
        kind = case.shape.types[end]
        socket = self.new_socket(kind)
        limit = 0 if AS_PERF else case.high_water_mark
        socket.setsockopt((zmq.SNDHWM, zmq.RCVHWM)[end], limit)
        if kind == "PUB":
            if not case.drops:
                self.never_drop(socket)  # dropped messages would not count
        elif kind == "SUB":
            socket.setsockopt(zmq.SUBSCRIBE, b"")
        elif case.pattern == "router-router" and end == 0:
            socket.setsockopt(zmq.ROUTER_MANDATORY, 1)  # send waits instead of dropping
            socket.setsockopt(zmq.CONNECT_ROUTING_ID, PEER)
        if case.shape.encrypted:
            self.encrypt(socket, end)
        return socket

    def new_socket(self, kind):
        """Return a socket of the type ``kind`` that sends its queued messages on close."""
        socket = self.context.socket(getattr(self.zmq, kind))
        # By default pyomq drops unsent messages. A libzmq SUB with an endless linger may wait for
        # ever to send its unsubscription to a PUB that has disconnected.
        socket.setsockopt(self.zmq.LINGER, 0 if kind == "SUB" else -1)
        return socket

    def never_drop(self, publisher):
        """Make a PUB wait for its slowest subscriber instead of dropping messages."""
        publisher.setsockopt(self.zmq.XPUB_NODROP, 1)

    def encrypt(self, socket, end):
        zmq = self.zmq
        public, secret = (SOURCE_KEYS, SINK_KEYS)[end]
        socket.setsockopt(zmq.CURVE_PUBLICKEY, public)
        socket.setsockopt(zmq.CURVE_SECRETKEY, secret)
        if end:
            socket.setsockopt(zmq.CURVE_SERVER, 1)
        else:
            socket.setsockopt(zmq.CURVE_SERVERKEY, SINK_KEYS[0])

    def bind(self, socket, address):
        """Bind to ``address``; return the endpoint to which peers connect."""
        socket.bind(address)
        if address.startswith("inproc:"):
            return address
        return socket.getsockopt(self.zmq.LAST_ENDPOINT).rstrip(b"\0").decode()

    def connect(self, socket, endpoint):
        socket.connect(endpoint)

    def close(self, socket):
        socket.close()

    def sender(self, socket, case):
        """Return a callable that sends one payload."""
        if case.pattern == "router-router":
            send = socket.send_multipart
            return lambda payload: send((PEER, payload))
        if AS_PERF:
            return lambda payload: socket.send(payload, flags=0, copy=True)
        return socket.send

    def receiver(self, socket, case, end=1):
        """Return a callable that receives one message, and one that returns its payload."""
        if case.shape.types[end] == "ROUTER":
            if AS_PERF:
                return lambda: socket.recv_multipart(flags=0, copy=True), itemgetter(-1)
            return socket.recv_multipart, itemgetter(-1)
        return socket.recv, bytes

    def blocking(self):
        """Return the library's module with blocking calls, and a context of it, for the threads of
        an asyncio program."""
        raise NotImplementedError  # abstract: each subclass implements it

    def proxy(self, frontend, backend):
        """Forward messages in an endless loop."""
        self.zmq.proxy(frontend, backend)

    def counters(self):
        """Return the debug counters of the process, as dict of int, or None without counters."""
        return
