"""A SOCKS 5 proxy for tests. It shares no code with the package."""

import struct

from exactly import read
from gevent import socket
from gevent.pool import Pool
from gevent.server import StreamServer
from guard import GUARD


class SocksProxy:
    """A proxy that listens on a port that the kernel chooses.

    Parameters
    ----------
    users : dict of bytes to bytes, optional
        The password of each user. Without ``users`` the proxy requires no authentication.
    names : dict of str to str
        The address of each host name that the proxy resolves.

    Attributes
    ----------
    asked_for : list of (str, int)
        Hosts and ports that clients asked the proxy to connect to.
    endpoint : bytes
        ``host:port``.
    """

    def __init__(self, users=None, names=()):
        self.users = users
        self.names = dict(names)
        self.asked_for = []
        self.pool = Pool()
        self.server = StreamServer(("127.0.0.1", 0), self.serve, spawn=self.pool)
        self.server.start()
        self.endpoint = b"127.0.0.1:%d" % self.server.server_port

    def serve(self, sock, address):
        sock.settimeout(GUARD)
        try:
            with socket.create_connection(self.agree(sock)) as target:
                sock.sendall(b"\5\0\0\1" + bytes(6))
                back = self.pool.spawn(self.pump, target, sock)
                self.pump(sock, target)
                back.join()
        except (EOFError, OSError):
            pass

    def agree(self, sock):
        _, count = read(sock, 2)
        wanted = 0 if self.users is None else 2
        if wanted not in read(sock, count):
            sock.sendall(b"\5\xff")
            raise EOFError
        sock.sendall(bytes((5, wanted)))
        if self.users is not None:
            user = read(sock, read(sock, 2)[1])
            right = self.users.get(user) == read(sock, read(sock, 1)[0])
            sock.sendall(b"\1\0" if right else b"\1\1")
        _, _, _, kind = read(sock, 4)
        if kind == 3:
            host = read(sock, read(sock, 1)[0]).decode()
        else:
            family, size = {1: (socket.AF_INET, 4), 4: (socket.AF_INET6, 16)}[kind]
            host = socket.inet_ntop(family, read(sock, size))
        (port,) = struct.unpack(">H", read(sock, 2))
        self.asked_for.append((host, port))
        return self.names.get(host, host), port

    @staticmethod
    def pump(source, sink):
        source.settimeout(None)
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            sink.close()

    def close(self):
        self.server.stop(timeout=0)
        self.pool.kill(timeout=GUARD)
