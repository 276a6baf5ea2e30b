"""``tls://`` works with STREAM sockets, OpenSSL's programs and a hand-written peer."""

import socket

import certificates
import gevent
import pytest
from gevent import subprocess
from guard import GUARD
from rawpeer import GREETING_SIZE, greeting, message, ready
from tlspeer import client_context, in_thread, port_of, upgrade_request

import zlinkcompat as zmq

pytestmark = pytest.mark.both_engines


def test_stream_talks_tls_to_any_peer(make):
    stream = make(zmq.STREAM)
    certificates.use(stream)
    stream.bind("tls://127.0.0.1:*")

    def exchange(port):
        with socket.create_connection(("127.0.0.1", port), GUARD) as plain:
            with client_context().wrap_socket(plain, server_hostname="127.0.0.1") as tls:
                tls.sendall(b"hello")
                return tls.recv(100)

    def answer():
        peer, notice = stream.recv_multipart()
        data = b""
        while len(data) < 5:
            data += stream.recv_multipart()[1]
        stream.send_multipart([peer, data.upper()])
        return notice

    greenlet = gevent.spawn(answer)
    assert in_thread(exchange, port_of(stream)) == b"HELLO"
    assert greenlet.get(timeout=GUARD) == b""


def test_stream_talks_plain_websocket_inside_tls(make):
    stream = make(zmq.STREAM)
    certificates.use(stream)
    stream.bind("wss://127.0.0.1:*/chat")

    def exchange(port):
        with socket.create_connection(("127.0.0.1", port), GUARD) as plain:
            with client_context().wrap_socket(plain, server_hostname="127.0.0.1") as tls:
                tls.sendall(upgrade_request("/chat") + b"\x81\x85\0\0\0\0hello")
                seen = b""
                while not seen.endswith(b"HELLO"):
                    seen += tls.recv(1000)
                return seen

    greenlet = gevent.spawn(in_thread, exchange, port_of(stream))
    peer, notice = stream.recv_multipart()
    assert notice == b"" and stream.recv_multipart() == [peer, b"hello"]
    stream.send_multipart([peer, b"HELLO"])
    seen = greenlet.get(timeout=GUARD)
    assert seen.startswith(b"HTTP/1.1 101 ") and b"\r\n\r\n\x82\x05HELLO" in seen
    assert b"Sec-WebSocket-Protocol" not in seen


def test_openssl_s_client_sees_the_greeting(pull, tmp_path):
    sock = pull()
    (tmp_path / "ca").write_bytes(certificates.ca_pem())
    with subprocess.Popen(
        ["openssl", "s_client", "-quiet", "-verify_return_error", "-CAfile", str(tmp_path / "ca"),
         "-connect", f"127.0.0.1:{port_of(sock)}"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as client, gevent.Timeout(GUARD):  # fmt: skip
        try:
            assert client.stdout.read(10) == b"\xff\0\0\0\0\0\0\0\x01\x7f"
        finally:
            client.kill()


def test_stream_connects_to_openssl_s_server(make, tmp_path):
    """A STREAM connects to ``openssl s_server -rev``, which sends each line back reversed."""
    (tmp_path / "pem").write_bytes(b"".join(certificates.issued("127.0.0.1", "localhost", "::1")))
    with subprocess.Popen(
        ["openssl", "s_server", "-rev", "-naccept", "1", "-accept", "127.0.0.1:0",
         "-cert", str(tmp_path / "pem")],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as server, gevent.Timeout(GUARD):  # fmt: skip
        try:
            line = b"."
            while line and not line.startswith(b"ACCEPT "):
                line = server.stdout.readline()
            stream = make(zmq.STREAM)
            stream.tls_ca = certificates.ca_pem()
            stream.connect(f"tls://127.0.0.1:{int(line.rpartition(b':')[2])}")
            peer, notice = stream.recv_multipart()
            assert notice == b""
            for said in b"hello", b"0123456789" * 1000:
                stream.send_multipart([peer, said + b"\n"])
                heard = b""
                while not heard.endswith(b"\n"):
                    heard += stream.recv_multipart()[1]
                assert heard == said[::-1] + b"\n"
        finally:
            server.kill()


def test_hand_written_tls_peer(pull):
    """A peer that shares no code with the package sends ZMTP over TLS."""
    sock = pull()

    def speak(port):
        with socket.create_connection(("127.0.0.1", port), GUARD) as plain:
            with client_context().wrap_socket(plain, server_hostname="127.0.0.1") as tls:
                tls.sendall(greeting())
                seen = b""
                while len(seen) < GREETING_SIZE:
                    seen += tls.recv(1000)
                tls.sendall(ready(b"PUSH") + b"".join(message(b"%d" % i) for i in range(5000)))
                tls.sendall(message(b"x" * 1000000))
                return seen

    greenlet = gevent.spawn(lambda: [sock.recv() for _ in range(5001)])
    in_thread(speak, port_of(sock))
    found = greenlet.get(timeout=GUARD)
    assert found[:5000] == [b"%d" % i for i in range(5000)] and len(found[5000]) == 1000000
