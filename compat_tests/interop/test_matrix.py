"""Messages of every valid pair arrive unchanged over tcp and ipc, whichever end is libzmq.

Over tcp this is also tested with PLAIN and CURVE, where the end that binds is the server.
"""

import pytest

from compat_tests.interop.driver import await_route, connect
from compat_tests.interop.messages import SHAPES, expected
from compat_tests.interop.pairs import MECHANISMS, PAIRS, placements
from compat_tests.libraries import OURS, REFERENCE


def libzmq_fails(pair, mechanism, left, binder):
    """Return whether this case fails because of a known defect of libzmq's REQ.

    If the ZAP handler of a bound libzmq REQ returns a user id, the REQ takes the user id for a part
    of the first reply, and drops the connection (``req.cpp: req_session_t::push_msg``).
    """
    return mechanism and pair.left == "REQ" and left == REFERENCE and binder == "left"


CASES = [
    pytest.param(
        pair,
        transport,
        mechanism,
        *placement,
        id="-".join([pair.name, transport, *filter(None, [mechanism]), *placement]),
    )
    for pair in PAIRS
    for transport, mechanism in (
        ("tcp", None),
        ("ipc", None),
        *(("tcp", mechanism) for mechanism in MECHANISMS),
    )
    for placement in placements(pair, REFERENCE, OURS)
    if not libzmq_fails(pair, mechanism, placement[0], placement[2])
]
COUNT = len(SHAPES)


@pytest.fixture
def ends(peer, address, pair, transport, mechanism, left, right, binder):
    left, right = peer("left", left), peer("right", right)
    connect(left, right, pair, binder, address(transport), security=MECHANISMS.get(mechanism))
    return left, right


@pytest.mark.parametrize("pair, transport, mechanism, left, right, binder", CASES)
def test_messages_arrive_unchanged(ends, pair):
    FLOWS[pair.flow](*ends, pair)


def one_way(sender, receiver, salt, prefix=(), envelope=0):
    receiver.start("recv_digests", COUNT, envelope=envelope)
    sender.run("send_shapes", salt, prefix=prefix)
    assert receiver.finish() == expected(salt)


def oneway(left, right, pair):
    if pair.left in ("PUB", "XPUB"):
        await_route(left, right)
    one_way(left, right, "there")


def bothways(left, right, pair):
    if pair.left == "XPUB":
        await_route(left, right)
        assert left.run("recv_parts", 1) == [["\1"]]
    one_way(left, right, "there")
    one_way(right, left, "back")


def request(left, right, pair):
    right.start("echo", COUNT, envelope=pair.envelope)
    answers = left.run("request_shapes", "there", delimiter=pair.delimiter)
    assert right.finish() == expected("there")
    assert answers == expected("there")


def routed(left, right, pair):
    await_route(left, right, prefix=["right"])
    await_route(right, left, prefix=["left"])
    one_way(left, right, "there", prefix=["right"], envelope=1)
    one_way(right, left, "back", prefix=["left"], envelope=1)


FLOWS = {"oneway": oneway, "bothways": bothways, "request": request, "routed": routed}
