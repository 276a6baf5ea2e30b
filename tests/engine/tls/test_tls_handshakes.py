"""The handshake of ``tls://``, with silent peers, peers without TLS, and resumed sessions."""

import socket
import ssl

import certificates
import pytest
from guard import GUARD
from tlspeer import TLS_UNSPECIFIED, client_context, in_thread, port_of, still_works
from watching import E

import zlinkcompat as zmq

pytestmark = pytest.mark.both_engines


def test_plaintext_client_on_a_tls_port(pull, push, monitor, make, caplog):
    sock = pull()
    watch = monitor(sock)
    plain = make(zmq.PUSH, linger=0, reconnect_ivl=-1)
    plain.connect(sock.last_endpoint.decode().replace("tls", "tcp"))
    assert watch.wait_for(E.HANDSHAKE_FAILED_PROTOCOL) == TLS_UNSPECIFIED
    assert "TLS: " in caplog.text
    still_works(sock, push)


def test_tls_client_on_a_plaintext_port(bound, push, refused, monitor, caplog):
    sock = bound(zmq.PULL)
    watch = monitor(sock)
    refused(sock.last_endpoint.decode().replace("tcp", "tls"))
    assert watch.wait_for(E.HANDSHAKE_FAILED_PROTOCOL)
    assert sock.last_endpoint.decode() in caplog.text
    still_works(sock, push)


def test_silent_client_is_dropped_after_handshake_ivl(pull, push, monitor, raw):
    sock = pull(handshake_ivl=300)
    watch = monitor(sock)
    peer = raw(sock.last_endpoint.decode().replace("tls", "tcp"))
    assert watch.wait_for(E.HANDSHAKE_FAILED_NO_DETAIL)
    assert peer.read_to_end() == b""
    still_works(sock, push)


def test_wss_client_silent_after_tls_is_dropped(pull, push, monitor):
    sock = pull("wss", handshake_ivl=500)
    watch = monitor(sock)

    def speak(port):
        with socket.create_connection(("127.0.0.1", port), GUARD) as plain:
            with client_context().wrap_socket(plain, server_hostname="127.0.0.1") as tls:
                return tls.recv(100)

    assert in_thread(speak, port_of(sock)) == b""
    assert watch.wait_for(E.HANDSHAKE_FAILED_NO_DETAIL)
    still_works(sock, push)


def test_only_a_client_hello_is_sent_before_the_handshake(raw_listener, push):
    listener = raw_listener()
    client = push(listener.endpoint.replace("tcp", "tls"), handshake_ivl=100)
    client.send(b"secret" * 10)
    seen = listener.accept().read_to_end()
    assert seen[:1] == b"\x16" and b"secret" not in seen and b"\xff\0\0\0\0\0\0\0" not in seen


def test_reconnecting_client_resumes_its_session(make, monitor, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    chain, key = certificates.issued("127.0.0.1")
    (tmp_path / "pem").write_bytes(chain + key)
    context.load_cert_chain(tmp_path / "pem")
    one = make(zmq.PAIR)
    one.ssl_context = context
    one.bind("tls://127.0.0.1:*")
    other = make(zmq.PAIR, reconnect_ivl=1)
    other.tls_ca = certificates.ca_pem()
    endpoint = one.last_endpoint
    other.connect(endpoint)
    one.send(b"a")  # the session ticket has arrived when this message is received
    assert other.recv() == b"a"
    watch = monitor(other, E.DISCONNECTED | E.HANDSHAKE_SUCCEEDED)
    one.unbind(endpoint)
    watch.wait_for(E.DISCONNECTED)
    one.bind(endpoint)
    watch.wait_for(E.HANDSHAKE_SUCCEEDED)
    assert context.session_stats()["hits"] == 1
