"""Tests of peers that misbehave before authentication, of commands that a socket type does not
accept, and of exceptions raised inside the engine."""

import logging
import ssl

import certificates
import pytest
import wspeer
from rawpeer import LONG, MORE, command, greeting, message
from watching import E

import zlinkcompat as zmq

pytestmark = pytest.mark.both_engines

#: The most bytes that a peer may send in its handshake.
HANDSHAKE_BYTES_MAX = 131072

MASK = b"\1\2\3\4"

#: A socket type that does not publish, and the type of its peer.
NO_PUBLISHERS = {
    "PULL": b"PUSH",
    "ROUTER": b"DEALER",
    "DEALER": b"DEALER",
    "REP": b"REQ",
    "REQ": b"REP",
    "PAIR": b"PAIR",
    "SUB": b"PUB",
    "XSUB": b"PUB",
}


@pytest.fixture
def server(make, monitor):
    """``server(mechanism, endpoint)`` returns a bound PULL and its monitor."""

    def server(mechanism=b"NULL", endpoint="tcp://127.0.0.1:*"):
        sock = make(zmq.PULL, handshake_ivl=0)
        if mechanism == b"CURVE":
            sock.curve_server = 1
            sock.curve_secretkey = zmq.curve_keypair()[1]
        elif mechanism == b"PLAIN":
            sock.plain_server = 1
        sock.bind(endpoint)
        return sock, monitor(sock, E.HANDSHAKE_FAILED_PROTOCOL | E.HANDSHAKE_FAILED_NO_DETAIL)

    return server


@pytest.mark.parametrize("mechanism", [b"NULL", b"PLAIN", b"CURVE"])
@pytest.mark.parametrize(
    "header",
    [
        bytes([MORE, 0]),
        bytes([0, 5]),
        bytes([LONG, *bytes(6), 1, 0]),
    ],
    ids=["more", "short", "long"],
)
def test_message_before_ready_is_refused_by_header(server, raw, mechanism, header):
    sock, watch = server(mechanism)
    peer = raw(sock.last_endpoint)
    peer.send(greeting(mechanism=mechanism), header)
    assert watch.next()[1] == zmq.PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND
    peer.read_to_end()


@pytest.mark.parametrize("mechanism", [b"PLAIN", b"CURVE"])
def test_websocket_message_before_ready_is_refused_by_header(server, raw, mechanism):
    sock, watch = server(mechanism, "ws://127.0.0.1:*/x")
    peer = raw(sock.last_endpoint.replace(b"ws:", b"tcp:").removesuffix(b"/x"))
    peer.send(wspeer.request(b"/x", protocols=b"ZWS2.0/" + mechanism))
    wspeer.read_head(peer)
    peer.send(wspeer.frame(wspeer.BINARY, b"\0" + bytes(90), fin=False, key=MASK)[:7])
    assert watch.next()[1] == zmq.PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND
    peer.read_to_end()


@pytest.mark.parametrize(
    "flood",
    [
        wspeer.frame(wspeer.PING, b"x", key=MASK),
        wspeer.frame(wspeer.PONG, key=MASK),
        wspeer.frame(wspeer.BINARY, b"\0", fin=False, key=MASK)
        + wspeer.frame(wspeer.CONTINUATION, fin=False, key=MASK) * 50_000,
    ],
    ids=["ping", "pong", "fragments"],
)
def test_endless_websocket_handshake_is_ended(server, raw, flood):
    sock, watch = server(endpoint="ws://127.0.0.1:*/x")
    peer = raw(sock.last_endpoint.replace(b"ws:", b"tcp:").removesuffix(b"/x"))
    peer.send(wspeer.request(b"/x"))
    wspeer.read_head(peer)
    try:
        peer.send(flood * (2 * HANDSHAKE_BYTES_MAX // len(flood) + 1))
    except ConnectionError:
        pass  # the server closed the connection before everything was sent
    assert watch.next()[0] == E.HANDSHAKE_FAILED_PROTOCOL
    peer.read_to_end()


@pytest.mark.parametrize("name", NO_PUBLISHERS)
@pytest.mark.parametrize("subscription", [b"SUBSCRIBE", b"CANCEL"])
def test_subscription_to_a_non_publisher_is_ignored(bound, raw, name, subscription):
    options = {"subscribe": b""} if name == "SUB" else {}
    sock = bound(getattr(zmq, name), **options)
    peer = raw(sock.last_endpoint)
    peer.handshake(NO_PUBLISHERS[name])
    if name == "REQ":
        sock.send(b"question")
    envelope = [b""] if name in ("REQ", "REP") else []
    peer.send(command(subscription, b"x"), message(*envelope, b"after"))
    assert sock.recv_multipart()[-1] == b"after"


@pytest.mark.parametrize("name", ["PULL", "DEALER", "PAIR", "ROUTER", "XSUB"])
@pytest.mark.parametrize("copy", [True, False])
def test_inproc_subscription_to_a_non_publisher_is_a_message(make, name, copy):
    """A subscription that an inproc peer sends to a socket that does not publish is a message.

    As in libzmq, any socket type may connect to any other over inproc.
    """
    sock = make(getattr(zmq, name))
    sock.bind("inproc://x")
    subscriber = make(zmq.SUB, subscribe=b"topic")
    subscriber.connect("inproc://x")
    assert bytes(sock.recv_multipart(copy=copy)[-1]) == b"topic"
    subscriber.subscribe = b"second"
    assert bytes(sock.recv_multipart(copy=copy)[-1]) == b"second"


class BreakingStream:
    """An ``SSLObject`` whose method ``context.breaks`` (a name) raises, once a test sets it."""

    def __init__(self, tls, context):
        self.tls = tls
        self.context = context
        self._sslobj = self

    def __getattr__(self, name):
        return getattr(self.tls, name)

    def read(self, size, room):
        if self.context.breaks == "read":
            raise RuntimeError("a defect")
        return self.tls.read(size, room)

    def write(self, data):
        if self.context.breaks == "write":
            raise RuntimeError("a defect")
        return self.tls.write(data)


class BreakingContext(ssl.SSLContext):
    breaks = None

    def wrap_bio(self, *args, **options):
        return BreakingStream(super().wrap_bio(*args, **options), self)


@pytest.mark.parametrize("breaks", ["read", "write"])
def test_defect_ends_the_connection_and_is_logged_once(
    make, monitor, unexpected, tmp_path, caplog, capfd, breaks
):
    context = BreakingContext(ssl.PROTOCOL_TLS_SERVER)
    (tmp_path / "pem").write_bytes(b"".join(certificates.issued("127.0.0.1")))
    context.load_cert_chain(tmp_path / "pem")
    server = make(zmq.PAIR)
    server.ssl_context = context
    server.bind("tls://127.0.0.1:*")
    client = make(zmq.PAIR, tls_ca=certificates.ca_pem(), reconnect_ivl=-1)
    watch = monitor(server, E.DISCONNECTED)
    caplog.set_level(logging.ERROR, "zlinkcompat")
    client.connect(server.last_endpoint)
    client.send(b"one")
    assert server.recv() == b"one"
    context.breaks = breaks
    (client if breaks == "read" else server).send(b"two")
    watch.wait_for(E.DISCONNECTED)
    with pytest.raises(zmq.Again):
        server.recv(zmq.NOBLOCK)
    assert not server.poll(0)
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.name for record in errors] == ["zlinkcompat.engine"]
    assert unexpected.errors.pop().args == ("a defect",)
    assert capfd.readouterr().err == ""
