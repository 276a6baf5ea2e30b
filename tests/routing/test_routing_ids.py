"""A ROUTER handles peers that have, had or request the same routing id."""

import pytest

import zlinkcompat as zmq


@pytest.fixture
def router(bench):
    def router(**options):
        sock = bench(zmq.ROUTER)
        for option, value in options.items():
            sock.pattern.set_option(getattr(zmq, option.upper()), value)
        return sock

    return router


def test_handover_delivers_the_unread_messages_first(router):
    sock = router(router_handover=1)
    old = sock.peer(b"me").send(b"1", [b"2", b"two"])
    new = sock.peer(b"me").send(b"3")
    messages = sock.received()
    assert [message[1:] for message in messages] == [[b"1"], [b"2", b"two"], [b"3"]]
    # The messages of the first peer have a new id, so that no reply goes to the wrong peer.
    assert messages[0][0] == messages[1][0] != b"me" and messages[2][0] == b"me"
    sock.pattern.send([messages[0][0], b"reply"])
    sock.pattern.send([b"me", b"to the new"])
    assert old.received() == [] and new.received() == [b"to the new"]


def test_handover_after_the_old_peer_left(router):
    sock = router(router_handover=1)
    sock.peer(b"me").send(b"1", b"2").leave()
    sock.peer(b"me").send(b"3")
    assert [message[1] for message in sock.received()] == [b"1", b"2", b"3"]
    assert len(sock.gone) == 1 and len(sock.pattern.pipes) == 1


def test_old_peer_does_not_take_the_id_back(router):
    sock = router(router_handover=1)
    old = sock.peer(b"me")
    new = sock.peer(b"me")
    for _ in range(3):
        old.send(b"from the old")
        new.send(b"from the new")
        assert sock.received() == [[b"me", b"from the new"]]
        sock.pattern.send([b"me", b"x"])
        assert new.received() == [b"x"] and old.received() == []
    assert old.ended == 0


def test_old_peer_is_served_after_the_new_one_left(router):
    sock = router(router_handover=1)
    old, new = sock.peer(b"me"), sock.peer(b"me")
    old.send(b"waits")
    new.send(b"x").leave()
    assert sock.received() == [[b"me", b"x"], [b"me", b"waits"]]
    sock.pattern.send([b"me", b"back"])
    assert old.received() == [b"back"]


def test_chain_of_handovers_keeps_the_order(router):
    sock = router(router_handover=1)
    peers = []
    for number in range(4):
        peers.append(sock.peer(b"me").send(b"%d" % number))
    assert [message[1] for message in sock.received()] == [b"0", b"1", b"2", b"3"]
    for peer in peers:
        peer.leave()
    sock.received()
    assert sock.pattern.pipes == [] and len(sock.gone) == 4


def test_handover_keeps_messages_of_other_peers(router):
    sock = router(router_handover=1)
    other = sock.peer(b"other").send(b"other")
    sock.peer(b"me").send(b"1")
    sock.peer(b"me")
    assert sorted(message[1] for message in sock.received()) == [b"1", b"other"]
    assert other.ended == 0


def test_second_peer_waits_until_the_id_is_free(router):
    sock = router()
    first = sock.peer(b"me").send(b"first")
    second, third = sock.peer(b"me").send(b"second"), sock.peer(b"me").send(b"third")
    assert sock.received() == [[b"me", b"first"]]
    first.leave()
    assert sock.received() == [[b"me", b"second"]]
    second.leave()
    assert sock.received() == [[b"me", b"third"]]
    sock.pattern.send([b"me", b"x"])
    assert third.received() == [b"x"]


@pytest.mark.parametrize("end", ["leave", "disconnect"])
def test_second_peer_waits_for_unread_messages_of_the_first(router, end):
    sock = router()
    first = sock.peer(b"me").send(b"1")
    getattr(first, end)()
    sock.peer(b"me").send(b"2")
    assert sock.received() == [[b"me", b"1"], [b"me", b"2"]]


@pytest.mark.parametrize("end", ["leave", "disconnect", "drop"])
def test_waiting_second_peer_may_leave(router, end):
    sock = router()
    first = sock.peer(b"me")
    waiting, third = sock.peer(b"me").send(b"lost"), sock.peer(b"me")
    getattr(waiting, end)()
    first.drop()
    third.send(b"3")
    assert sock.received() == [[b"me", b"3"]]


def test_peer_that_gets_its_id_later(router):
    sock = router()
    peer = sock.peer(b"", named=False, locally_initiated=True).send(b"x")
    assert sock.received() == []
    peer.near.named = True
    peer.near.routing_id = b"late"
    sock.pattern.identified(peer.near)
    assert sock.received() == [[b"late", b"x"]]


def test_begun_message_does_not_go_to_a_new_peer_of_that_id(router):
    sock = router()
    first, second = sock.peer(b"me"), sock.peer(b"me")
    assert sock.pattern.begin(b"me")
    first.leave()
    sock.pattern.finish([b"me", b"for the first"])
    assert second.received() == []
    assert sock.send_parts(b"me", b"x") and second.received() == [b"x"]


def test_stream_reports_the_id_of_its_latest_peer(bench):
    sock = bench(zmq.STREAM)
    for _ in range(2):
        peer = sock.peer()
        assert sock.options.routing_id == peer.near.routing_id != b""
    sock.pattern.set_option(zmq.CONNECT_ROUTING_ID, b"named")
    before = sock.options.routing_id
    assert sock.peer(locally_initiated=True).near.routing_id == b"named"
    assert sock.options.routing_id == before
