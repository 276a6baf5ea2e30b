"""The HTTP upgrade of ``ws://``: which requests and answers are accepted, and endpoints."""

import logging

import certificates
import pytest
from watching import E
from wsdial import WS_UNSPECIFIED, frame, still_works, with_handshake_done
from wspeer import KEY, read_frame, read_head, request

import zlinkcompat as zmq
from zlinkcompat.wire.ws import upgrade

pytestmark = pytest.mark.both_engines


def test_hand_written_client(pull, dial):
    peer = with_handshake_done(dial(pull))
    peer.send(frame(2, b"\1a"), frame(2, b"\0b"))
    assert pull.recv_multipart() == [b"a", b"b"]


def test_server_prefers_a_mechanism(pull, dial):
    peer = dial(pull)
    peer.send(request(protocols=b"ZWS2.0, ZWS2.0/NULL"))
    assert b"Sec-WebSocket-Protocol: ZWS2.0/NULL\r\n" in read_head(peer)
    first, payload = read_frame(peer)
    assert first == 0x82 and payload.startswith(b"\2\x05READY\x0bSocket-Type\0\0\0\4PULL")


def test_upgrade_request_of_our_client(make, raw_listener):
    listener = raw_listener()
    push = make(zmq.PUSH, linger=0)
    push.connect(listener.endpoint.replace("tcp", "ws") + "/some/path?a=b")
    lines = read_head(listener.accept()).split(b"\r\n")
    assert lines[0] == b"GET /some/path?a=b HTTP/1.1"
    assert b"Host: " + listener.endpoint[6:].encode() in lines
    # ZWS2.0 has to be first, since jszmq's server chooses the first protocol.
    assert b"Sec-WebSocket-Protocol: ZWS2.0, ZWS2.0/NULL" in lines


@pytest.mark.parametrize("data, status, why", [
    (request(key=b"c2hvcnQ="), 400, "Sec-WebSocket-Key"),
    (request(key=b"%%%"), 400, "Sec-WebSocket-Key"),
    (request(key=None), 400, "Sec-WebSocket-Key"),
    (request(version=b"8"), 426, "Sec-WebSocket-Version"),
    (request(protocols=b"chat"), 400, "chat"),
    (request(protocols=None), 400, "ZWS2.0"),
    (request(path=b"/elsewhere"), 404, "/elsewhere"),
    (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 400, "Upgrade"),
    (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 400, "POST"),
    (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 2000, 431, "8192"),
    (b"GET / HTTP/9\r\nnonsense\r\n\r\n", 400, "upgrade"),
    (request().replace(b"HTTP/1.1", b"HTTP/1.0"), 400, "HTTP/1.0"),
    (request().replace(b" HTTP/1.1", b""), 400, "HTTP/1.1"),
    (request(**{"Content-Length": b"3"}), 400, "body"),
    (request(**{"Content-Length": b"3"}) + b"abc", 400, "body"),
    (request(**{"Transfer-Encoding": b"chunked"}) + b"0\r\n\r\n", 400, "body"),
    (request(**{"sec-websocket-key": KEY}), 400, "2 headers sec-websocket-key"),
    (request(**{"Sec-Websocket-Version": b"13"}), 400, "2 headers sec-websocket-version"),
    (request(Origin=b"http://x", origin=b"http://y"), 400, "2 headers origin"),
    (request(HOST=b"y"), 400, "upgrade"),
    (b"\xff\0\0\0\0\0\0\0\x01\x7f", 400, "does not speak HTTP"),
    (b"\x16\x03\x01\0\xf4\x01\0\0\xf0", 400, "does not speak HTTP"),
], ids=["short-key", "no-base64", "no-key", "version", "protocol", "no-protocol", "path",
        "no-upgrade", "post", "long-header", "nonsense", "http-1.0", "http-0.9", "length", "body",
        "chunked", "keys", "versions", "origins", "hosts", "zmtp", "tls"])  # fmt: skip
def test_invalid_upgrade_request_is_refused(pull, dial, monitor, make, caplog, data, status, why):
    watch = monitor(pull)
    peer = dial(pull)
    with caplog.at_level(logging.WARNING, "zlinkcompat"):
        peer.send(data)
        assert watch.wait_for(E.HANDSHAKE_FAILED_PROTOCOL) == WS_UNSPECIFIED
    assert why in caplog.text
    answer = peer.read_to_end()
    assert answer.startswith(b"HTTP/1.1 %d " % status) or status == 431
    still_works(pull, make)


@pytest.mark.parametrize("said", [
    b"", request()[:-2], request(), request() + frame(9, b"p"),
], ids=["nothing", "half-a-request", "no-routing-id", "ping"])  # fmt: skip
def test_incomplete_upgrade_request_times_out(make, dial, monitor, said):
    sock = make(zmq.PULL, handshake_ivl=500)
    sock.bind("ws://127.0.0.1:*")
    watch = monitor(sock)
    peer = dial(sock)
    peer.send(said)
    assert watch.wait_for(E.HANDSHAKE_FAILED_NO_DETAIL)
    peer.read_to_end()
    still_works(sock, make)


def test_silent_server_is_dropped_after_handshake_ivl(make, raw_listener, monitor):
    listener = raw_listener()
    push = make(zmq.PUSH, linger=0, reconnect_ivl=-1, handshake_ivl=50)
    watch = monitor(push)
    push.connect(listener.endpoint.replace("tcp", "ws"))
    push.send(b"secret")
    assert watch.wait_for(E.HANDSHAKE_FAILED_NO_DETAIL)
    seen = listener.accept().read_to_end()
    assert seen.startswith(b"GET / ") and seen.endswith(b"\r\n\r\n") and b"secret" not in seen


def test_upgrade_header_of_the_maximum_size(pull, dial):
    spare = upgrade.MAX_HEADER - len(request(X=b""))
    with_handshake_done(dial(pull), X=b"y" * spare)


@pytest.mark.parametrize("origin, welcome", [
    (b"https://good.example", True), (b"http://also.example:8080", True), (None, True),
    (b"https://evil.example", False), (b"null", False),
])  # fmt: skip
def test_origin_header_is_checked(make, dial, monitor, caplog, origin, welcome):
    sock = make(zmq.PULL)
    sock.ws_origins = "https://good.example, http://also.example:8080"
    sock.bind("ws://127.0.0.1:*")
    if welcome:
        with_handshake_done(dial(sock), Origin=origin)
        return
    watch = monitor(sock)
    peer = dial(sock)
    peer.send(request(Origin=origin))
    assert watch.wait_for(E.HANDSHAKE_FAILED_PROTOCOL) == WS_UNSPECIFIED
    assert f"the origin {origin!r} is not one of WS_ORIGINS" in caplog.text
    assert peer.read_to_end().startswith(b"HTTP/1.1 403 ")
    still_works(sock, make)


@pytest.mark.parametrize("origin, host, welcome", [
    ("http://127.0.0.1:{port}", "127.0.0.1:{port}", True),
    ("https://localhost:{port}", "LOCALHOST:{port}", True),
    ("http://[::1]:{port}", "[::1]:{port}", True),
    ("http://127.0.0.1:{port}", "localhost:{port}", False),
    ("http://127.0.0.1:1", "127.0.0.1:{port}", False),
    ("http://127.0.0.1", "127.0.0.1:{port}", False),
    ("http://127.0.0.1", "127.0.0.1", True),
    ("http://rebound.example:{port}", "rebound.example:{port}", False),
    ("null", "null", False),
    ("file://", "127.0.0.1:{port}", False),
    ("", "127.0.0.1:{port}", False),
])  # fmt: skip
def test_page_from_the_servers_own_host_is_accepted(pull, dial, origin, host, welcome):
    port = pull.last_endpoint.rpartition(b":")[2].partition(b"/")[0].decode()
    peer = dial(pull)
    asked = request(Origin=origin.format(port=port).encode())
    peer.send(asked.replace(b"Host: x", b"Host: " + host.format(port=port).encode()))
    assert read_head(peer).startswith(b"HTTP/1.1 101" if welcome else b"HTTP/1.1 403")


@pytest.mark.parametrize("listed, origin, welcome", [
    ("*", "https://evil.example", True), ("*", "null", True), ("null", "null", True),
    ("https://Good.example:443/", "https://good.example", True),
    ("https://good.example", "https://good.example:443", True),
    ("https://good.example", "http://good.example", False),
    ("https://good.example", "https://good.example.evil.example", False),
    ("good.example", "https://good.example", False), (",", "https://good.example", False),
])  # fmt: skip
def test_lists_of_origins(make, dial, listed, origin, welcome):
    sock = make(zmq.PULL)
    sock.ws_origins = listed
    sock.bind("ws://127.0.0.1:*")
    peer = dial(sock)
    peer.send(request(Origin=origin.encode()))
    assert read_head(peer).startswith(b"HTTP/1.1 101" if welcome else b"HTTP/1.1 403")


@pytest.mark.parametrize("data", [
    request(path=b"/elsewhere?token=secret"), b"POST /?a=secret HTTP/1.1\r\n\r\n",
    request(path=b"/?token=secret", Origin=b"http://evil.example"),
    request(path=b"/" + b"x" * 4000, protocols=b"chat" * 100),
])  # fmt: skip
def test_log_contains_the_path_without_the_query(pull, dial, monitor, caplog, data):
    watch = monitor(pull)
    with caplog.at_level(logging.WARNING, "zlinkcompat"):
        dial(pull).send(data)
        watch.wait_for(E.HANDSHAKE_FAILED_PROTOCOL)
    lines = [record.getMessage() for record in caplog.records]
    assert lines and all("secret" not in line and len(line) < 400 for line in lines)


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: AAAA\r\nSec-WebSocket-Protocol: ZWS2.0\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.9\r\n", b"\xff\0\0\0\0\0\0\0\x01\x7f",
], ids=["200", "accept", "ssh", "zmtp"])  # fmt: skip
def test_invalid_upgrade_response_is_refused(make, raw_listener, monitor, answer):
    listener = raw_listener()
    push = make(zmq.PUSH, linger=0, reconnect_ivl=-1)
    watch = monitor(push)
    push.connect(listener.endpoint.replace("tcp", "ws"))
    peer = listener.accept()
    read_head(peer)
    peer.send(answer)
    assert watch.wait_for(E.HANDSHAKE_FAILED_PROTOCOL) == WS_UNSPECIFIED


@pytest.mark.parametrize("written, told", [
    ("ws://127.0.0.1:*", "ws://127.0.0.1:{}/"), ("ws://127.0.0.1:*/a/b", "ws://127.0.0.1:{}/a/b"),
    ("ws://*:*/p", "ws://0.0.0.0:{}/p"),
])  # fmt: skip
def test_last_endpoint(make, written, told):
    sock = make(zmq.PULL)
    sock.bind(written)
    endpoint = sock.last_endpoint.decode()
    port = endpoint.split(":")[2].partition("/")[0]
    assert int(port) and endpoint == told.format(port)
    push = make(zmq.PUSH, linger=0)
    push.connect(endpoint.replace("0.0.0.0", "localhost"))
    push.send(b"there")
    assert sock.recv() == b"there"
    sock.unbind(endpoint)


def test_last_endpoint_over_wss(make):
    sock, push = make(zmq.PULL), make(zmq.PUSH, linger=0)
    certificates.use(sock)
    certificates.use(push)
    sock.bind("wss://127.0.0.1:*/a/b")
    endpoint = sock.last_endpoint.decode()
    assert endpoint.startswith("wss://127.0.0.1:") and endpoint.endswith("/a/b")
    push.connect(endpoint)
    push.send(b"there")
    assert sock.recv() == b"there"
    sock.unbind(endpoint)


@pytest.mark.parametrize(
    "where", ["127.0.0.1:1/a b", "127.0.0.1:1/\xe4", "127.0.0.1:1/\t", "127.0.0.1:1/\x7f", "\xe4:1"]
)
@pytest.mark.parametrize("verb", ["bind", "connect"])
def test_endpoint_invalid_in_a_request_is_refused_at_once(make, verb, where):
    with pytest.raises(zmq.ZMQError) as caught:
        getattr(make(zmq.PULL), verb)("ws://" + where)
    assert caught.value.errno == zmq.EINVAL


def test_query_is_allowed_only_in_connect(make):
    sock, push = make(zmq.PULL), make(zmq.PUSH, linger=0)
    with pytest.raises(zmq.ZMQError, match="query") as caught:
        sock.bind("ws://127.0.0.1:*/a?b")
    assert caught.value.errno == zmq.EINVAL
    sock.bind("ws://127.0.0.1:*/a")
    push.connect(sock.last_endpoint.decode() + "?b")
    push.send(b"asked")
    assert sock.recv() == b"asked"


def test_ipv6(make):
    sock, push = make(zmq.PULL, ipv6=1), make(zmq.PUSH, ipv6=1, linger=0)
    sock.bind("ws://[::1]:*/six")
    assert sock.last_endpoint.startswith(b"ws://[::1]:")
    push.connect(sock.last_endpoint)
    push.send(b"six")
    assert sock.recv() == b"six"


def test_bind_without_the_ws_extra_is_refused(make, monkeypatch):
    monkeypatch.setattr("zlinkcompat.transports.find_spec", lambda name: None)
    with pytest.raises(zmq.ZMQError, match=r"zlinkcompat\[ws\]") as caught:
        make(zmq.PULL).bind("ws://127.0.0.1:*")
    assert caught.value.errno == zmq.EPROTONOSUPPORT
    assert not zmq.has("ws")
