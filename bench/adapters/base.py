"""What an adapter is: a library under test, as far as the workloads need to know it."""

import os
from importlib import import_module
from operator import itemgetter

from ..cases import PATTERNS
from ..waiting import Threads

#: Nobody's: (public, secret), of the receiving and of the sending end.
SINK_KEYS = (
    b"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7",
    b"JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6",
)
SOURCE_KEYS = (
    b"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID",
    b"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs",
)
#: For bench.agreement: as pyzmq's perf.py, without limits of queues, and with its calls' keywords.
AS_PERF = os.environ.get("BENCH_AS_PERF") == "1"
PEER = b"sink"  # what a ROUTER calls the ROUTER that it sends to


class Missing(Exception):
    """The library cannot be measured here; the text says why."""


class Adapter:
    """A library with pyzmq's API. A subclass overrides what is different.

    Attributes
    ----------
    name : str
        As on the command line and in the tables.
    module : str
    environment : dict
        Variables that the library's processes run with.
    waiting : type
        One of :mod:`bench.waiting`.
    patterns : sequence of str
        Those of ``PATTERNS`` that it can do.
    transports : sequence of str
    counterpart : str
        The name of our library for programs of the same form.
    forks : bool
        Whether the library works in a process forked after it was imported.
    certificate : pair of str, or None
        Paths of a certificate and its key, in a process of a round over TLS.
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
        """Whether the library can do ``case``."""
        if case.shape.encrypted and case.transport == "inproc":
            return False
        if case.shape.asynchronous not in (None, self.waiting.asynchronous):
            return False
        return case.pattern in self.patterns and case.transport in self.transports

    def work(self, case):
        """The module of :mod:`bench.work` with the roles of ``case``."""
        return case.shape.work

    # Called in the library's own processes.

    def load(self):
        """Import the library; must start no thread, since the process forks.

        Raises
        ------
        Missing
        """
        try:
            self.zmq = import_module(self.module)
        except ImportError as error:
            raise Missing(f"not installed ({error})")

    def about(self):
        """Versions, as dict of str."""
        return {"version": str(getattr(self.zmq, "__version__", "unknown"))}

    def start(self, case):
        """Called once in a process of a round."""
        self.context = self.zmq.Context()
        if not case.shape.of_messages:
            self.context.set(self.zmq.MAX_SOCKETS, 2 * case.size + 100)

    def stop(self):
        self.context.term()

    def socket(self, case, end):
        """The socket of ``end``: 0 sends or asks, 1 receives or answers."""
        zmq = self.zmq
        kind = case.shape.types[end]
        socket = self.new_socket(kind)
        limit = 0 if AS_PERF else case.high_water_mark
        socket.setsockopt((zmq.SNDHWM, zmq.RCVHWM)[end], limit)
        if kind == "PUB":
            if not case.drops:
                self.never_drop(socket)  # the rate is of what arrives
        elif kind == "SUB":
            socket.setsockopt(zmq.SUBSCRIBE, b"")
        elif case.pattern == "router-router" and end == 0:
            socket.setsockopt(zmq.ROUTER_MANDATORY, 1)  # to wait for room, not drop
            socket.setsockopt(zmq.CONNECT_ROUTING_ID, PEER)
        if case.shape.encrypted:
            self.encrypt(socket, end)
        return socket

    def new_socket(self, kind):
        """A socket of the type ``kind``, which sends what is queued when it is closed."""
        socket = self.context.socket(getattr(self.zmq, kind))
        # pyomq's default is to drop what is not sent yet. A SUB of libzmq with such a linger may
        # wait for ever to tell a PUB that is gone that it unsubscribes.
        socket.setsockopt(self.zmq.LINGER, 0 if kind == "SUB" else -1)
        return socket

    def never_drop(self, publisher):
        """Let a PUB wait for its slowest subscriber."""
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
        """Bind to ``address``; returns where to connect."""
        socket.bind(address)
        if address.startswith("inproc:"):
            return address
        return socket.getsockopt(self.zmq.LAST_ENDPOINT).rstrip(b"\0").decode()

    def connect(self, socket, endpoint):
        socket.connect(endpoint)

    def close(self, socket):
        socket.close()

    def sender(self, socket, case):
        """A callable that sends one payload."""
        if case.pattern == "router-router":
            send = socket.send_multipart
            return lambda payload: send((PEER, payload))
        if AS_PERF:
            return lambda payload: socket.send(payload, flags=0, copy=True)
        return socket.send

    def receiver(self, socket, case, end=1):
        """A callable that receives one message, and one that gives the payload of that."""
        if case.shape.types[end] == "ROUTER":
            if AS_PERF:
                return lambda: socket.recv_multipart(flags=0, copy=True), itemgetter(-1)
            return socket.recv_multipart, itemgetter(-1)
        return socket.recv, bytes

    def blocking(self):
        """The module that blocks, and a context of it, for the threads of an asyncio program."""
        raise NotImplementedError

    def proxy(self, frontend, backend):
        """Forward for ever."""
        self.zmq.proxy(frontend, backend)

    def counters(self):
        """The debug counters of the process, as dict of int; None where there are none."""
        return None
