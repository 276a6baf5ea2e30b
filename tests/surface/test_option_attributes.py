"""Socket options as attributes, by number, and through the other methods to set and get them."""

import pytest
from guard import GUARD
from sidebyside import failure, outcome

import zlinkcompat as zmq


def test_an_option_is_an_attribute_in_any_case(make):
    sock = make(zmq.PUSH)
    sock.linger = 7
    assert sock.linger == sock.LINGER == sock.Linger == sock.get(zmq.LINGER) == 7
    sock.SNDHWM = 3
    assert sock.sndhwm == sock.getsockopt(zmq.SNDHWM) == 3


def test_all_forms_of_set_and_get_agree(make):
    sock = make(zmq.DEALER)
    sock.set(zmq.LINGER, 1)
    assert sock.getsockopt(zmq.LINGER) == 1
    sock.setsockopt(zmq.LINGER, 2)
    assert sock.get(zmq.LINGER) == 2
    for setter in (sock.set_string, sock.setsockopt_string, sock.setsockopt_unicode):
        setter(zmq.ROUTING_ID, "grüße", encoding="utf-8")
    for getter in (sock.get_string, sock.getsockopt_string, sock.getsockopt_unicode):
        assert getter(zmq.ROUTING_ID) == "grüße"


def test_identity_is_the_old_name_of_routing_id(make):
    sock = make(zmq.DEALER, identity=b"me")
    assert sock.identity == sock.routing_id == sock.get(zmq.IDENTITY) == b"me"


def test_options_are_enumerations_or_plain_numbers(make):
    sock = make(zmq.DEALER)
    sock.set(int(zmq.LINGER), 5)
    assert sock.get(zmq.SocketOption.LINGER) == sock.get(17) == 5


READ = [
    "type",
    "rcvmore",
    "events",
    "linger",
    "last_endpoint",
    "mechanism",
    "thread_safe",
    "identity",
    "affinity",
    "maxmsgsize",
    "ipv4only",
    "ipv6",
    "backlog",
    "handshake_ivl",
    "hwm",
    "closed",
    "copy_threshold",
    "plain_username",
]


@pytest.mark.parametrize("name", READ)
def test_value_and_type_of_an_attribute(both, name):
    def scenario(side):
        value = getattr(side.socket("DEALER"), name)
        return type(value), value

    both(scenario)


@pytest.mark.parametrize("kind", range(12))
def test_type_is_an_enumeration(context, kind):
    with context.socket(kind) as sock:
        assert sock.type is zmq.SocketType(kind)
        assert sock.get(zmq.TYPE) == kind
        with pytest.warns(DeprecationWarning, match="use Socket.type"):
            assert sock.socket_type == kind


@pytest.mark.parametrize(
    "name",
    [
        "nosuchoption",
        "NOSUCHOPTION",
        "SOCKET_TYPES",
        "_nothing",
        "__nothing__",
        "subscribers",
    ],
)
def test_an_unknown_attribute_is_an_attribute_error(both, name):
    result = both(
        lambda side: [
            failure(getattr, side.socket("SUB"), name),
            failure(setattr, side.socket("SUB"), name, 1),
            hasattr(side.socket("SUB"), name),
        ]
    )
    assert result == [(AttributeError, None), (AttributeError, None), False]


@pytest.mark.parametrize(
    "name",
    [
        "xpub_verbose",
        "curve_serverkey",
        "metadata",
        "tcp_accept_filter",
        "probe_router",
        "connect_routing_id",
        "pollin",
        "EAGAIN",
        "IO_THREADS",
    ],
)
def test_reading_a_write_only_option_is_an_attribute_error(both, name):
    both(lambda side: failure(getattr, side.socket("XPUB"), name))


@pytest.mark.parametrize(
    "name",
    [
        "type",
        "rcvmore",
        "events",
        "fd",
        "last_endpoint",
        "mechanism",
        "thread_safe",
        "closed",
    ],
)
def test_read_only_options(both, name):
    both(lambda side: failure(setattr, side.socket("XPUB"), name, 1))


@pytest.mark.parametrize(
    "option, value",
    [
        ("LINGER", "7"),
        ("LINGER", b"7"),
        ("LINGER", 7.5),
        ("LINGER", None),
        ("LINGER", 2**31),
        ("LINGER", -2),
        ("LINGER", True),
        ("LINGER", -(2**31) - 1),
        ("ROUTING_ID", 7),
        ("ROUTING_ID", "text"),
        ("ROUTING_ID", b""),
        ("ROUTING_ID", b"x" * 256),
        ("ROUTING_ID", None),
        ("ROUTING_ID", bytearray(b"x")),
        ("ROUTING_ID", b"\0x"),
        ("MAXMSGSIZE", 2**40),
        ("MAXMSGSIZE", 2**63),
        ("MAXMSGSIZE", "1"),
        ("AFFINITY", -1),
        ("SNDHWM", -1),
        ("SNDHWM", []),
        ("IMMEDIATE", 2),
        ("IPV6", True),
        ("TYPE", 1),
        ("POLLIN", 1),
    ],
)
def test_set_of_any_value(both, option, value):
    def scenario(side):
        sock, number = side.socket("DEALER"), getattr(side.zmq, option)
        return failure(sock.set, number, value), outcome(sock.get, number)

    both(scenario)


@pytest.mark.parametrize("option", [9999, -1, 0, "LINGER", None, 2**40, 17.5])
def test_get_and_set_of_unknown_options(both, option):
    both(
        lambda side: (
            failure(side.socket("DEALER").get, option),
            failure(side.socket("DEALER").set, option, 1),
        )
    )


@pytest.mark.parametrize(
    "option, value",
    [
        (zmq.ROUTING_ID, b"bytes"),
        (zmq.ROUTING_ID, 7),
        (zmq.LINGER, "7"),
        (9999, "text"),
    ],
)
def test_set_string_of_a_non_string(both, option, value):
    both(lambda side: failure(side.socket("DEALER").set_string, option, value))


@pytest.mark.parametrize("option", [zmq.LINGER, 9999, zmq.SUBSCRIBE])
def test_get_string_of_a_non_string_option(both, option):
    both(lambda side: failure(side.socket("DEALER").get_string, option))


def test_hwm_sets_both_marks(make):
    sock = make(zmq.PAIR)
    sock.hwm = 5
    assert (sock.sndhwm, sock.rcvhwm, sock.hwm, sock.get_hwm()) == (5, 5, 5, 5)
    sock.set_hwm(6)
    sock.rcvhwm = 7
    assert sock.get_hwm() == 6


def test_copy_threshold_is_pyzmqs(make):
    assert make(zmq.PAIR).copy_threshold == zmq.COPY_THRESHOLD
    sock = make(zmq.PAIR)
    sock.copy_threshold = 3
    assert sock.copy_threshold == 3


# -- subscriptions, which are methods and options --------------------------------------------

SUBSCRIBING = {
    "method": lambda sock, topic: sock.subscribe(topic),
    "text": lambda sock, topic: sock.subscribe(topic.decode()),
    "attribute": lambda sock, topic: setattr(sock, "subscribe", topic),
    "capitals": lambda sock, topic: setattr(sock, "SUBSCRIBE", topic),
    "text attribute": lambda sock, topic: setattr(sock, "subscribe", topic.decode()),
    "option": lambda sock, topic: sock.set(zmq.SUBSCRIBE, topic),
    "string": lambda sock, topic: sock.set_string(zmq.SUBSCRIBE, topic.decode()),
}


@pytest.mark.parametrize("subscribe", SUBSCRIBING.values(), ids=SUBSCRIBING)
def test_subscribe(bound, make, subscribe):
    publisher, subscriber = bound(zmq.XPUB), make(zmq.SUB)
    subscriber.connect(publisher.last_endpoint)
    subscribe(subscriber, b"topic")
    assert publisher.recv() == b"\1topic"
    subscriber.unsubscribe("topic")
    assert publisher.recv() == b"\0topic"
    subscribe(subscriber, b"topic")
    subscriber.unsubscribe = b"topic"
    assert publisher.recv_multipart() + publisher.recv_multipart() == [b"\1topic", b"\0topic"]


@pytest.mark.parametrize("kind", ["PUB", "PAIR", "XSUB", "SUB"])
def test_subscribe_on_a_type_that_cannot_subscribe(both, kind):
    both(
        lambda side: [
            failure(side.socket(kind).subscribe, b"x"),
            failure(side.socket(kind).unsubscribe, "x"),
            failure(setattr, side.socket(kind), "subscribe", b"x"),
            failure(side.socket(kind).subscribe, 7),
            failure(side.socket(kind).subscribe, None),
        ]
    )


@pytest.mark.parametrize("call", ["join", "leave"])
def test_groups_need_the_draft_api(both, call):
    assert both(lambda side: failure(getattr(side.socket("SUB"), call), "g"))[0] is RuntimeError


@pytest.mark.parametrize("keyword", [{"routing_id": 1}, {"group": "g"}])
def test_draft_arguments_of_send(both, keyword):
    both(
        lambda side: [
            failure(side.pair()[0].send, b"x", **keyword),
            failure(side.pair(endpoint="inproc://2")[0].send_multipart, [b"x"], **keyword),
            failure(side.pair(endpoint="inproc://3")[0].send_string, "x", **keyword),
            failure(side.pair(endpoint="inproc://4")[0].send_json, "x", **keyword),
        ]
    )


# -- options take effect -------------------------------------------------------------------


def test_rcvtimeo_and_sndtimeo_take_effect_at_once(make):
    sock = make(zmq.DEALER)
    for option, call in (("rcvtimeo", sock.recv), ("sndtimeo", lambda: sock.send(b"x"))):
        setattr(sock, option, 1)
        assert failure(call) == (zmq.Again, zmq.EAGAIN)
        setattr(sock, option, GUARD * 1000)


def test_last_endpoint_is_that_of_the_last_bind_or_connect(make):
    sock = make(zmq.DEALER)
    assert sock.last_endpoint == b""
    sock.bind("inproc://a")
    assert sock.last_endpoint == b"inproc://a"
    sock.connect("tcp://127.0.0.1:1")
    assert sock.get_string(zmq.LAST_ENDPOINT) == "tcp://127.0.0.1:1"


def test_events_show_which_calls_would_succeed(pair):
    push, pull = pair(zmq.PUSH, zmq.PULL, "inproc://events")
    assert push.events == push.get(zmq.EVENTS) == zmq.POLLOUT
    assert pull.events == 0
    push.send(b"x")
    assert pull.events == zmq.POLLIN
    pull.recv()
    assert pull.events == 0
