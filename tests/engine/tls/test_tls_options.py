"""The options of ``tls://`` for certificate files, SSL contexts and application protocols."""

import ssl

import certificates
import pytest
from tlspeer import TLS_UNSPECIFIED, client_context
from watching import E

import zlinkcompat as zmq
from zlinkcompat import sockopt

pytestmark = pytest.mark.both_engines


@pytest.mark.parametrize("options", [
    {}, {"tls_cert": "/no/such/file"}, {"tls_cert": b"-----BEGIN CERTIFICATE-----\nrubbish"},
    {"tls_require_client_cert": 1, "full": True},
    {"tls_ca": "/no/such/file", "tls_require_client_cert": 1, "full": True},
], ids=["none", "no-file", "rubbish", "no-ca", "no-ca-file"])  # fmt: skip
def test_unusable_server_options_fail_at_bind(make, options):
    sock = make(zmq.PULL)
    if options.pop("full", False):
        sock.tls_cert, sock.tls_key = certificates.issued("127.0.0.1")
    for name, value in options.items():
        setattr(sock, name, value)
    with pytest.raises(zmq.ZMQError) as caught:
        sock.bind("tls://127.0.0.1:*")
    assert caught.value.errno == zmq.EINVAL and "TLS_" in str(caught.value)


def test_certificate_files_and_a_passphrase(make, push, tmp_path):
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
        load_pem_private_key,
    )

    chain, key = certificates.issued("127.0.0.1")
    locked = load_pem_private_key(key, None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open")
    )
    for name, data in ("cert", chain), ("key", locked), ("ca", certificates.ca_pem()):
        (tmp_path / name).write_bytes(data)
    sock = make(zmq.PULL)
    sock.tls_cert, sock.tls_key = str(tmp_path / "cert"), str(tmp_path / "key")
    with pytest.raises(zmq.ZMQError, match="TLS_KEY"):
        sock.bind("tls://127.0.0.1:*")
    sock.tls_password = "open"
    sock.bind("tls://127.0.0.1:*")
    push(sock.last_endpoint, tls_ca=str(tmp_path / "ca")).send(b"read")
    assert sock.recv() == b"read"


def test_options_by_number_and_by_libzmqs_wss_names(make):
    sock = make(zmq.PULL)
    sock.setsockopt(sockopt.TLS_CERT, b"a")
    assert sock.tls_cert == sock.getsockopt(sockopt.TLS_CERT) == b"a"
    sock.setsockopt(zmq.WSS_CERT_PEM, b"b")
    assert sock.tls_cert == b"b"
    sock.setsockopt(zmq.WSS_TRUST_SYSTEM, 1)
    assert sock.tls_trust_system == 1 and sock.tls_verify == 1
    sock.wss_hostname = b"name"
    assert sock.tls_hostname == b"name"
    with pytest.raises(AttributeError):
        sock.tls_key  # a secret can be set, but not read


def test_ssl_context_of_the_user(make, pull):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=certificates.ca_pem().decode())
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    sock = pull()
    client = make(zmq.PUSH)
    assert client.ssl_context is None
    client.ssl_context = context
    client.connect(sock.last_endpoint)
    client.send(b"mine")
    assert sock.recv() == b"mine"
    assert context.session_stats()["connect_good"] == 1


def test_ssl_context_for_the_wrong_side_fails_at_once(make, scheme):
    for verb, purpose in ("bind", ssl.PROTOCOL_TLS_CLIENT), ("connect", ssl.PROTOCOL_TLS_SERVER):
        for context in ssl.SSLContext(purpose), "no context":
            sock = make(zmq.PAIR)
            sock.ssl_context = context
            with pytest.raises(zmq.ZMQError, match="ssl_context") as caught:
                getattr(sock, verb)(f"{scheme}://127.0.0.1:1")
            assert caught.value.errno == zmq.EINVAL


@pytest.mark.parametrize("name", [b".x", b"a..b", b"\xff", b"a" * 64])
def test_invalid_server_name_fails_at_connect(make, name):
    sock = make(zmq.PUSH, tls_hostname=name)
    with pytest.raises(zmq.ZMQError, match="TLS_HOSTNAME") as caught:
        sock.connect("tls://127.0.0.1:1")
    assert caught.value.errno == zmq.EINVAL


class Breaking(ssl.SSLContext):
    """An SSLContext that works only once: for the check that bind and connect make."""

    tried = False

    def wrap_bio(self, *args, **options):
        if self.tried:
            raise ssl.SSLError("broken")
        self.tried = True
        return super().wrap_bio(*args, **options)


@pytest.mark.hub
def test_failing_server_ssl_context_leaks_nothing(pull, raw, unexpected):
    """If the server's SSL context fails, no descriptor and no session is left behind.

    The fixtures check this: they count descriptors, and term() would wait for a session.
    """
    sock = pull(ssl_context=Breaking(ssl.PROTOCOL_TLS_SERVER))
    assert raw(sock.last_endpoint).read_to_end() == b""
    assert unexpected.errors.pop().args == ("broken",)


@pytest.mark.hub
def test_failing_client_ssl_context_leaks_nothing(make, raw_listener, unexpected):
    listener = raw_listener()
    client = make(zmq.PUSH)
    client.ssl_context = Breaking(ssl.PROTOCOL_TLS_CLIENT)
    client.connect(listener.endpoint.replace("tcp", "tls"))
    assert listener.accept().read_to_end() == b""
    assert unexpected.errors.pop().args == ("broken",)


def test_has_tls():
    assert zmq.has("tls") and zmq.has("ws") and zmq.has("wss")


def test_no_application_protocol_is_chosen(pull, tls_peer):
    context = client_context()
    context.set_alpn_protocols(["http/1.1", "h2"])
    assert tls_peer(pull(), context).tls.selected_alpn_protocol() is None


@pytest.mark.parametrize("server, client, chosen", [
    ("zmtp", "zmtp", "zmtp"), ("zmtp", "h2, zmtp", "zmtp"), ("zmtp,h2", "h2,zmtp", "zmtp"),
])  # fmt: skip
def test_common_application_protocol_is_chosen(
    pull, push, tls_peer, scheme, server, client, chosen
):
    sock = pull(scheme, tls_alpn=server)
    push(sock.last_endpoint, tls_alpn=client).send(b"agreed")
    assert sock.recv() == b"agreed"
    context = client_context()
    context.set_alpn_protocols([name.strip() for name in client.split(",")])
    assert tls_peer(sock, context).tls.selected_alpn_protocol() == chosen


@pytest.mark.parametrize("server, client", [("zmtp", ""), ("zmtp", "h2"), ("", "zmtp")])
def test_without_a_common_application_protocol_nothing_is_sent(
    pull, caller, monitor, scheme, server, client, caplog
):
    sock = pull(scheme, tls_alpn=server)
    refuser = monitor(sock if server else (peer := caller(tls_alpn=client)))
    if server:
        peer = caller(tls_alpn=client)
    peer.connect(sock.last_endpoint)
    peer.send(b"secret")
    assert refuser.wait_for(E.HANDSHAKE_FAILED_PROTOCOL) == TLS_UNSPECIFIED
    assert "TLS_ALPN" in caplog.text
    assert not sock.poll(20)


def test_application_protocol_of_the_users_ssl_context(make, pull, monitor):
    sock = pull(tls_alpn="zmtp")
    context = client_context()
    context.load_verify_locations(cadata=certificates.ca_pem().decode())
    context.set_alpn_protocols(["zmtp"])
    client = make(zmq.PUSH, tls_alpn="zmtp")
    client.ssl_context = context
    client.connect(sock.last_endpoint)
    client.send(b"mine")
    assert sock.recv() == b"mine"


@pytest.mark.parametrize("value", [b",", b"a,,b", b"a" * 256, b" "])
def test_invalid_application_protocol_is_refused(make, value):
    with pytest.raises(zmq.ZMQError) as caught:
        make(zmq.PUSH).setsockopt(sockopt.TLS_ALPN, value)
    assert caught.value.errno == zmq.EINVAL
