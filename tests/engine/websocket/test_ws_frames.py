"""WebSocket frames on connections, also of STREAM sockets and of the package websockets."""

import gevent
import pytest
from guard import GUARD
from watching import E
from wsdial import frame, in_thread, still_works, with_handshake_done
from wspeer import read_frame, read_head, request

import zlinkcompat as zmq

pytestmark = pytest.mark.both_engines


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
        assert sock.recv_multipart()[1] == b""  # the peer was disconnected
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
    stream.send_multipart([name, b""])  # an empty message closes the connection
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
    # The package websockets refuses ZWS2.0/NULL, since HTTP does not allow a slash in a token.
    # RFC 45 uses this name all the same.
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
