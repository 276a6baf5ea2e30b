"""``tls://``: which peers are accepted, which are refused and with which error; TLS for STREAM."""

import contextlib
import datetime
import logging
import socket
import ssl

import certificates
import gevent
import pytest
from gevent import subprocess
from guard import GUARD
from rawpeer import GREETING_SIZE, greeting, message, ready
from watching import E

import zlinkcompat as zmq
from zlinkcompat import sockopt

pytestmark = pytest.mark.both_engines

TLS_UNSPECIFIED, TLS_CERTIFICATE = 0x40000000, 0x40000001
NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)
EXPIRED = {"not_before": NOW - 2 * DAY, "not_after": NOW - DAY}
NOT_YET = {"not_before": NOW + DAY, "not_after": NOW + 2 * DAY}


@pytest.fixture
def pull(make):
    """pull(tls_ca=...): a PULL bound to a TLS endpoint, for HANDSHAKE_IVL of 2 s."""

    def pull(scheme="tls", **options):
        sock = make(zmq.PULL, handshake_ivl=GUARD * 1000)
        certificates.use(sock)
        for name, value in options.items():
            setattr(sock, name, value)
        sock.bind(f"{scheme}://127.0.0.1:*")
        return sock

    return pull


@pytest.fixture
def caller(make):
    """caller(tls_ca=...): a PUSH that will connect, once."""

    def caller(**options):
        sock = make(zmq.PUSH, linger=0, reconnect_ivl=-1, handshake_ivl=GUARD * 1000)
        sock.tls_ca = certificates.ca_pem()
        for name, value in options.items():
            setattr(sock, name, value)
        return sock

    return caller


@pytest.fixture
def push(caller):
    """push(endpoint, tls_ca=...): a PUSH connected there."""

    def push(endpoint, **options):
        sock = caller(**options)
        sock.connect(endpoint)
        return sock

    return push


@pytest.fixture
def refused(caller, monitor):
    """refused(endpoint): why a PUSH that connects there fails, according to its monitor."""

    def refused(endpoint):
        client = caller(immediate=1)
        watch = monitor(client)  # start the monitor first: I/O threads do not wait for it
        client.connect(endpoint)
        return watch.wait_for(E.HANDSHAKE_FAILED_PROTOCOL, E.HANDSHAKE_FAILED_NO_DETAIL)

    return refused


def still_works(pull_sock, push):
    push(pull_sock.last_endpoint).send(b"undisturbed")
    assert pull_sock.recv() == b"undisturbed"


def client_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=certificates.ca_pem().decode())
    return context


def in_thread(call, *args):
    """Run a blocking call of the standard library beside this hub."""
    with gevent.Timeout(GUARD):
        return gevent.get_hub().threadpool.apply(call, args)


def port_of(sock):
    return int(sock.last_endpoint.rpartition(b":")[2].partition(b"/")[0])


def upgrade_request(path):
    return (
        f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()


@pytest.fixture(params=["tls", "wss"])
def scheme(request):
    return request.param


# -- certificates --------------------------------------------------------------------------


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
    # The user may choose the name that is checked.
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
    with contextlib.suppress(zmq.Again):  # already refused, and not retried
        stranger.send(b"strange", zmq.NOBLOCK)
    assert watch.wait_for(E.HANDSHAKE_FAILED_PROTOCOL) == TLS_CERTIFICATE
    assert "handshake failed: TLS: unable to get local issuer certificate" in caplog.text
    known.send(b"undisturbed")
    assert sock.recv() == b"undisturbed"


# -- the wrong protocol --------------------------------------------------------------------


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


# -- nothing is sent before verification ---------------------------------------------------


@pytest.mark.parametrize("name, options", [
    ("127.0.0.1", {"ca": "others"}), ("127.0.0.1", EXPIRED), ("127.0.0.1", NOT_YET),
    ("example.org", {}),
], ids=["nobody-vouches", "expired", "not-yet", "another-host"])  # fmt: skip
def test_refused_server_receives_nothing(caller, monitor, scheme, name, options, tmp_path):
    """It has the certificate's key and handshakes correctly: it gets an alert, and nothing else."""
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
    """With TLS 1.3 the client believes at first that it was accepted. It gets only an alert."""
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
            except OSError as error:  # SSLError is an OSError: an alert, or a reset after it
                assert not isinstance(error, TimeoutError)
                return b""

    assert in_thread(listen, port_of(sock)) == b""
    assert watch.wait_for(E.HANDSHAKE_FAILED_PROTOCOL) in (TLS_UNSPECIFIED, TLS_CERTIFICATE)
    assert sock.poll(20) == 0


def test_only_a_client_hello_is_sent_before_the_handshake(raw_listener, push):
    listener = raw_listener()
    client = push(listener.endpoint.replace("tcp", "tls"), handshake_ivl=100)
    client.send(b"secret" * 10)
    seen = listener.accept().read_to_end()
    assert seen[:1] == b"\x16" and b"secret" not in seen and b"\xff\0\0\0\0\0\0\0" not in seen


# -- options -------------------------------------------------------------------------------


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
        sock.tls_key  # a secret can only be set


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
    """Works for one connection: the one that a socket tries at bind and connect."""

    tried = False

    def wrap_bio(self, *args, **options):
        if self.tried:
            raise ssl.SSLError("broken")
        self.tried = True
        return super().wrap_bio(*args, **options)


@pytest.mark.hub
def test_failing_server_ssl_context_leaks_nothing(pull, raw, unexpected):
    """The fixtures notice what is left: a descriptor, or a session that term() waits for."""
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
    one.send(b"a")  # the session ticket arrived after it
    assert other.recv() == b"a"
    watch = monitor(other, E.DISCONNECTED | E.HANDSHAKE_SUCCEEDED)
    one.unbind(endpoint)
    watch.wait_for(E.DISCONNECTED)
    one.bind(endpoint)
    watch.wait_for(E.HANDSHAKE_SUCCEEDED)
    assert context.session_stats()["hits"] == 1


def test_has_tls():
    assert zmq.has("tls") and zmq.has("ws") and zmq.has("wss")


THREADS = """
import sys, threading
import certificates
import zlinkcompat as zmq

certificates.issued("127.0.0.1", "localhost", "::1")  # before there are threads

def run(number):
    context = zmq.Context()
    push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    for each in push, pull:
        each.rcvtimeo = each.sndtimeo = 30000
        each.linger = 0
        certificates.use(each)
    pull.bind("tls://127.0.0.1:*")
    push.connect(pull.last_endpoint)
    body = bytes([number]) * 60000
    for _ in range(100):
        for _ in range(3):
            push.send(body)
        good[number] += sum(pull.recv() == body for _ in range(3))
    context.destroy()

good = [0] * 4
threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
say(*good)
"""


@pytest.mark.parametrize("engine", ["hub", "thread"])
def test_native_threads_receive_only_their_own_messages(program, monkeypatch, engine):
    monkeypatch.setenv("ZLINK_ENGINE", engine)
    assert program(THREADS).line() == "300 300 300 300"


BOTH_WAYS = """
import threading
import certificates
import zlinkcompat as zmq

COUNT = 1000

def body(number):
    return (b"%d " % number).ljust(number * 37 % 30000, b"x")

def run(sock):
    numbers = iter(range(COUNT))
    for number in range(COUNT):
        sock.send(body(number))
        while sock.poll(0):
            assert sock.recv() == body(next(numbers))
    for number in numbers:
        assert sock.recv() == body(number)
    done.append(sock)

context = zmq.Context()
one, other = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
for each in one, other:
    each.rcvtimeo = 30000
    each.sndhwm = each.rcvhwm = 0
    each.heartbeat_ivl = 1  # ms: who does the I/O writes, too
    each.heartbeat_timeout = 30000
    certificates.use(each)
one.bind("tls://127.0.0.1:*")
other.connect(one.last_endpoint)
done = []
thread = threading.Thread(target=run, args=(one,))
thread.start()
run(other)
thread.join()
say(len(done))
context.destroy(linger=0)
"""


def test_reading_and_writing_at_the_same_time_over_tls(program):
    assert program(BOTH_WAYS, engine="thread").line() == "2"


# -- STREAM --------------------------------------------------------------------------------


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
    """With -rev, openssl sends each line back reversed."""
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
    """ZMTP inside TLS, sent by none of our code."""
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


class TlsPeer:
    """A hand-written client, which may end in ways that no library allows."""

    def __init__(self, peer, context=None):
        self.peer = peer
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = (context or client_context()).wrap_bio(
            self.incoming, self.outgoing, server_hostname="127.0.0.1"
        )
        self.ask(self.tls.do_handshake)

    def ask(self, call, *args):
        while True:
            try:
                return call(*args)
            except ssl.SSLWantReadError:
                self.peer.send(self.outgoing.read())
                self.incoming.write(self.record())

    def record(self):
        head = self.peer.read(5)
        return head + self.peer.read(int.from_bytes(head[3:], "big"))

    def said(self, data):
        """Return the ciphertext for ``data``."""
        self.tls.write(data)
        return self.outgoing.read()

    def read(self, size):
        data = b""
        while len(data) < size:
            data += self.ask(self.tls.read, size - len(data))
        return data

    def handshake(self, socket_type, answer):
        self.peer.send(self.said(greeting() + ready(socket_type)))
        self.read(GREETING_SIZE)
        self.read(len(ready(answer, b"" if answer == b"DEALER" else None)))


@pytest.fixture
def tls_peer(raw):
    """tls_peer(sock): connected there, with the TLS handshake done."""
    return lambda sock, *args: TlsPeer(raw(f"tcp://127.0.0.1:{port_of(sock)}"), *args)


def test_message_before_garbage_is_delivered_without_an_alert(pull, tls_peer):
    sock = pull()
    client = tls_peer(sock)
    client.handshake(b"PUSH", b"PULL")
    rubbish = b"\x17\x03\x03\0\x20" + bytes(32)
    client.peer.send(client.said(message(b"last")) + rubbish)
    client.peer.reset()
    assert sock.recv() == b"last"


def test_garbage_is_reported_even_if_the_alert_is_lost(pull, raw, monitor):
    sock = pull()
    watch = monitor(sock)
    peer = raw(f"tcp://127.0.0.1:{port_of(sock)}")
    watch.wait_for(E.ACCEPTED)
    peer.send(b"\x16\x03\x01\0\x05\x01\0\0\x01\0")
    peer.reset()
    reason = watch.wait_for(E.HANDSHAKE_FAILED_PROTOCOL, E.HANDSHAKE_FAILED_NO_DETAIL)
    assert reason == TLS_UNSPECIFIED


def test_close_notify_ends_the_connection(pull, tls_peer):
    """It may also follow a message in one segment."""
    sock = pull()
    client = tls_peer(sock)
    client.handshake(b"PUSH", b"PULL")
    client.tls.write(message(b"last"))
    with pytest.raises(ssl.SSLWantReadError):
        client.tls.unwrap()
    client.peer.send(client.outgoing.read())
    assert sock.recv() == b"last"
    client.peer.read_to_end()


@pytest.mark.hub
def test_batched_small_messages_are_one_record(make, tls_peer, phases):
    phases.set(batch_time=10_000_000)  # not before the hub turns
    push = make(zmq.PUSH, linger=0)
    certificates.use(push)
    push.bind("tls://127.0.0.1:*")
    client = tls_peer(push)
    client.handshake(b"PULL", b"PUSH")
    for _ in range(41):
        push.send(b"x" * 20)
    sizes = [len(client.record()) for _ in range(2)]
    assert sizes[0] < 100 and 40 * 22 < sizes[1] < 40 * 22 + 100


# -- application protocols -----------------------------------------------------------------


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


# -- certificates that are replaced ----------------------------------------------------------


def replace(path, data):
    """Replace the file at once, as certbot and others do."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(data)
    fresh.replace(path)


def der(pem):
    return ssl.PEM_cert_to_DER_cert(
        pem.decode().partition("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n"
    )


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
    replace(cert, new[0])  # the key is not replaced yet
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
