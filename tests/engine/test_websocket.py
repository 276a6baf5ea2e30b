"""``ws://``: the upgrade, frames that break the rules, plain WebSocket for STREAM, interop."""

import logging

import certificates
import gevent
import pytest
from guard import GUARD
from watching import E
from wspeer import ACCEPT, KEY, read_frame, read_head, request

import zlinkcompat as zmq
from zlinkcompat.wire.ws import upgrade

pytestmark = pytest.mark.both_engines

WS_UNSPECIFIED = 0x30000000


def frame(opcode, payload, first=0x80, mask=True):
    """Return a short or medium frame from a client; its mask leaves the payload readable."""
    bit = 0x80 if mask else 0
    size = len(payload)
    head = bytes([first | opcode])
    head += bytes([bit | size]) if size < 126 else bytes([bit | 126]) + size.to_bytes(2, "big")
    return head + (bytes(4) if mask else b"") + payload


def with_handshake_done(peer, **options):
    """A hand-written client after its handshake without mechanism."""
    peer.send(request(**options), frame(2, b"\0me"))
    head = read_head(peer)
    assert head.startswith(b"HTTP/1.1 101") and ACCEPT in head
    assert read_frame(peer) == (0x82, b"\0")
    return peer


@pytest.fixture
def pull(make):
    sock = make(zmq.PULL, handshake_ivl=GUARD * 1000, maxmsgsize=100000)
    sock.bind("ws://127.0.0.1:*")
    return sock


@pytest.fixture
def dial(raw):
    """dial(sock): the connection of a hand-written peer."""

    def dial(sock):
        port = sock.last_endpoint.rpartition(b":")[2].partition(b"/")[0].decode()
        return raw(f"tcp://127.0.0.1:{port}")

    return dial


def still_works(sock, make):
    push = make(zmq.PUSH, linger=0)
    push.connect(sock.last_endpoint)
    push.send(b"undisturbed")
    assert sock.recv() == b"undisturbed"


# -- the upgrade ---------------------------------------------------------------------------


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
    # jszmq's server answers with the first one.
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


# -- frames --------------------------------------------------------------------------------


@pytest.mark.parametrize("data, code, why", [
    (frame(2, b"\0x", mask=False), 1002, "an unmasked frame from a client"),
    (frame(9, b"x" * 126), 1002, "a control frame of over 125 bytes"),
    (frame(9, b"x", first=0), 1002, "a fragmented control frame"),
    (frame(1, b"\0text"), 1003, "a text message"), (frame(3, b""), 1002, "the opcode 3"),
    (frame(2, b"\0x", first=0xC0), 1002, "reserved bits"),
    (frame(0, b"x"), 1002, "a fragment without a beginning"),
    (frame(2, b"\7x"), 1002, "reserved flags: 0x07"),
    (b"\x82\xff" + (1 << 30).to_bytes(8, "big") + bytes(5), 1009, "over the limit, 100000"),
], ids=["unmasked", "long-ping", "fragmented-ping", "text", "opcode", "reserved", "fragment",
        "flags", "too-large"])  # fmt: skip
def test_invalid_frames_end_the_connection(pull, dial, monitor, make, caplog, data, code, why):
    watch = monitor(pull)
    peer = with_handshake_done(dial(pull))
    peer.send(frame(2, b"\0before"), data)
    assert pull.recv() == b"before"
    watch.wait_for(E.DISCONNECTED)
    assert peer.read_to_end() == b"\x88\x02" + code.to_bytes(2, "big")
    assert pull.last_endpoint.decode() in caplog.text and why in caplog.text
    still_works(pull, make)


@pytest.mark.parametrize("kind", ["PULL", "STREAM"])
@pytest.mark.parametrize("size", [2**62 + 1, 2**63 - 1])
def test_frame_of_almost_2_63_bytes_ends_only_its_connection(make, dial, monitor, kind, size):
    sock = make(getattr(zmq, kind))  # without MAXMSGSIZE
    sock.bind("ws://127.0.0.1:*")
    watch = monitor(sock)
    peer = dial(sock)
    if kind == "STREAM":
        peer.send(request(protocols=None))
        read_head(peer)
        assert sock.recv_multipart()[1] == b""
    else:
        with_handshake_done(peer)
    peer.send(b"\x82\xff" + size.to_bytes(8, "big") + bytes(5) + b"abcdef")
    assert peer.read_to_end() == b"\x88\x02" + (1009).to_bytes(2, "big")
    watch.wait_for(E.DISCONNECTED)
    if kind == "STREAM":
        assert sock.recv_multipart()[1] == b""  # it went
    else:
        still_works(sock, make)


def test_ping_is_answered_with_its_payload(pull, dial):
    peer = with_handshake_done(dial(pull))
    peer.send(frame(9, b"x" * 125))
    assert read_frame(peer) == (0x8A, b"x" * 125)
    peer.send(frame(10, b"nobody asked"), frame(2, b"\0still here"))
    assert pull.recv() == b"still here"


def test_a_ping_between_fragments(pull, dial):
    peer = with_handshake_done(dial(pull))
    peer.send(frame(2, b"\0ab", first=0), frame(9, b"p"), frame(0, b"c" * 300))
    assert read_frame(peer) == (0x8A, b"p")
    assert pull.recv() == b"ab" + b"c" * 300


def test_close_is_answered(pull, dial, monitor):
    watch = monitor(pull)
    peer = with_handshake_done(dial(pull))
    peer.send(frame(2, b"\0last"), frame(8, b"\x03\xe9bye"))
    assert peer.read_to_end() == b"\x88\x05\x03\xe9bye"
    watch.wait_for(E.DISCONNECTED)
    assert pull.recv() == b"last"


def test_closing_socket_sends_a_close_frame(pull, dial):
    peer = with_handshake_done(dial(pull))
    pull.close()
    assert peer.read_to_end() == b"\x88\x02\x03\xe8"


def test_heartbeats_are_pings(make, dial):
    sock = make(zmq.PULL, heartbeat_ivl=20, heartbeat_timeout=0)
    sock.bind("ws://127.0.0.1:*")
    peer = with_handshake_done(dial(sock))
    assert read_frame(peer) == (0x89, b"")
    peer.send(frame(10, b""))
    assert read_frame(peer) == (0x89, b"")


def test_peer_that_answers_no_ping_is_dropped(make, dial, monitor):
    sock = make(zmq.PULL, heartbeat_ivl=20, heartbeat_timeout=40)
    sock.bind("ws://127.0.0.1:*")
    watch = monitor(sock)
    with_handshake_done(dial(sock))
    watch.wait_for(E.DISCONNECTED)


# -- endpoints -----------------------------------------------------------------------------


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


# -- STREAM --------------------------------------------------------------------------------


@pytest.fixture
def stream(make):
    sock = make(zmq.STREAM)
    sock.bind("ws://127.0.0.1:*/chat")
    return sock


def test_stream_talks_to_any_websocket_client(stream, dial):
    peer = dial(stream)
    peer.send(request(b"/chat", protocols=None))
    assert b"Protocol" not in read_head(peer).replace(b"Switching Protocols", b"")
    name, notice = stream.recv_multipart()
    assert notice == b""
    peer.send(
        frame(1, b"text"), frame(2, b"\xff"), frame(2, b""), frame(1, b"x", first=0), frame(0, b"y")
    )
    assert [stream.recv_multipart() for _ in range(3)] == [
        [name, b"text"],
        [name, b"\xff"],
        [name, b"xy"],
    ]
    stream.send_multipart([name, b"answer"])
    assert read_frame(peer) == (0x82, b"answer")
    stream.send_multipart([name, b""])  # closes
    assert peer.read_to_end() == b"\x88\x02\x03\xe8"


def test_stream_sends_text_frames(make, dial):
    stream = make(zmq.STREAM)
    stream.ws_text = 1
    stream.bind("ws://127.0.0.1:*")
    peer = dial(stream)
    peer.send(request(protocols=None))
    read_head(peer)
    stream.send_multipart([stream.recv_multipart()[0], b"text"])
    assert read_frame(peer) == (0x81, b"text")


# -- the package websockets ----------------------------------------------------------------


def in_thread(call, *args):
    """Run a blocking call of another library beside this hub."""
    with gevent.Timeout(GUARD):
        return gevent.get_hub().threadpool.apply(call, args)


def test_websockets_as_a_client(pull, make):
    client = pytest.importorskip("websockets.sync.client")

    def talk(uri):
        with client.connect(uri, subprotocols=["ZWS2.0"], compression=None) as peer:
            peer.send(b"\0routing id")
            assert peer.recv() == b"\0"
            for size in (0, 1, 125, 126, 65535, 65536, 99000):
                peer.send(b"\0" + b"x" * size)
            peer.send([b"\0fr", b"agm", b"ents"])
            peer.ping().wait(GUARD)

    greenlet = gevent.spawn(lambda: [pull.recv() for _ in range(8)])
    in_thread(talk, pull.last_endpoint.decode())
    found = greenlet.get(timeout=GUARD)
    assert [len(one) for one in found] == [0, 1, 125, 126, 65535, 65536, 99000, 9]
    assert found[-1] == b"fragments"


WEBSOCKETS_SERVER = """
from websockets.sync import server

def serve(peer):
    peer.recv()
    peer.send(b"\\0")
    for body in peer:
        peer.send(body)

def choose(connection, request):
    # It is stricter than RFC 45: no token of HTTP has the slash of ZWS2.0/NULL.
    offered = request.headers.pop("Sec-WebSocket-Protocol")
    request.headers["Sec-WebSocket-Protocol"] = offered.partition(",")[0]

running = server.serve(serve, "127.0.0.1", 0, subprotocols=["ZWS2.0"], max_size=None,
                       compression=None, process_request=choose)
say(running.socket.getsockname()[1])
running.serve_forever()
"""


def test_websockets_as_a_server(make, program):
    pytest.importorskip("websockets")
    port = program(WEBSOCKETS_SERVER).line()
    sock = make(zmq.PAIR, linger=0)
    sock.connect(f"ws://127.0.0.1:{port}")
    for size in (0, 1, 124, 125, 65534, 65535, 1000000):
        body = (bytes(range(256)) * (size // 256 + 1))[:size]
        sock.send_multipart([body, b"end"])
        assert sock.recv_multipart() == [body, b"end"]
