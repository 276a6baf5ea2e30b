"""Subscriptions and cancellations of one library take effect on the other."""

import pytest

from compat_tests.interop.driver import await_route, connect
from compat_tests.interop.pairs import PUBLISHING, placements
from compat_tests.libraries import OURS, REFERENCE

CASES = [
    pytest.param(pair, transport, *placement, id="-".join([pair.name, transport, *placement]))
    for pair in PUBLISHING
    for transport in ("tcp", "ipc")
    for placement in placements(pair, REFERENCE, OURS)
]


@pytest.mark.parametrize("pair, transport, left, right, binder", CASES)
def test_subscriptions_and_cancellations(peer, address, pair, transport, left, right, binder):
    left, right = peer("left", left), peer("right", right)
    connect(left, right, pair, binder, address(transport), subscription="ready")

    def subscribe(topic):
        change(1, "subscribe", topic)

    def cancel(topic):
        change(0, "unsubscribe", topic)

    def change(flag, method, topic):
        if pair.right == "XSUB":
            right.run("send_parts", [chr(flag) + topic])
        else:
            right.run("call", method, topic)
        if pair.left == "XPUB":
            assert left.run("recv_parts", 1) == [[chr(flag) + topic]]

    def published(*topics):
        """Publish `topics`; return those that arrive, among which the last must be."""
        left.run("send_parts", *[[t, "x"] for t in topics])
        seen = []
        while topics[-1] not in seen:
            [[topic, _]] = right.run("recv_parts", 1)
            seen.append(topic)
        return seen

    # A bound libzmq socket learns of a new connection only in its own calls. Sending probes makes
    # such calls, so the XPUB can then report the first subscription.
    await_route(left, right, topic="ready")
    if pair.left == "XPUB":
        assert left.run("recv_parts", 1) == [["\1ready"]]
    subscribe("a")
    subscribe("bb")
    subscribe("sync1")
    await_route(left, right, topic="sync1")
    assert published("b", "c", "bb", "bbb", "", "a") == ["bb", "bbb", "a"]

    cancel("bb")
    subscribe("sync2")
    await_route(left, right, topic="sync2")
    assert published("bb", "bbb", "aa") == ["aa"]

    subscribe("bb")
    cancel("a")
    subscribe("sync3")
    await_route(left, right, topic="sync3")
    assert published("aa", "a", "bb") == ["bb"]
