"""A socket with SOCKS_PROXY connects only through the proxy."""

import pytest
from rawpeer import greeting, message, ready
from socksproxy import SocksProxy
from watching import E

import zlinkcompat as zmq


@pytest.fixture
def proxy(no_descriptor_is_left):
    proxies = []

    def proxy(*args, **options):
        proxies.append(SocksProxy(*args, **options))
        return proxies[-1]

    yield proxy
    for one in proxies:
        one.close()


def port_of(sock):
    return int(sock.last_endpoint.rpartition(b":")[2])


@pytest.mark.parametrize("transport", ["tcp", "ws"])
def test_messages_pass_the_proxy(bound, make, proxy, transport):
    one = proxy()
    pull = bound(zmq.PULL, f"{transport}://127.0.0.1:*")
    endpoint = pull.last_endpoint.decode()
    push = make(zmq.PUSH, socks_proxy=one.endpoint)
    push.connect(endpoint)
    push.send(b"x" * 100_000)
    assert pull.recv() == b"x" * 100_000
    assert one.asked_for == [("127.0.0.1", int(endpoint.split(":")[2].rstrip("/")))]


def test_proxy_resolves_host_names(bound, make, proxy):
    one = proxy(names={"nowhere.invalid": "127.0.0.1"})
    pull = bound(zmq.PULL)
    push = make(zmq.PUSH, socks_proxy=one.endpoint)
    push.connect(f"tcp://nowhere.invalid:{port_of(pull)}")
    push.send(b"by name")
    assert pull.recv() == b"by name"


def test_with_a_user_name(bound, make, proxy):
    one = proxy({b"me": b"hush"})
    pull = bound(zmq.PULL)
    push = make(zmq.PUSH, socks_proxy=one.endpoint, socks_username=b"me", socks_password=b"hush")
    push.connect(pull.last_endpoint)
    push.send(b"let in")
    assert pull.recv() == b"let in"


@pytest.mark.parametrize("credentials", [{}, {"socks_username": b"me", "socks_password": b"no"}])
def test_refused_client_retries(bound, make, proxy, monitor, credentials):
    one = proxy({b"me": b"hush"})
    pull = bound(zmq.PULL)
    push = make(zmq.PUSH, socks_proxy=one.endpoint, reconnect_ivl=1, **credentials)
    watched = monitor(push)
    push.connect(pull.last_endpoint)
    assert watched.until(E.CONNECT_RETRIED)[-2:] == ["CLOSED", "CONNECT_RETRIED"]
    watched.until(E.CONNECT_RETRIED)
    assert one.asked_for in ([], [("127.0.0.1", port_of(pull))] * len(one.asked_for))
    assert not pull.poll(20)


def test_unreachable_peer_is_retried(make, proxy, monitor, raw_listener):
    one = proxy()
    push = make(zmq.PUSH, socks_proxy=one.endpoint, reconnect_ivl=1)
    watched = monitor(push, E.CLOSED)
    gone = raw_listener(listens=False)
    push.connect(gone.endpoint)
    for _ in range(3):
        watched.next()
    assert len(one.asked_for) >= 3


ANSWERS = [
    b"",
    b"\5",
    b"\5\0\5",
    b"\5\0\5\0\0\3\xffx",
    b"\4\x5a" + bytes(6),
    b"HTTP/1.1 400\r\n",
    b"\5\0\5\0\0\7\1",
    b"\xff" * 300,
]


@pytest.mark.parametrize("answer", ANSWERS, ids=repr)
def test_truncated_and_garbled_answers(make, raw_listener, monitor, answer):
    """A bad answer of the proxy closes the connection. The next connection loses no message."""
    listener = raw_listener()
    push = make(zmq.PUSH, socks_proxy=listener.endpoint[6:].encode(), reconnect_ivl=1)
    watched = monitor(push, E.CLOSED | E.CONNECTED)
    push.connect("tcp://192.0.2.1:5555")
    push.send(b"kept")
    bad = listener.accept()
    bad.read(3)
    bad.send(answer)
    bad.close()
    assert watched.next()[0] == E.CLOSED
    good = listener.accept()
    assert good.read(3) == b"\5\1\0"
    # The peer's first octets arrive in one piece with the proxy's last answer.
    good.send(b"\5\0\5\0\0\1" + bytes(6) + greeting())
    assert good.read(10) == b"\5\1\0\1\xc0\0\2\1" + (5555).to_bytes(2, "big")
    assert watched.next()[0] == E.CONNECTED
    good.send(ready(b"PULL"))
    good.read(64)
    good.read_ready()
    assert good.read_message() == [b"kept"]


def test_proxy_answer_octet_by_octet(make, raw_listener):
    listener = raw_listener()
    pull = make(zmq.PULL, socks_proxy=listener.endpoint[6:].encode())
    pull.connect("tcp://a.example:5555")
    peer = listener.accept()
    said = b"\5\0\5\0\0\3\5proxy\0\1" + greeting() + ready(b"PUSH") + message(b"in pieces")
    for octet in said:
        peer.send(bytes((octet,)))
    assert pull.recv() == b"in pieces"


def test_silent_proxy_is_dropped_after_handshake_ivl(make, raw_listener, monitor):
    listener = raw_listener()
    push = make(
        zmq.PUSH, socks_proxy=listener.endpoint[6:].encode(), handshake_ivl=30, reconnect_ivl=1
    )
    watched = monitor(push, E.CLOSED | E.CONNECTED)
    push.connect("tcp://192.0.2.1:5555")
    silent = listener.accept()
    assert watched.next()[0] == E.CLOSED
    silent.read_to_end()


def test_close_does_not_wait_for_the_proxy(context, raw_listener):
    listener = raw_listener()
    push = context.socket(zmq.PUSH)
    push.socks_proxy = listener.endpoint[6:].encode()
    push.connect("tcp://192.0.2.1:5555")
    peer = listener.accept()
    peer.read(3)
    push.close(0)
    assert peer.read_to_end() == b""


def test_ipc_ignores_the_proxy(bound, make, endpoint_of):
    pull = bound(zmq.PULL, endpoint_of("ipc"))
    push = make(zmq.PUSH, socks_proxy=b"127.0.0.1:1")
    push.connect(pull.last_endpoint)
    push.send(b"straight")
    assert pull.recv() == b"straight"


@pytest.mark.parametrize("text", [b"nonsense", b"256.0.0.1:1", b"127.0.0.1:x", b"127.0.0.1:1"])
def test_unreachable_proxy_is_never_bypassed(bound, make, monitor, text):
    pull = bound(zmq.PULL)
    push = make(zmq.PUSH, socks_proxy=text, reconnect_ivl=1)
    watched = monitor(push)
    push.connect(pull.last_endpoint)
    assert "CONNECTED" not in watched.until(E.CONNECT_RETRIED) + watched.until(E.CONNECT_RETRIED)
