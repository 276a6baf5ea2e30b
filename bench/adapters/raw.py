"""Plain sockets without framing, as an upper bound. Only the number of bytes is checked.

Round trips use busy polling on non-blocking sockets. The workload for throughput is
:mod:`bench.work.plain`.
"""

import platform
import socket
import ssl

from ..cases import KB
from ..work.roundtrip import END
from .base import Adapter


class Plain:
    """One end: a listener and the connection that it accepts, or a connection to a listener."""

    def __init__(self, transport, certificate):
        self.certificate = certificate
        self.family = socket.AF_UNIX if transport == "ipc" else socket.AF_INET
        self.tls = transport == "tls"
        self.listener = self.connection = None

    def bind(self, address):
        self.listener = socket.socket(self.family)
        self.listener.bind(address)
        self.listener.listen()

    def connect(self, address):
        self.adopt(socket.socket(self.family))
        self.connection.connect(address)
        if self.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self.connection = context.wrap_socket(self.connection)

    def accepted(self):
        if self.connection is None:
            self.adopt(self.listener.accept()[0])
            if self.tls:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.num_tickets = 0  # unread bytes would reset the connection when it closes
                context.load_cert_chain(*self.certificate)
                self.connection = context.wrap_socket(self.connection, server_side=True)
        return self.connection

    def adopt(self, connection):
        if self.family == socket.AF_INET:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection = connection

    def close(self):
        for each in (self.listener, self.connection):
            if each is not None:
                each.close()


class Library(Adapter):
    name = "raw"
    order = 20
    patterns = ("push-pull", "req-rep")
    transports = ("tcp", "ipc", "tls")

    def runs(self, case):
        if case.transport == "tls" and case.kind == "trip":
            return False  # over TLS, reads raise SSLWantReadError
        # Without framing, small messages could not be compared with those of other libraries.
        return super().runs(case) and (case.kind == "trip" or case.size >= KB)

    def work(self, case):
        return "plain" if case.kind == "rate" else super().work(case)

    def load(self):
        pass

    def about(self):
        return {"version": f"sockets of Python {platform.python_version()}"}

    def start(self, case):
        self.size = case.message_size

    def stop(self):
        pass

    def socket(self, case, end):
        return Plain(case.transport, self.certificate)

    def bind(self, plain, address):
        if address.startswith("ipc://"):
            plain.bind(address[len("ipc://") :])
            return address
        plain.bind(("127.0.0.1", 0))
        return f"{'tls' if plain.tls else 'tcp'}://127.0.0.1:{plain.listener.getsockname()[1]}"

    def connect(self, plain, endpoint):
        if endpoint.startswith("ipc://"):
            plain.connect(endpoint[len("ipc://") :])
        else:
            plain.connect(("127.0.0.1", int(endpoint.rpartition(":")[2])))

    def sender(self, plain, case):
        def send(payload):
            if payload == END:  # a closed direction is the end mark
                connection.shutdown(socket.SHUT_WR)
                return
            view = memoryview(payload)
            at = 0
            while at < len(view):
                try:
                    at += connection.send(view[at:] if at else view)
                except BlockingIOError:
                    pass

        connection = plain.accepted()
        connection.setblocking(False)
        return send

    def receiver(self, plain, case, end=1):
        buffer = bytearray(self.size)  # has each message until the next one is received
        whole = memoryview(buffer)

        def receive():
            at = 0
            while at < len(whole):
                try:
                    got = read(whole[at:] if at else whole)
                except BlockingIOError:
                    continue
                if not got:
                    return END
                at += got
            return buffer

        connection = plain.accepted()
        connection.setblocking(False)
        read = connection.recv_into
        return receive, bytes
