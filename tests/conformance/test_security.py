"""Every mechanism works over every transport, with a ZAP handler that accepts or denies clients."""

import gevent
import pytest
from guard import GUARD
from meeting import inproc_only, over_a_network, until_subscribed, watching
from zmq.utils import z85

import zlinkcompat as zmq

SERVER, CLIENT, STRANGER = (zmq.curve_keypair() for _ in range(3))
KINDS = ("null", "plain", "curve")


def of_server(kind):
    return {
        "null": {"zap_domain": b"home"},
        "plain": {"plain_server": 1},
        "curve": {"curve_server": 1, "curve_secretkey": SERVER[1]},
    }[kind]


def of_client(kind, good=True):
    keys = CLIENT if good else STRANGER
    return {
        "null": {},
        "plain": {"plain_username": b"user", "plain_password": b"right" if good else b"wrong"},
        "curve": {
            "curve_publickey": keys[0],
            "curve_secretkey": keys[1],
            "curve_serverkey": SERVER[0],
        },
    }[kind]


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


class Handler:
    """A ZAP handler that answers in a greenlet until its socket ends.

    It accepts peers of the mechanism NULL only while ``open`` is true.
    """

    def __init__(self, sock):
        self.sock = sock
        self.open = True
        self.asked = []
        sock.rcvtimeo = -1
        sock.bind("inproc://zeromq.zap.01")
        self.greenlet = gevent.spawn(self.run)

    def run(self):
        try:
            while True:
                self.answer(self.sock.recv_multipart())
        except zmq.ZMQError:
            self.sock.close()

    def answer(self, request):
        version, request_id, _domain, address, _routing_id, mechanism, *credentials = request
        self.asked.append((mechanism, address))
        good = {
            b"NULL": self.open,
            b"PLAIN": credentials == [b"user", b"right"],
            b"CURVE": credentials == [z85.decode(CLIENT[0])],
        }[mechanism]
        status = b"200" if good else b"400"
        self.sock.send_multipart([version, request_id, status, b"", b"user", b""])


@pytest.fixture
def handler(make):
    handler = Handler(make(zmq.REP))
    yield handler
    handler.greenlet.kill()
    handler.sock.close()


@pytest.fixture
def pair(handler, kind, connected_pair):
    """``pair(zmq.PULL, zmq.PUSH, **options)`` returns a server and a client that it accepted."""

    def pair(server, client, **options):
        return connected_pair(server, client, a=of_server(kind), b=of_client(kind), **options)

    return pair


SIZES = (0, 1, 200, 223, 4062, 4063, 8192, 70_000, 1_000_000)


@over_a_network
def test_messages_of_all_sizes(pair):
    pull, push = pair(zmq.PULL, zmq.PUSH)
    messages = [[bytes([size % 251]) * size] for size in SIZES] + [[b"a", b"", b"b" * 9000]]
    sender = gevent.spawn(lambda: [push.send_multipart(message) for message in messages])
    assert [pull.recv_multipart() for _ in messages] == messages
    sender.get(timeout=GUARD)


@over_a_network
def test_many_messages_both_ways(pair):
    one, other = pair(zmq.PAIR, zmq.PAIR)
    for sender, receiver in ((one, other), (other, one)):
        sending = gevent.spawn(lambda s=sender: [s.send(b"%d" % n) for n in range(5000)])
        assert [receiver.recv() for _ in range(5000)] == [b"%d" % n for n in range(5000)]
        sending.get(timeout=GUARD)


@over_a_network
def test_requests_and_their_properties(pair):
    rep, req = pair(zmq.REP, zmq.REQ)
    req.send(b"question")
    frame = rep.recv(copy=False)
    assert frame.bytes == b"question"
    assert (frame.get("User-Id"), frame.get("Socket-Type")) == ("user", "REQ")
    rep.send(b"answer")
    answer = req.recv(copy=False)
    assert answer.bytes == b"answer" and answer.get("Socket-Type") == "REP"
    with pytest.raises(zmq.ZMQError):
        answer.get("User-Id")


@over_a_network
def test_subscriptions(pair):
    pub, sub = pair(zmq.XPUB, zmq.SUB)
    sub.subscribe(b"a")
    assert pub.recv() == b"\1a"
    sub.unsubscribe(b"a")
    assert pub.recv() == b"\0a"
    sub.subscribe(b"b")
    assert pub.recv() == b"\1b"
    pub.send(b"a1")
    pub.send(b"b1")
    assert sub.recv() == b"b1"


@over_a_network
def test_routing_ids(pair):
    router, dealer = pair(zmq.ROUTER, zmq.DEALER, routing_id=b"name")
    dealer.send(b"hello")
    assert router.recv_multipart() == [b"name", b"hello"]
    router.send_multipart([b"name", b"x" * 9000])
    assert dealer.recv() == b"x" * 9000


@over_a_network
def test_heartbeats(pair, monitor):
    """Idle peers stay connected, since they exchange heartbeats."""
    pull, push = pair(zmq.PULL, zmq.PUSH, heartbeat_ivl=10, heartbeat_timeout=500)
    events = monitor(pull)
    assert events.stays_silent(150)
    push.send(b"still there")
    assert pull.recv() == b"still there"


@over_a_network
def test_refused_client_does_not_affect_others(pair, handler, make, kind, monitor):
    pull, push = pair(zmq.PULL, zmq.PUSH)
    handler.open = False
    stranger = make(zmq.PUSH, linger=0, reconnect_ivl=-1, **of_client(kind, good=False))
    seen, told = monitor(pull), monitor(stranger)
    stranger.connect(pull.last_endpoint)
    assert seen.wait_for(zmq.EVENT_HANDSHAKE_FAILED_AUTH) == 400
    assert told.wait_for(zmq.EVENT_HANDSHAKE_FAILED_AUTH) == 400
    push.send(b"from a friend")
    assert pull.recv() == b"from a friend"
    assert {mechanism for mechanism, _ in handler.asked} == {kind.upper().encode()}


@over_a_network
def test_client_is_accepted_after_the_handler_changes_its_mind(bound, make, handler):
    """Each attempt to connect is authenticated again."""
    pull = bound(zmq.PULL, **of_server("null"))
    handler.open = False
    push = make(zmq.PUSH)
    with watching(push, zmq.EVENT_HANDSHAKE_FAILED_AUTH):
        push.connect(pull.last_endpoint)
    handler.open = True
    push.send(b"at last")
    assert pull.recv() == b"at last"


@over_a_network
@pytest.mark.parametrize(
    "server, client", [(one, other) for one in KINDS for other in KINDS if one != other]
)
def test_mismatched_mechanisms(bound, make, handler, monitor, server, client):
    pull = bound(zmq.PULL, **of_server(server))
    push = make(zmq.PUSH, linger=0, reconnect_ivl=-1, **of_client(client))
    seen = monitor(pull)
    push.connect(pull.last_endpoint)
    assert seen.wait_for(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL) in (
        zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH,
        zmq.PROTOCOL_ERROR_WS_UNSPECIFIED,
    )
    assert handler.asked == []


@over_a_network
def test_reconnect_uses_new_keys(make, handler, kind, endpoints):
    """A new connection has new keys and nonces; unsent messages go over the new connection."""
    server = make(zmq.PULL, **of_server(kind))
    endpoint = endpoints.fixed()
    server.bind(endpoint)
    push = make(zmq.PUSH, **of_client(kind))
    push.connect(endpoint)
    push.send(b"one")
    assert server.recv() == b"one"
    with watching(push, zmq.EVENT_DISCONNECTED):
        server.close()
    push.send(b"two")
    again = make(zmq.PULL, **of_server(kind))
    again.bind(endpoint)
    assert again.recv() == b"two"


@inproc_only
def test_inproc_uses_no_mechanism(connected_pair, handler, kind):
    """As in libzmq, the sockets of one context trust each other."""
    pull, push = connected_pair(zmq.PULL, zmq.PUSH, a=of_server(kind), b=of_client(kind, False))
    push.send(b"inside")
    assert pull.recv() == b"inside" and handler.asked == []


@over_a_network
def test_handler_that_closes_without_replying(bound, make, kind, monitor):
    zap = make(zmq.REP)
    zap.bind("inproc://zeromq.zap.01")
    pull = bound(zmq.PULL, **of_server(kind))
    push = make(zmq.PUSH, linger=0, reconnect_ivl=-1, **of_client(kind))
    seen = monitor(pull)
    push.connect(pull.last_endpoint)
    zap.recv_multipart()
    zap.close()
    assert seen.wait_for(zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL) == zmq.EFAULT


@over_a_network
def test_handler_that_never_replies(bound, make, kind, monitor):
    zap = make(zmq.REP)
    zap.bind("inproc://zeromq.zap.01")
    pull = bound(zmq.PULL, handshake_ivl=50, **of_server(kind))
    push = make(zmq.PUSH, linger=0, reconnect_ivl=-1, **of_client(kind))
    seen = monitor(pull)
    push.connect(pull.last_endpoint)
    zap.recv_multipart()
    assert seen.wait_for(zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL) == zmq.ETIMEDOUT
    # The handshake is over, so this late reply must be ignored.
    zap.send_multipart([b"1.0", b"1", b"200", b"", b"", b""])


@over_a_network
def test_peer_that_leaves_during_authentication(bound, make, kind, monitor):
    zap = make(zmq.REP)
    zap.bind("inproc://zeromq.zap.01")
    pull = bound(zmq.PULL, **of_server(kind))
    push = make(zmq.PUSH, linger=0, reconnect_ivl=-1, **of_client(kind))
    seen = monitor(pull)
    push.connect(pull.last_endpoint)
    zap.recv_multipart()
    push.close()
    seen.wait_for(zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL)
    zap.send_multipart([b"1.0", b"1", b"200", b"", b"", b""])


@over_a_network
def test_one_context_several_mechanisms(handler, bound, make, connected):
    for each in KINDS:
        pull = bound(zmq.PULL, **of_server(each))
        push = connected(zmq.PUSH, pull, **of_client(each))
        push.send(each.encode())
        assert pull.recv() == each.encode()
    assert [mechanism for mechanism, _ in handler.asked] == [b"NULL", b"PLAIN", b"CURVE"]


@over_a_network
def test_publishing_to_many_by_curve(handler, bound, connected):
    pub = bound(zmq.PUB, **of_server("curve"))
    subs = [connected(zmq.SUB, pub, **of_client("curve")) for _ in range(3)]
    for sub in subs:
        sub.subscribe(b"all")
    until_subscribed(pub, *subs)
    pub.send_multipart([b"all", b"x" * 20_000])
    assert [sub.recv_multipart() for sub in subs] == [[b"all", b"x" * 20_000]] * 3
