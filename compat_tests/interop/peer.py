"""Run one end of a connection: ``python -m compat_tests.interop.peer LIBRARY``.

The program reads one JSON object per line from stdin and answers each with one line on stdout:
``{"result": ...}`` or ``{"error": traceback}``. ``op`` names a method of `Peer`, and the other
fields are its arguments. The program ends at the end of its input.
"""

import importlib
import json
import sys
import time
import traceback

from compat_tests.interop.messages import PROBE, SHAPES, build, digest, digests

TIMEOUT_MS = 30_000


class Peer:
    """The operations that a driver can request. There is one socket at a time.

    Parameters
    ----------
    library : module
        ``zmq`` or a module with the same API.
    """

    def __init__(self, library):
        self.zmq = library
        self.context = library.Context()
        self.socket = None
        self.authenticator = None

    def open(self, kind, bind=None, connect=None, options=None, subscription=""):
        """Create the socket, bind or connect it, and return its last endpoint."""
        self.socket = sock = self.context.socket(getattr(self.zmq, kind))
        sock.linger = 0
        sock.sndtimeo = sock.rcvtimeo = TIMEOUT_MS
        for name, value in (options or {}).items():
            setattr(sock, name, value.encode() if isinstance(value, str) else value)
        if kind == "SUB":
            sock.subscribe(subscription.encode())
        if bind:
            sock.bind(bind)
        else:
            sock.connect(connect)
        if kind == "XSUB":
            sock.send(b"\1" + subscription.encode())
        return sock.last_endpoint.decode()

    def authenticate(self, password):
        """Start the library's authenticator, which accepts "user" with `password`, or any key."""
        auth = importlib.import_module(self.zmq.__name__ + ".auth.thread")
        self.authenticator = auth.ThreadAuthenticator(self.context)
        self.authenticator.start()
        if password:
            self.authenticator.configure_plain("*", {"user": password})
        else:
            self.authenticator.configure_curve("*", "*")

    def close(self):
        """Close the socket, if there is one."""
        if self.socket is not None:
            self.socket.close(0)
            self.socket = None
        if self.authenticator is not None:
            self.authenticator.stop()
            self.authenticator = None

    def send_shapes(self, salt, prefix=()):
        """Send one message of each shape, each with the parts `prefix` before it."""
        prefix = [p.encode() for p in prefix]
        for shape in SHAPES:
            self.socket.send_multipart(prefix + build(shape, salt))

    def recv_digests(self, count, envelope=0):
        """Receive `count` messages that are not probes; return digests without the envelope."""
        return [digests(self._recv()[envelope:]) for _ in range(count)]

    def recv_parts(self, count):
        """Receive `count` messages that are not probes; return them as text."""
        return [[p.decode("latin-1") for p in self._recv()] for _ in range(count)]

    def send_parts(self, *messages):
        """Send each of `messages`, which are lists of parts as text."""
        for parts in messages:
            self.socket.send_multipart([p.encode("latin-1") for p in parts])

    def echo(self, count, envelope=0):
        """Answer each of `count` messages with a copy of it; return digests of the messages."""
        seen = []
        for _ in range(count):
            parts = self._recv()
            seen.append(digests(parts[envelope:]))
            self.socket.send_multipart(parts)
        return seen

    def request_shapes(self, salt, delimiter):
        """Send one message of each shape, and receive the answer before sending the next."""
        prefix = [b""] if delimiter else []
        answers = []
        for shape in SHAPES:
            self.socket.send_multipart(prefix + build(shape, salt))
            parts = self.socket.recv_multipart()
            assert parts[: len(prefix)] == prefix, parts[0]
            answers.append(digests(parts[len(prefix) :]))
        return answers

    def send_probe(self, topic="", prefix=()):
        """Send one probe; return False if a ROUTER does not know the peer yet."""
        parts = [p.encode() for p in prefix] + [topic.encode("latin-1") + PROBE]
        try:
            self.socket.send_multipart(parts)
        except self.zmq.ZMQError as e:
            if e.errno != self.zmq.EHOSTUNREACH:
                raise
            return False
        return True

    def see_probe(self, timeout_ms, topic=""):
        """Return whether a probe with `topic` arrived within `timeout_ms`; drop other probes."""
        deadline = time.monotonic() + timeout_ms / 1000
        while (left_ms := int((deadline - time.monotonic()) * 1000)) > 0:
            if self.socket.poll(left_ms):
                last = self.socket.recv_multipart()[-1]
                assert last.endswith(PROBE), last[:40]
                if last == topic.encode("latin-1") + PROBE:
                    return True
        return False

    def call(self, method, *args):
        """Call a method of the socket, with text arguments as bytes."""
        getattr(self.socket, method)(*[a.encode("latin-1") for a in args])

    def poll(self):
        """Let the socket process its pending work; return which events are ready."""
        return self.socket.poll(0)

    def stream_open(self):
        """Receive the empty message that a STREAM gets for a new connection."""
        self._routing_id, empty = self.socket.recv_multipart()
        assert empty == b"", empty

    def stream_echo(self, size):
        """Echo `size` bytes of a STREAM connection, and return their digest."""
        chunks = []
        while size:
            routing_id, chunk = self.socket.recv_multipart()
            assert routing_id == self._routing_id and chunk, (routing_id, len(chunk), size)
            chunks.append(chunk)
            size -= len(chunk)
            self.socket.send_multipart([routing_id, chunk])
        return digest(b"".join(chunks))

    def stream_close(self):
        """Close the STREAM connection with an empty message."""
        self.socket.send_multipart([self._routing_id, b""])

    def stream_closed(self):
        """Receive the empty message which reports that the other end has closed."""
        return [digest(p)[0] for p in self.socket.recv_multipart()[1:]]

    def _recv(self):
        while True:
            parts = self.socket.recv_multipart()
            if not parts[-1].endswith(PROBE):
                return parts


def command_lines(name):
    """Yield the lines of stdin; for our library through gevent, so that the hub runs."""
    if name != "zmq":
        from gevent.fileobject import FileObjectPosix

        return FileObjectPosix(sys.stdin.fileno(), "rb", closefd=False)
    return sys.stdin.buffer


def main(name):
    """Run operations until the end of stdin."""
    peer = Peer(importlib.import_module(name))
    for line in command_lines(name):
        command = json.loads(line)
        try:
            operation = getattr(peer, command.pop("op"))
            answer = {"result": operation(*command.pop("args", ()), **command)}
        except Exception:
            answer = {"error": traceback.format_exc()}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    peer.close()
    peer.context.term()


if __name__ == "__main__":
    main(sys.argv[1])
