"""Try everything on one library, in a process of its own: ``python -m ...scan LIBRARY``.

The program prints a JSON object that maps a path, such as ``option/LINGER/PUSH/set/-1``, to the
outcome of what was tried. No outcome depends on another.
"""

import importlib
import itertools
import json
import re
import socket
import sys
import tempfile

from compat_tests.differential.kinds import KINDS
from zlinkcompat import sockopt, tuning

VALUES = (-2, -1, 0, 1, 2, 100, 2**31, b"", b"x", b"x" * 32, b"x" * 256, "text", None, 1.5)
CONTEXT_VALUES = (-1, 0, 1, 2, 2**31, b"x", "text", None)
ENDPOINTS = (
    "", "tcp", "tcp:", "tcp://", "://", "foo://127.0.0.1:1", "tcp://127.0.0.1", "tcp://127.0.0.1:",
    "tcp://127.0.0.1:x", "tcp://127.0.0.1:65536", "tcp://:1", "tcp://*:*",
    "tcp://256.0.0.1:1", "tcp://[::1:1", "tcp://[::1]:*", "tcp://lo:*", "tcp://127.0.0.1:*",
    "tcp://localhost:*", "tcp://nosuchinterface0:1", "tcp://127.0.0.1:1;127.0.0.1:2", "ipc://",
    "ipc:///no/such/folder/socket", "ipc:///" + 200 * "x", "ipc://*", "ipc://@zlc-scan", "inproc://",
    "inproc://name", "inproc://" + 300 * "x", "udp://127.0.0.1:1", "pgm://x", "norm://x",
    "vmci://1:1", "TCP://127.0.0.1:1", " tcp://127.0.0.1:1", "tcp://127.0.0.1:1 ",
    "tipc://{1000,1}", "tipc://x", "tls://127.0.0.1:*", "ws://127.0.0.1:*", "wss://127.0.0.1:*",
)  # fmt: skip
#: Do not bind these endpoints: the process of the other library may do so at the same time, and
#: libzmq releases an endpoint some time after the close.
IN_USE = ("tcp://127.0.0.1:1;127.0.0.1:2", "ipc://@zlc-scan", "tcp://127.0.0.1:1 ")
CAPABILITIES = (
    "ipc",
    "curve",
    "draft",
    "gssapi",
    "norm",
    "pgm",
    "vmci",
    "tipc",
    "tls",
    "ws",
    "wss",
    "",
    "none",
)
CALLS = {
    "send": lambda s, z: s.send(b"x", z.NOBLOCK),
    "send-more": lambda s, z: s.send(b"x", z.NOBLOCK | z.SNDMORE),
    "send-empty": lambda s, z: s.send(b"", z.NOBLOCK),
    "send-by-reference": lambda s, z: s.send(b"x", z.NOBLOCK, copy=False) and None,
    "send-multipart": lambda s, z: s.send_multipart([b"x", b"", b"y"], z.NOBLOCK),
    "send-waiting": lambda s, z: s.send(b"x"),
    "recv": lambda s, z: s.recv(z.NOBLOCK),
    "recv-waiting": lambda s, z: s.recv(),
    "recv-frame": lambda s, z: s.recv(z.NOBLOCK, copy=False).bytes,
    "recv-multipart": lambda s, z: s.recv_multipart(z.NOBLOCK),
    "recv-into": lambda s, z: (
        s.recv_into(bytearray(3), z.NOBLOCK) if z.pyzmq_version_info() >= (26, 4) else None
    ),
    "poll-in": lambda s, z: s.poll(0, z.POLLIN),
    "poll-out": lambda s, z: s.poll(0, z.POLLOUT),
    "events": lambda s, z: s.events,
    "rcvmore": lambda s, z: s.rcvmore,
}
#: Maps the name of an option to its number, for options that zmq.SocketOption does not have.
EXTENSIONS = {
    **{name: getattr(sockopt, name) for name in sockopt.ATTRIBUTES},
    **{row.option: row.number for row in tuning.TABLE if (row.number or 0) > 1000},
}
SHAPES = (
    [b""],
    [b"", b""],
    [b"a", b"", b""],
    [b"", b"a"],
    [b"x" * 255, b"x" * 256],
    [b"%d" % n for n in range(50)],
    [b"\0"],
    [b"\1"],
    [b"\0\0\0\1", b"", b"x"],
)
#: Maps a socket type that binds to the type that connects to it.
PEERS = {
    "PAIR": "PAIR",
    "PUB": "SUB",
    "SUB": "PUB",
    "XPUB": "XSUB",
    "XSUB": "XPUB",
    "REQ": "REP",
    "REP": "REQ",
    "DEALER": "ROUTER",
    "ROUTER": "DEALER",
    "PUSH": "PULL",
    "PULL": "PUSH",
}
QUIET = 50  # ms
PATIENCE = 30_000  # ms
#: Matches ports and paths that a library has chosen.
MADE_UP = re.compile(r"(?<=[01]:)\d{5}(?=')|(?<=ipc://)(/tmp/)?\w+/\w+(?=')")


def shown(value):
    """Return ``value`` as text, without parts that a library chooses, such as routing ids."""
    if isinstance(value, list):
        return ", ".join(map(shown, value))
    if isinstance(value, bytes) and len(value) == 5 and value[0] == 0:
        return "a routing id"
    return MADE_UP.sub("?", repr(value))


class Scan:
    """Collects outcomes by their paths.

    Parameters
    ----------
    zmq : module
    """

    def __init__(self, zmq):
        self.zmq = zmq
        self.context = zmq.Context()
        # libzmq also counts closed sockets until its reaper thread has processed them.
        self.context.max_sockets = 16_000
        self.found = {}
        self.made = []
        self.names = itertools.count()

    def name(self):
        """Return an unused inproc endpoint: libzmq may free that of a closed socket late."""
        return f"inproc://{next(self.names)}"

    def note(self, path, call, *args):
        try:
            result = ["returned", shown(call(*args))]
        except Exception as error:
            result = [type(error).__name__, getattr(error, "errno", None)]
        self.found[path] = result
        return result

    def socket(self, kind, **options):
        sock = self.context.socket(getattr(self.zmq, kind))
        sock.linger = 0
        sock.rcvtimeo = sock.sndtimeo = 10
        for name, value in options.items():
            setattr(sock, name, value)
        self.made.append(sock)
        return sock

    def close(self):
        for sock in self.made:
            sock.close(0)
        self.made.clear()

    def options(self):
        """Try every option on every type: read its default, and its value after each set."""
        unsteady = ("FD", "EVENTS")
        for (name, option), kind in itertools.product(
            self.zmq.SocketOption.__members__.items(), KINDS
        ):
            path = f"option/{name}/{kind}"
            if name not in unsteady:
                self.note(f"{path}/default", self.socket(kind).get, option)
            for value in VALUES:
                sock = self.socket(kind)
                self.note(f"{path}/set/{value!r:.12}", sock.set, option, value)
                if name not in unsteady:
                    self.note(f"{path}/get/{value!r:.12}", sock.get, option)
            self.close()

    def extensions(self):
        """Try the options that only zlinkcompat has, by their numbers."""
        for (name, option), kind in itertools.product(EXTENSIONS.items(), KINDS):
            sock = self.socket(kind)
            path = f"extension/{name}/{kind}"
            self.note(f"{path}/default", sock.get, option)
            self.note(f"{path}/set/1", sock.set, option, 1)
            self.note(f"{path}/get/1", sock.get, option)
            sock.close()

    def capabilities(self):
        for name in CAPABILITIES:
            self.note(f"has/{name}", self.zmq.has, name)

    def context_options(self):
        for name, option in [*self.zmq.ContextOption.__members__.items(), ("none", 999)]:
            context = self.zmq.Context()
            self.note(f"context/{name}/default", context.get, option)
            for value in CONTEXT_VALUES:
                self.note(f"context/{name}/set/{value!r:.12}", context.set, option, value)
                self.note(f"context/{name}/get/{value!r:.12}", context.get, option)
            context.term()

    def endpoints(self):
        for endpoint, kind, method in itertools.product(
            ENDPOINTS, ("DEALER", "PUB", "STREAM"), ("bind", "connect", "unbind", "disconnect")
        ):
            if method == "bind" and endpoint in IN_USE:
                continue
            sock = self.socket(kind)
            path = f"endpoint/{method}/{kind}/{endpoint:.40}"
            if endpoint.startswith("inproc://") and len(endpoint) > 9:
                endpoint += kind
            self.note(path, getattr(sock, method), endpoint)
            self.close()

    def in_state(self, kind, state):
        sock = self.socket(kind)
        name = self.name()
        if state == "bound":
            sock.bind(name)
        elif state == "connected":
            sock.connect("tcp://127.0.0.1:1")
        elif state == "closed":
            sock.close()
        elif state.startswith("met") and kind in PEERS:
            peer = self.socket(PEERS[kind])
            peer.bind(name)
            if kind == "SUB":
                sock.subscribe(b"")
            sock.connect(name)
            if state == "met-and-sent":
                self.note("", sock.send, b"x")
            elif state == "met-and-told":
                self.note("", peer.send, b"x")
        return sock

    def states(self):
        """Try every way to send and receive, in every state of every type."""
        states = ("new", "bound", "connected", "closed", "met", "met-and-sent", "met-and-told")
        for kind, state, (name, call) in itertools.product(KINDS, states, CALLS.items()):
            sock = self.in_state(kind, state)
            self.note(f"state/{kind}/{state}/{name}", call, sock, self.zmq)
            self.close()
        self.found.pop("", None)

    def multiparts(self):
        for shape, (kind, other) in itertools.product(SHAPES, PEERS.items()):
            name = self.name()
            path = f"multipart/{kind}/{SHAPES.index(shape)}"
            sender, receiver = self.socket(kind), self.socket(other)
            receiver.bind(name)
            if other == "SUB":
                receiver.subscribe(b"")
            sender.connect(name)
            # A libzmq socket sends and receives subscriptions only inside its calls.
            receiver.poll(0)
            sender.poll(0)
            self.note(f"{path}/send", sender.send_multipart, shape)
            self.note(f"{path}/recv", receiver.recv_multipart)
            self.note(f"{path}/more", lambda receiver=receiver: receiver.rcvmore)
            self.close()

    def high_water_marks(self):
        """Count the messages that a sender accepts while the receiver does not read."""
        for kind, sndhwm, rcvhwm in itertools.product(
            ("PUSH", "DEALER", "PAIR"), (1, 2, 5, 10), (1, 2, 5, 10)
        ):
            receiver = self.socket(PEERS[kind] if kind != "DEALER" else "DEALER", rcvhwm=rcvhwm)
            name = self.name()
            receiver.bind(name)
            sender = self.socket(kind, sndhwm=sndhwm)
            sender.connect(name)
            self.note(f"hwm/{kind}/{sndhwm}-{rcvhwm}/inproc", self.fill, sender)
            self.close()
            alone = self.socket(kind, sndhwm=sndhwm)
            alone.connect("tcp://127.0.0.1:1")
            self.note(f"hwm/{kind}/{sndhwm}-{rcvhwm}/alone", self.fill, alone)
            self.close()

    def fill(self, sender):
        for count in range(100):
            try:
                sender.send(b"x", self.zmq.NOBLOCK)
            except self.zmq.Again:
                return count
        return "no limit"

    def ends(self):
        """Try both closes, unbind and disconnect in every order, and then term and later calls."""
        for kind in PEERS:
            for order in itertools.permutations(("first", "second", "unbind", "disconnect")):
                context = self.zmq.Context()
                first = context.socket(getattr(self.zmq, kind))
                second = context.socket(getattr(self.zmq, PEERS[kind]))
                first.linger = second.linger = 0
                first.bind("inproc://end")
                second.connect("inproc://end")
                acts = {
                    "first": first.close,
                    "second": second.close,
                    "unbind": lambda first=first: first.unbind("inproc://end"),
                    "disconnect": lambda second=second: second.disconnect("inproc://end"),
                }
                path = f"end/{kind}/{'-'.join(order)}"
                for act in order:
                    self.note(f"{path}/{act}", acts[act])
                    if act == "disconnect" and order[0] != act:
                        # libzmq notices at an unknown time that the other end is gone, so do not
                        # compare this outcome.
                        del self.found[f"{path}/{act}"]
                self.note(f"{path}/term", context.term)
                self.note(f"{path}/term-again", context.term)
                self.note(f"{path}/send", first.send, b"x")
                self.note(f"{path}/socket", context.socket, self.zmq.PAIR)

    def told(self, sock, milliseconds):
        """Return whether the monitor reports an event within ``milliseconds``."""
        # A libzmq socket finishes a disconnect only inside its calls.
        sock.poll(0)
        monitor = self.monitors[sock]
        if not monitor.poll(milliseconds):
            return False
        frames = monitor.recv_multipart()
        event = self.zmq.Event(int.from_bytes(frames[0][:2], sys.byteorder))
        self.names_told[sock].append(event.name)
        return True

    def until(self, name, sock):
        """Wait until the monitor has reported an event."""
        while name not in self.names_told[sock]:
            if not self.told(sock, PATIENCE):
                raise AssertionError(f"no {name}: {self.names_told[sock]}")

    def events(self, sock, path, last):
        """Return the names of the monitor's events: those up to ``last``, and any later ones."""
        self.until(last, sock)
        quiet = 0
        while quiet < 3:
            quiet = 0 if self.told(sock, QUIET) else quiet + 1
        sock.disable_monitor()
        self.found[path] = self.names_told[sock]

    def monitored(self, kind, **options):
        sock = self.socket(kind, reconnect_ivl=-1, **options)
        self.monitors[sock] = monitor = sock.get_monitor_socket()
        self.names_told[sock] = []
        self.made.insert(0, monitor)
        return sock

    def monitors_tell(self):
        self.monitors, self.names_told = {}, {}
        with tempfile.TemporaryDirectory(prefix="zlc-") as folder:
            for kind, transport in itertools.product(PEERS, ("tcp", "ipc")):
                place = "tcp://127.0.0.1:*" if transport == "tcp" else f"ipc://{folder}/%d"
                path = f"monitor/{kind}/{transport}"
                server, client = self.monitored(kind), self.monitored(PEERS[kind])
                server.bind(place.replace("%d", str(next(self.names))))
                address = server.last_endpoint.decode()
                client.connect(address)
                self.until("HANDSHAKE_SUCCEEDED", client)
                self.until("HANDSHAKE_SUCCEEDED", server)
                client.disconnect(address)
                self.events(client, f"{path}/disconnecting", "HANDSHAKE_SUCCEEDED")
                self.events(server, f"{path}/disconnected", "DISCONNECTED")
                self.close()
                wrong = self.monitored("PAIR")
                server = self.monitored("PUSH")
                server.bind(place.replace("%d", str(next(self.names))))
                wrong.connect(server.last_endpoint.decode())
                self.events(wrong, f"{path}/wrong-type-client", "DISCONNECTED")
                self.events(server, f"{path}/wrong-type-server", "DISCONNECTED")
                self.close()
                nobody = self.monitored(kind)
                nobody.connect("tcp://127.0.0.1:1" if transport == "tcp" else f"ipc://{folder}/no")
                self.events(nobody, f"{path}/refused", "CLOSED")
                self.close()
            for name, said in {
                "nothing": b"",
                "mechanism": b"\xff" + bytes(8) + b"\x7f\x03\0PLAIN" + bytes(47),
                "half": b"\xff\0\0",
            }.items():
                server = self.monitored("PULL")
                server.bind("tcp://127.0.0.1:*")
                port = int(server.last_endpoint.rpartition(b":")[2])
                with socket.create_connection(("127.0.0.1", port)) as peer:
                    peer.sendall(said)
                    server.poll(QUIET)
                self.events(server, f"monitor/raw/{name}", "DISCONNECTED")
                self.close()

    def run(self):
        for part in (
            self.options,
            self.extensions,
            self.capabilities,
            self.context_options,
            self.endpoints,
            self.states,
            self.multiparts,
            self.high_water_marks,
            self.ends,
            self.monitors_tell,
        ):
            part()
            self.close()
        self.context.term()
        return self.found


if __name__ == "__main__":
    json.dump(Scan(importlib.import_module(sys.argv[1])).run(), sys.stdout)
