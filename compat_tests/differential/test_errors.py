"""The error classes are the same, and so are the errors of sending and receiving."""

import pytest

from compat_tests.differential.kinds import CANNOT_RECEIVE, KINDS
from compat_tests.differential.outcome import errors, outcome
from compat_tests.libraries import OURS, REFERENCE, load

CLASSES = (
    "ZMQError",
    "Again",
    "ContextTerminated",
    "NotDone",
    "ZMQBindError",
    "ZMQVersionError",
    "ZMQBaseError",
    "InterruptedSystemCall",
)


@pytest.mark.parametrize("name", CLASSES)
def test_error_classes_are_pyzmqs_own(name):
    reference = load(REFERENCE)
    where = reference if hasattr(reference, name) else reference.error
    ours = load(OURS)
    where_ours = ours if hasattr(reference, name) else ours.error
    assert getattr(where_ours, name) is getattr(where, name)


def test_error_numbers_and_constants_are_equal():
    reference, ours = load(REFERENCE), load(OURS)
    names = [n for n in reference.constants.__all__ if hasattr(reference, n)]
    assert len(names) > 150
    different = [n for n in names if getattr(ours, n, None) != getattr(reference, n)]
    assert different == []


def test_strerror(both):
    both(
        lambda b: [
            b.zmq.strerror(getattr(b.zmq, n))
            for n in ("EAGAIN", "EFSM", "ETERM", "EMTHREAD", "EINVAL", "EHOSTUNREACH")
        ]
    )


@pytest.mark.parametrize("kind", [k for k in KINDS if k not in CANNOT_RECEIVE + ("REQ",)])
@pytest.mark.parametrize("way", ["NOBLOCK", "RCVTIMEO"])
def test_again_from_recv(both, kind, way):
    def scenario(bench):
        sock = bench.socket(kind, rcvtimeo=20, bind="tcp://127.0.0.1:*")
        flags = bench.zmq.NOBLOCK if way == "NOBLOCK" else 0
        return (
            outcome(sock.recv, flags),
            outcome(sock.recv_multipart, flags),
            outcome(sock.recv, flags, copy=False),
            outcome(sock.recv_json, flags),
        )

    result = both(scenario)
    assert {r[0] for r in result} <= {"Again", "ZMQError"}


@pytest.mark.parametrize("kind", ["PAIR", "REQ", "DEALER", "PUSH"])
@pytest.mark.parametrize("way", ["NOBLOCK", "SNDTIMEO"])
def test_again_from_send(both, kind, way):
    def scenario(bench):
        sock = bench.socket(kind, sndtimeo=20, bind="tcp://127.0.0.1:*")
        flags = bench.zmq.NOBLOCK if way == "NOBLOCK" else 0
        return (
            outcome(sock.send, b"x", flags),
            outcome(sock.send_multipart, [b"x", b"y"], flags),
            outcome(sock.send, b"x", flags, copy=False),
        )

    assert both(scenario)[0][0] == "Again"


@pytest.mark.parametrize("kind", ["PAIR", "DEALER", "PUSH"])
def test_again_at_the_high_water_mark(both, kind):
    def scenario(bench):
        sock = bench.socket(kind, sndhwm=3, connect="tcp://127.0.0.1:1")
        return [outcome(sock.send, b"x", bench.zmq.NOBLOCK) for _ in range(5)]

    assert [r[0] for r in both(scenario)] == 3 * ["returned"] + 2 * ["Again"]


@pytest.mark.parametrize("kind", ["ROUTER", "STREAM"])
def test_unroutable(both, kind):
    def scenario(bench):
        sock = bench.socket(kind, bind="tcp://127.0.0.1:*")
        silent = outcome(sock.send_multipart, [b"nobody", b"x"], bench.zmq.NOBLOCK)
        sock.set(bench.zmq.ROUTER_MANDATORY, 1) if kind == "ROUTER" else None
        loud = outcome(sock.send_multipart, [b"nobody", b"x"], bench.zmq.NOBLOCK)
        again = outcome(sock.send_multipart, [b"nobody", b"x"], bench.zmq.NOBLOCK)
        return silent, loud, again, bench.zmq.EHOSTUNREACH

    _, loud, _, unreachable = both(scenario)
    assert loud == ("ZMQError", unreachable)


def test_mandatory_router_at_the_high_water_mark(both):
    def scenario(bench):
        router = bench.socket(
            "ROUTER", sndhwm=2, router_mandatory=1, sndtimeo=20, bind="inproc://x"
        )
        dealer = bench.socket("DEALER", rcvhwm=1, routing_id=b"d", connect="inproc://x")
        message = [b"d", b"x"]
        results = [outcome(router.send_multipart, message) for _ in range(8)]
        last = outcome(router.send_multipart, message, bench.zmq.NOBLOCK)
        assert not dealer.closed
        return results, last

    assert both(scenario)[1][0] == "Again"


def test_things_that_cannot_be_sent(both):
    def scenario(bench):
        one, other = bench.pair("PAIR", "PAIR")
        return [
            *errors(*[lambda x=x: one.send(x) for x in ("text", 7, None, [b"x"], 1.5)]),
            *errors(*[lambda x=x: one.send_multipart(x) for x in (["text"], 7, [None], [b"x", 7])]),
            *errors(lambda: one.send_string(b"bytes"), lambda: one.send_json(object())),
            outcome(other.recv, bench.zmq.NOBLOCK)[0],
        ]

    both(scenario)


def test_recv_that_cannot_be_decoded(both):
    def scenario(bench):
        one, other = bench.pair("PAIR", "PAIR")
        for data in (b"\xff", b"{", b"not a pickle", b"one", b"two"):
            one.send(data)
        return errors(other.recv_string, other.recv_json, other.recv_pyobj) + [other.recv()]

    assert both(scenario)[-1] == b"one"
