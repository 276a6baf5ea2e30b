"""Wrong types and values raise errors of the same class and errno as in pyzmq."""

import pickle

import pytest
from sidebyside import failure, outcome

import zlinkcompat as zmq

STRIDED = memoryview(b"aabbcc")[::2]
NO_DATA = ["text", 7, None, 1.5, [b"x"], {"a": 1}, object(), STRIDED]


def kinds(values):
    return [type(value).__name__ if value is not STRIDED else "strided" for value in values]


@pytest.mark.parametrize("data", NO_DATA, ids=kinds(NO_DATA))
@pytest.mark.parametrize(
    "options",
    [{}, {"copy": False}, {"copy": False, "track": True}],
    ids=["copy", "nocopy", "track"],
)
def test_unsendable_data(both, data, options):
    """If the data cannot be sent, nothing is sent, and the socket stays usable."""

    def scenario(side):
        one, other = side.pair()
        result = failure(one.send, data, **options)
        one.send(b"next")
        return result, other.recv_multipart()

    assert both(scenario)[0][0] in (TypeError, BufferError)


@pytest.mark.parametrize(
    "parts",
    [
        "text",
        ["text"],
        [b"x", None],
        [b"x", 7, b"y"],
        7,
        None,
        {b"a"},
        [[b"x"]],
        b"bytes",
        b"",
        pytest.param([b"x", STRIDED], id="strided"),
        "",
    ],
    ids=repr,
)
def test_unsendable_multipart_data(both, parts):
    def scenario(side):
        one, _other = side.pair()
        return failure(one.send_multipart, parts), failure(one.send_multipart, parts, copy=False)

    both(scenario)


@pytest.mark.parametrize(
    "call, thing",
    [
        ("send_string", b"bytes"),
        ("send_string", None),
        ("send_json", object()),
        ("send_json", {1, 2}),
        ("send_json", b"bytes"),
        ("send_pyobj", lambda: None),
        ("send_unicode", 7),
    ],
)
def test_objects_of_the_wrong_type(both, call, thing):
    def scenario(side):
        one, other = side.pair()
        return failure(getattr(one, call), thing), outcome(other.recv, side.zmq.NOBLOCK)

    both(scenario)


def test_unencodable_strings(both):
    def scenario(side):
        one, _other = side.pair()
        return (
            failure(one.send_string, "grüße", encoding="ascii"),
            failure(one.send_string, "x", encoding="no-such-encoding"),
        )

    assert both(scenario) == ((UnicodeEncodeError, None), (LookupError, None))


@pytest.mark.parametrize(
    "function", ["text", None, lambda thing: 1 // 0, lambda thing: "text", lambda thing: None]
)
def test_invalid_serializer(both, function):
    def scenario(side):
        one, other = side.pair()
        results = [failure(one.send_serialized, b"x", function)]
        one.send(b"x")
        results.append(failure(other.recv_serialized, function))
        return results

    both(scenario)


@pytest.mark.parametrize("flags", ["1", None])
@pytest.mark.parametrize("call", ["send", "recv", "send_multipart", "recv_multipart", "recv_into"])
def test_non_numeric_flags(both, flags, call):
    def scenario(side):
        one, other = side.pair()
        one.send(b"x")
        arguments = {"send": [b"x"], "send_multipart": [[b"x"]], "recv_into": [bytearray(3)]}
        sock = one if call.startswith("send") else other
        return failure(getattr(sock, call), *arguments.get(call, []), flags=flags)

    assert both(scenario)[0] is TypeError


@pytest.mark.parametrize(
    "call",
    [
        lambda sock: sock.send(),
        lambda sock: sock.send(b"x", 0, True, False, None, None, None),
        lambda sock: sock.send(b"x", nonsense=1),
        lambda sock: sock.recv(nonsense=1),
        lambda sock: sock.recv(0, True, False, 1),
        lambda sock: sock.bind(),
        lambda sock: sock.recv_into(),
        lambda sock: sock.recv_into(buffer=bytearray(1)),
        lambda sock: sock.recv_into(bytearray(1), 1),
        lambda sock: sock.get(),
        lambda sock: sock.set(1),
        lambda sock: sock.poll(1, 1, 1),
        lambda sock: sock.monitor(),
        lambda sock: sock.subscribe(),
        lambda sock: sock.bind_to_random_port(),
        lambda sock: sock.recv_serialized(),
    ],
)
def test_missing_or_excess_arguments(both, call):
    assert both(lambda side: failure(call, side.socket("DEALER"))) == (TypeError, None)


@pytest.mark.parametrize("port", ["nonsense", None, 1.5])
def test_invalid_ports(both, port):
    both(lambda side: failure(side.socket("PAIR").bind_to_random_port, "tcp://127.0.0.1", port))


@pytest.mark.parametrize("call", ["register", "modify", "unregister"])
@pytest.mark.parametrize("arguments", [([],), (None,), (7, "in"), ("text", 1), ()])
def test_pollers(both, call, arguments):
    """As in pyzmq, a Poller accepts most wrong objects, and raises only when it polls."""
    both(lambda side: failure(getattr(side.zmq.Poller(), call), *arguments))


@pytest.mark.parametrize("kind", ["SUB", "PULL"])
def test_send_on_a_type_that_cannot_send(both, kind):
    def scenario(side):
        sock = side.socket(kind)
        return [failure(sock.send, b"x", flags) for flags in (0, zmq.NOBLOCK, zmq.SNDMORE)]

    assert both(scenario) == 3 * [(zmq.ZMQError, zmq.ENOTSUP)]


@pytest.mark.parametrize("kind", ["PUB", "PUSH"])
def test_recv_on_a_type_that_cannot_receive(both, kind):
    def scenario(side):
        sock = side.socket(kind)
        return [failure(sock.recv, flags, copy) for flags in (0, zmq.NOBLOCK) for copy in (0, 1)]

    assert both(scenario) == 4 * [(zmq.ZMQError, zmq.ENOTSUP)]


def test_error_texts_equal_pyzmqs(both):
    def text(call, *args):
        try:
            call(*args)
        except Exception as error:
            return str(error)

    def scenario(side):
        one, _other = side.pair()
        return [
            text(one.send, "text"),
            text(one.recv, zmq.NOBLOCK),
            text(one.set, zmq.LINGER, "x"),
            text(one.set, zmq.ROUTING_ID, "x"),
            text(one.set, zmq.ROUTING_ID, 7),
            text(one.bind, 7),
            text(one.send_string, 7),
            text(side.zmq.Frame, "text"),
            text(side.context.set, zmq.IPV6, "x"),
            text(getattr, one, "nosuchoption"),
            text(side.zmq.zmq_poll, [("x", 1)], 0),
            text(one.send_multipart, [b"x", "text"]),
            text(one.get_string, zmq.LINGER),
        ]

    assert None not in both(scenario)


def test_error_has_an_errno_and_a_text(make):
    with pytest.raises(zmq.Again) as caught:
        make(zmq.PAIR).recv(zmq.NOBLOCK)
    error = caught.value
    assert error.errno == zmq.EAGAIN and error.strerror == zmq.strerror(zmq.EAGAIN) == str(error)
    assert isinstance(error, zmq.ZMQError) and isinstance(error, zmq.ZMQBaseError)


@pytest.mark.parametrize("kind", ["socket", "context", "frame"])
def test_sockets_contexts_and_frames_cannot_be_pickled(both, kind):
    def scenario(side):
        one, _other = side.pair()
        thing = {"socket": one, "context": one.context, "frame": side.zmq.Frame(b"x")}[kind]
        return failure(pickle.dumps, thing)

    assert both(scenario)[0] is TypeError
