"""``tls://`` accepts valid certificates, and refuses others with the right error."""

import contextlib
import logging
import socket
import ssl

import certificates
import gevent
import pytest
from guard import GUARD
from rawpeer import greeting, message
from tlspeer import (
    EXPIRED,
    NOT_YET,
    TLS_CERTIFICATE,
    TLS_UNSPECIFIED,
    client_context,
    der,
    in_thread,
    port_of,
    replace,
    still_works,
    upgrade_request,
)
from watching import E

import zlinkcompat as zmq

pytestmark = pytest.mark.both_engines


def test_trusted_server_is_accepted(pull, push, scheme):
    still_works(pull(scheme), push)


def test_server_of_an_unknown_authority_is_refused(pull, push, refused, scheme, caplog):
    sock = pull(scheme)
    chain, key = certificates.issued("127.0.0.1", ca="others")
    stranger = pull(scheme, tls_cert=chain, tls_key=key)
    with caplog.at_level(logging.WARNING, "zlinkcompat"):
        reason = refused(stranger.last_endpoint)
    assert reason == TLS_CERTIFICATE
    assert "unable to get local issuer certificate" in caplog.text
    assert stranger.poll(20) == 0
    still_works(sock, push)


@pytest.mark.parametrize("dates", [EXPIRED, NOT_YET], ids=["expired", "not-yet"])
def test_certificate_outside_its_validity_is_refused(pull, push, refused, caplog, dates):
    one = pull()
    chain, key = certificates.issued("127.0.0.1", **dates)
    sock = pull(tls_cert=chain, tls_key=key)
    assert refused(sock.last_endpoint) == TLS_CERTIFICATE
    assert "certificate has expired" in caplog.text or "not yet valid" in caplog.text
    assert sock.poll(20) == 0
    still_works(one, push)


def test_certificate_for_another_host_is_refused(pull, push, refused, scheme, caplog):
    sock = pull(scheme)
    chain, key = certificates.issued("example.org")
    other = pull(scheme, tls_cert=chain, tls_key=key)
    assert refused(other.last_endpoint) == TLS_CERTIFICATE
    assert "IP address mismatch" in caplog.text
    assert other.poll(20) == 0
    # With tls_hostname the user chooses the name that has to be in the certificate.
    push(other.last_endpoint, tls_hostname="example.org").send(b"right")
    assert other.recv() == b"right"
    still_works(sock, push)


def test_client_without_verification(pull, push):
    chain, key = certificates.issued("example.org", ca="others")
    sock = pull(tls_cert=chain, tls_key=key)
    push(sock.last_endpoint, tls_verify=0).send(b"whoever")
    assert sock.recv() == b"whoever"


def test_client_without_required_certificate_is_refused(pull, push, monitor, scheme, caplog):
    sock = pull(scheme, tls_require_client_cert=1)
    watch = monitor(sock)
    push(sock.last_endpoint)
    assert watch.wait_for(E.HANDSHAKE_FAILED_PROTOCOL) in (TLS_UNSPECIFIED, TLS_CERTIFICATE)
    assert "PEER_DID_NOT_RETURN_A_CERTIFICATE" in caplog.text
    chain, key = certificates.issued("client.example")
    push(sock.last_endpoint, tls_cert=chain, tls_key=key).send(b"known")
    assert sock.recv() == b"known"


def test_client_certificate_of_unknown_authority_is_refused(pull, push, monitor, scheme, caplog):
    sock = pull(scheme, tls_require_client_cert=1)
    chain, key = certificates.issued("client.example")
    known = push(sock.last_endpoint, tls_cert=chain, tls_key=key)
    known.send(b"before")
    assert sock.recv() == b"before"
    watch = monitor(sock)
    chain, key = certificates.issued("client.example", ca="others")
    stranger = push(sock.last_endpoint, tls_cert=chain, tls_key=key)
    with contextlib.suppress(zmq.Again):  # the peer may already have been refused
        stranger.send(b"strange", zmq.NOBLOCK)
    assert watch.wait_for(E.HANDSHAKE_FAILED_PROTOCOL) == TLS_CERTIFICATE
    assert "handshake failed: TLS: unable to get local issuer certificate" in caplog.text
    known.send(b"undisturbed")
    assert sock.recv() == b"undisturbed"


@pytest.mark.parametrize("name, options", [
    ("127.0.0.1", {"ca": "others"}), ("127.0.0.1", EXPIRED), ("127.0.0.1", NOT_YET),
    ("example.org", {}),
], ids=["nobody-vouches", "expired", "not-yet", "another-host"])  # fmt: skip
def test_refused_server_receives_nothing(caller, monitor, scheme, name, options, tmp_path):
    """A server whose certificate is refused gets a TLS alert, and no data.

    The server has the key of its certificate, and its handshake is correct.
    """
    (tmp_path / "pem").write_bytes(b"".join(certificates.issued(name, **options)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pem")

    def serve(listener):
        plain, _ = listener.accept()
        with plain:
            plain.settimeout(GUARD)
            try:
                with context.wrap_socket(plain, server_side=True) as tls:
                    return tls.recv(1000)
            except ssl.SSLError as error:
                return error.reason

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(GUARD)
        served = gevent.spawn(in_thread, serve, listener)
        client = caller()
        watch = monitor(client)
        client.connect(f"{scheme}://127.0.0.1:{listener.getsockname()[1]}")
        client.send(b"secret")
        assert "ALERT" in served.get(timeout=GUARD)
    assert watch.wait_for(E.HANDSHAKE_FAILED_PROTOCOL) == TLS_CERTIFICATE


@pytest.mark.parametrize("ca", [None, "others"], ids=["no-certificate", "a-strangers"])
def test_refused_client_receives_nothing(pull, monitor, scheme, ca, tmp_path):
    """A client whose certificate is refused gets a TLS alert, and no data.

    With TLS 1.3 the handshake of the client is done before the server refuses it.
    """
    sock = pull(scheme, tls_require_client_cert=1)
    watch = monitor(sock)
    context = client_context()
    if ca is not None:
        (tmp_path / "pem").write_bytes(b"".join(certificates.issued("client.example", ca=ca)))
        context.load_cert_chain(tmp_path / "pem")
    ask = upgrade_request("/") if scheme == "wss" else greeting()

    def listen(port):
        with socket.create_connection(("127.0.0.1", port), GUARD) as plain:
            try:
                with context.wrap_socket(plain, server_hostname="127.0.0.1") as tls:
                    tls.sendall(ask)
                    return tls.recv(1000)
            except OSError as error:  # an alert raises SSLError; a reset may follow the alert
                assert not isinstance(error, TimeoutError)
                return b""

    assert in_thread(listen, port_of(sock)) == b""
    assert watch.wait_for(E.HANDSHAKE_FAILED_PROTOCOL) in (TLS_UNSPECIFIED, TLS_CERTIFICATE)
    assert sock.poll(20) == 0


def test_certificate_files_are_reloaded_without_a_new_bind(make, tls_peer, caplog, tmp_path):
    caplog.set_level(logging.INFO, "zlinkcompat.transports")
    old, new = certificates.issued("127.0.0.1"), certificates.issued("127.0.0.1", "renewed")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.write_bytes(old[0])
    key.write_bytes(old[1])
    sock = make(zmq.PULL, tls_cert=str(cert), tls_key=str(key))
    sock.bind("tls://127.0.0.1:*")

    def shown():
        client = tls_peer(sock)
        client.handshake(b"PUSH", b"PULL")
        return client, client.tls.getpeercert(True)

    first, seen = shown()
    assert seen == der(old[0])
    replace(cert, new[0])  # the key is still the old one, so the new certificate is not used
    for _ in range(3):
        assert shown()[1] == der(old[0])
    assert len([each for each in caplog.records if "stay in use" in each.getMessage()]) == 1
    key.unlink()
    assert shown()[1] == der(old[0])
    key.write_bytes(new[1])
    assert shown()[1] == der(new[0])
    assert "loaded again" in caplog.text
    replace(cert, b"rubbish")
    replace(key, b"rubbish")
    assert shown()[1] == der(new[0])
    first.peer.send(first.said(message(b"still here")))
    assert sock.recv() == b"still here"


def test_replaced_authority_applies_to_the_next_peer(pull, caller, monitor, tmp_path):
    trusted = tmp_path / "ca.pem"
    trusted.write_bytes(certificates.ca_pem("theirs"))
    sock = pull(tls_require_client_cert=1, tls_ca=str(trusted))
    watch = monitor(sock)

    def client():
        peer = caller()
        peer.tls_cert, peer.tls_key = certificates.issued("client")
        peer.connect(sock.last_endpoint)
        return peer

    stranger = client()
    assert watch.wait_for(E.HANDSHAKE_FAILED_PROTOCOL) == TLS_CERTIFICATE
    stranger.close()
    replace(trusted, certificates.ca_pem())
    client().send(b"let in")
    assert sock.recv() == b"let in"


def test_client_presents_its_new_certificate_on_reconnect(make, monitor, tmp_path):
    cert = tmp_path / "client.pem"
    cert.write_bytes(b"".join(certificates.issued("client", ca="theirs")))
    server = make(zmq.PULL, tls_require_client_cert=1)
    certificates.use(server)
    client = make(zmq.PUSH, reconnect_ivl=5, tls_cert=str(cert), tls_ca=certificates.ca_pem())
    watch = monitor(server)
    server.bind("tls://127.0.0.1:*")
    client.connect(server.last_endpoint)
    client.send(b"renewed")
    assert watch.wait_for(E.HANDSHAKE_FAILED_PROTOCOL) == TLS_CERTIFICATE
    replace(cert, b"".join(certificates.issued("client")))
    assert server.recv() == b"renewed"


def test_users_ssl_context_may_load_a_new_certificate(make, tls_peer, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    sock = make(zmq.PULL)
    for name in "old", "new":
        chain, key = certificates.issued("127.0.0.1", name)
        (tmp_path / "pem").write_bytes(chain + key)
        context.load_cert_chain(tmp_path / "pem")
        if name == "old":
            sock.ssl_context = context
            sock.bind("tls://127.0.0.1:*")
        assert tls_peer(sock).tls.getpeercert(True) == der(chain)
