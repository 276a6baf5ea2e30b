"""Our ``tls://`` talks to real libzmq through a proxy that terminates TLS, in both directions.

libzmq itself does not have ``tls://``. We test the proxies stunnel and socat (Debian packages
``stunnel4`` and ``socat``), and a proxy in Python that is always available.
"""

import select
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import gevent
import pytest
import zmq as libzmq

import zlinkcompat as zmq

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "tools"))
import certificates
from rawpeer import RawListener

GUARD = 30


class PythonProxy:
    """A proxy in a thread of this process: it accepts, connects to the target and copies bytes."""

    def __init__(self, target, ends_tls, folder):
        self.target = target
        self.ends_tls = ends_tls
        if ends_tls:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        else:
            self.context = ssl.create_default_context(cafile=folder / "ca")
        self.context.load_cert_chain(folder / "pem")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.sockets = []
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            self.serve()
        except OSError:
            pass  # one end has closed, so close the other

    def serve(self):
        one, _ = self.listener.accept()
        other = socket.create_connection(("127.0.0.1", self.target), GUARD)
        if self.ends_tls:
            one = self.context.wrap_socket(one, server_side=True)
        else:
            other = self.context.wrap_socket(other, server_hostname="127.0.0.1")
        self.sockets += [one, other]
        # Use one thread for both directions: an ssl socket must not be read while it is written.
        ways = {one: other, other: one}
        while True:
            buffered = [each for each in ways if getattr(each, "pending", int)()]
            for source in buffered or select.select(list(ways), [], [])[0]:
                data = source.recv(65536)
                if not data:
                    return
                ways[source].sendall(data)

    def close(self):
        for each in self.sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.thread.join(GUARD)
        for each in (*self.sockets, self.listener):
            each.close()


class ProgramProxy:
    """A proxy that is a program. Clients retry until it listens."""

    def __init__(self, target, ends_tls, folder):
        if shutil.which(self.name) is None:
            pytest.skip(f"{self.name} is not installed; Debian's package is {self.package}")
        # Reserve the port until the program binds it.
        self.holder = RawListener(listens=False)
        self.port = int(self.holder.endpoint.rpartition(":")[2])
        self.process = subprocess.Popen([self.name, *self.arguments(target, ends_tls, folder)])

    def close(self):
        self.process.kill()
        self.process.wait()
        self.holder.close()


class Stunnel(ProgramProxy):
    name, package = "stunnel", "stunnel4"

    def arguments(self, target, ends_tls, folder):
        lines = [
            "foreground = yes",
            "pid =",
            "syslog = no",
            "[proxy]",
            f"accept = 127.0.0.1:{self.port}",
            f"connect = 127.0.0.1:{target}",
            f"cert = {folder}/pem",
        ]
        if not ends_tls:
            lines += [
                "client = yes",
                f"CAfile = {folder}/ca",
                "verifyChain = yes",
                "checkIP = 127.0.0.1",
            ]
        (folder / "conf").write_text("\n".join(lines) + "\n")
        return [folder / "conf"]


class Socat(ProgramProxy):
    name = package = "socat"

    def arguments(self, target, ends_tls, folder):
        here = f"{self.port},bind=127.0.0.1,reuseaddr"
        if ends_tls:
            ways = (f"OPENSSL-LISTEN:{here},cert={folder}/pem,verify=0", f"TCP:127.0.0.1:{target}")
        else:
            # socat compares host names, not addresses, with those of the certificate.
            ways = (
                f"TCP-LISTEN:{here}",
                f"OPENSSL:localhost:{target},pf=ip4,cafile={folder}/ca,cert={folder}/pem",
            )
        return ways


@pytest.fixture(params=[PythonProxy, Stunnel, Socat], ids=["python", "stunnel", "socat"])
def proxy(request, tmp_path):
    """``proxy(endpoint, ends_tls)`` starts a proxy to an endpoint, and returns its port.

    The proxy has a certificate that the tests trust.
    """
    chain, key = certificates.issued("127.0.0.1", "localhost", "::1")
    (tmp_path / "pem").write_bytes(chain + key)
    (tmp_path / "pem").chmod(0o600)
    (tmp_path / "ca").write_bytes(certificates.ca_pem())
    made = []

    def proxy(endpoint, ends_tls):
        made.append(request.param(int(endpoint.rpartition(b":")[2]), ends_tls, tmp_path))
        return made[-1].port

    yield proxy
    for each in made:
        each.close()


@pytest.fixture
def sockets():
    """``sockets(kind, kind)`` returns one of our sockets and one of libzmq's."""
    contexts = zmq.Context(), libzmq.Context()

    def sockets(ours, theirs):
        pair = contexts[0].socket(ours), contexts[1].socket(theirs)
        for each in pair:
            each.linger = 0
            each.reconnect_ivl = 10
            each.rcvtimeo = each.sndtimeo = GUARD * 1000
        certificates.use(pair[0])
        return pair

    yield sockets
    for context in contexts:
        context.destroy(linger=0)


def blocking(call, *args):
    """Call libzmq in a native thread, since the call would block this hub."""
    return gevent.get_hub().threadpool.apply(call, args)


def exchange(ours, theirs):
    for size in (0, 1, 255, 256, 8192, 70000, 1000000):
        ours.send_multipart([b"a" * size, b"end"])
        assert blocking(theirs.recv_multipart) == [b"a" * size, b"end"]
        blocking(theirs.send_multipart, [b"b" * size, b"end"])
        assert ours.recv_multipart() == [b"b" * size, b"end"]


def test_our_client_connects_to_libzmq_server(sockets, proxy):
    ours, theirs = sockets(zmq.DEALER, libzmq.DEALER)
    theirs.bind("tcp://127.0.0.1:*")
    ours.connect(f"tls://127.0.0.1:{proxy(theirs.last_endpoint, True)}")
    exchange(ours, theirs)


def test_libzmq_client_connects_to_our_server(sockets, proxy):
    ours, theirs = sockets(zmq.PAIR, libzmq.PAIR)
    ours.tls_require_client_cert = 1
    ours.bind("tls://127.0.0.1:*")
    theirs.connect(f"tcp://127.0.0.1:{proxy(ours.last_endpoint, False)}")
    exchange(ours, theirs)
