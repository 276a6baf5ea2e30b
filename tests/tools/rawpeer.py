"""A hand-written ZMTP peer, with which a test can stop, send garbage or disconnect at any byte.

It shares no code with the package, and implements RFC 23 and 37 itself.
"""

import struct

import exactly
from gevent import socket
from guard import GUARD

SIGNATURE = b"\xff" + bytes(7) + b"\x01\x7f"
GREETING_SIZE = 64
MORE, LONG, COMMAND = 1, 2, 4


def greeting(minor=1, mechanism=b"NULL", major=3):
    """Return the 64 bytes with which a connection begins."""
    return SIGNATURE + bytes([major, minor]) + mechanism.ljust(20, b"\0") + bytes(32)


def frame(body, flags=0):
    if len(body) > 255:
        return struct.pack(">BQ", flags | LONG, len(body)) + body
    return struct.pack("BB", flags, len(body)) + body


def message(*frames):
    return b"".join(frame(body, MORE) for body in frames[:-1]) + frame(frames[-1])


def command(name, data=b""):
    return frame(bytes([len(name)]) + name + data, COMMAND)


def property_bytes(name, value):
    return bytes([len(name)]) + name + struct.pack(">I", len(value)) + value


def ready(socket_type, identity=None, **properties):
    """Return the READY of a peer of this type, formatted as libzmq does (bytes)."""
    data = property_bytes(b"Socket-Type", socket_type)
    if identity is not None:
        data += property_bytes(b"Identity", identity)
    for name, value in properties.items():
        data += property_bytes(name.replace("_", "-").encode(), value)
    return command(b"READY", data)


def ping(ttl_ds=0, context=b""):
    return command(b"PING", struct.pack(">H", ttl_ds) + context)


def name_of(endpoint):
    """Return ``(family, address)`` of an endpoint (str or bytes)."""
    if isinstance(endpoint, bytes):
        endpoint = endpoint.decode()
    transport, _, rest = endpoint.partition("://")
    if transport == "ipc":
        return socket.AF_UNIX, rest
    host, _, port = rest.rpartition(":")
    return socket.AF_INET, (host, int(port))


class RawPeer:
    """One end of a stream socket. Reads raise TimeoutError after :data:`GUARD` seconds."""

    def __init__(self, sock):
        sock.settimeout(GUARD)
        self.sock = sock

    @classmethod
    def connect(cls, endpoint, **options):
        """Connect to ``endpoint``. With ``rcvbuf=SIZE``, set the receive buffer to SIZE bytes."""
        family, address = name_of(endpoint)
        sock = socket.socket(family)
        if "rcvbuf" in options:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, options["rcvbuf"])
        sock.settimeout(GUARD)
        sock.connect(address)
        return cls(sock)

    # -- bytes -----------------------------------------------------------------------------

    def send(self, *pieces):
        self.sock.sendall(b"".join(pieces))

    def read(self, size):
        """Return exactly ``size`` bytes; raise EOFError if there are fewer."""
        return exactly.read(self.sock, size)

    def read_to_end(self):
        """Return everything that arrives before the other side closes or resets the connection."""
        data = bytearray()
        try:
            while piece := self.sock.recv(1 << 20):
                data += piece
        except ConnectionError:
            pass
        return bytes(data)

    def says_nothing(self, seconds=0.05):
        """Return whether nothing arrives within ``seconds``."""
        self.sock.settimeout(seconds)
        try:
            self.sock.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(GUARD)
        return False

    def close(self):
        self.sock.close()

    def reset(self):
        """Close so that the other side gets ECONNRESET."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    # -- ZMTP ------------------------------------------------------------------------------

    def handshake(self, socket_type, minor=1, identity=None):
        """Shake hands as a peer of this type; return the other side's properties."""
        self.send(greeting(minor))
        self.read(GREETING_SIZE)
        self.send(ready(socket_type, identity))
        return self.read_ready()

    def read_frame(self):
        """Return ``(flags, body)`` of the next frame; the flags do not include LONG."""
        flags = self.read(1)[0]
        size = struct.unpack(">Q", self.read(8))[0] if flags & LONG else self.read(1)[0]
        return flags & ~LONG, self.read(size)

    def read_message(self):
        """Return the frames of the next message; fail if a command precedes the message."""
        frames = []
        while True:
            flags, body = self.read_frame()
            assert not flags & COMMAND, body
            frames.append(body)
            if not flags & MORE:
                return frames

    def read_command(self):
        """Return ``(name, data)`` of the next frame, which must be a command."""
        flags, body = self.read_frame()
        assert flags == COMMAND, (flags, body)
        end = 1 + body[0]
        return body[1:end], body[end:]

    def read_ready(self):
        """Return the properties of READY, the required next frame, as a dict."""
        name, data = self.read_command()
        assert name == b"READY", name
        properties = {}
        while data:
            end = 1 + data[0]
            (size,) = struct.unpack_from(">I", data, end)
            properties[data[1:end]] = data[end + 4 : end + 4 + size]
            data = data[end + 4 + size :]
        return properties


class RawListener:
    """A listener that accepts connections as hand-written peers.

    With ``listens=False`` it binds its address, but connections are refused until ``listen()``."""

    def __init__(self, endpoint="tcp://127.0.0.1:0", backlog=16, listens=True):
        family, address = name_of(endpoint)
        self.sock = socket.socket(family)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind(address)
        self.sock.settimeout(GUARD)
        if listens:
            self.listen(backlog)
        name = self.sock.getsockname()
        self.endpoint = f"ipc://{name}" if family == socket.AF_UNIX else "tcp://%s:%d" % name

    def listen(self, backlog=16):
        self.sock.listen(backlog)

    def accept(self):
        return RawPeer(self.sock.accept()[0])

    def nobody_comes(self, seconds):
        """Return whether no peer connects within ``seconds``."""
        self.sock.settimeout(seconds)
        try:
            self.sock.accept()[0].close()
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(GUARD)
        return False

    def close(self):
        self.sock.close()
