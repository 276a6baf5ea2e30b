"""Every socket type that sends also sends messages frame by frame."""

import pytest

import zlinkcompat as zmq


def name(kind):
    return kind.name


BALANCED = pytest.mark.parametrize("kind", [zmq.PUSH, zmq.DEALER, zmq.PAIR], ids=name)


@BALANCED
def test_first_frame_is_refused_without_room(bench, kind):
    sock = bench(kind)
    assert not sock.pattern.begin(b"1")
    peer = sock.peer(hwm=1)
    assert sock.send_parts(b"1", b"2")
    assert not sock.pattern.begin(b"3")
    assert peer.received() == [[b"1", b"2"]]
    assert sock.send_parts(b"3", b"4") and peer.received() == [[b"3", b"4"]]


@BALANCED
@pytest.mark.parametrize("end", ["leave", "disconnect", "drop"])
def test_message_of_a_peer_that_ends_is_dropped(bench, kind, end):
    sock = bench(kind)
    peer = sock.peer()
    assert sock.pattern.begin(b"1")
    getattr(peer, end)()
    sock.pattern.finish([b"1", b"2"])
    second = sock.peer()
    assert sock.send_parts(b"3", b"4") and second.received() == [[b"3", b"4"]]


@pytest.mark.parametrize("kind", [zmq.PUSH, zmq.DEALER], ids=name)
def test_message_goes_to_another_peer_beyond_its_mark(bench, kind):
    sock = bench(kind)
    peers = [sock.peer(hwm=1), sock.peer(hwm=1)]
    assert sock.send_parts(b"1", b"x")
    assert sock.pattern.begin(b"2")
    full = peers[0] if peers[0].far.check_read() else peers[1]
    other = peers[1] if full is peers[0] else peers[0]
    other.leave()
    sock.pattern.finish([b"2", b"y"])
    assert full.received() == [[b"1", b"x"], [b"2", b"y"]]


@BALANCED
def test_lowered_mark_does_not_refuse_a_begun_message(bench, kind):
    sock = bench(kind)
    peer = sock.peer(hwm=2)
    sock.pattern.send(b"0")
    assert sock.pattern.begin(b"1")
    peer.near.set_high_water_marks(1, 1)
    sock.pattern.finish([b"1", b"2"])
    assert peer.received() == [b"0", [b"1", b"2"]]


def test_request_is_sent_once_begun(bench):
    sock = bench(zmq.REQ)
    assert not sock.pattern.begin(b"1")
    peer = sock.peer()
    assert sock.pattern.begin(b"1")
    peer.leave()
    sock.pattern.finish([b"1", b"2"])
    with pytest.raises(zmq.ZMQError) as caught:
        sock.pattern.begin(b"3")
    assert caught.value.errno == zmq.EFSM


@pytest.mark.parametrize("mandatory", [0, 1])
def test_router_without_room(bench, mandatory):
    sock = bench(zmq.ROUTER)
    sock.pattern.set_option(zmq.ROUTER_MANDATORY, mandatory)
    peer = sock.peer(b"peer", hwm=1)
    assert sock.send_parts(b"peer", b"1")
    # The whole message is dropped, even if room appears before its last frame.
    assert sock.pattern.begin(b"peer") == (not mandatory)
    assert peer.received() == [b"1"]
    if mandatory:
        assert sock.pattern.begin(b"peer")
    sock.pattern.finish([b"peer", b"2"])
    assert peer.received() == ([b"2"] if mandatory else [])


@pytest.mark.parametrize("nodrop", [0, 1])
def test_publisher_without_room(bench, nodrop):
    sock = bench(zmq.XPUB)
    sock.pattern.set_option(zmq.XPUB_NODROP, nodrop)
    peers = [sock.peer(hwm=hwm).subscribe(b"a") for hwm in (1, 2)]
    assert sock.send_parts(b"a", b"1")
    assert sock.pattern.begin(b"a") == (not nodrop)
    assert peers[0].received() == [[b"a", b"1"]]
    if nodrop:
        assert sock.pattern.begin(b"a")
    sock.pattern.finish([b"a", b"2"])
    assert peers[0].received() == ([[b"a", b"2"]] if nodrop else [])
    assert peers[1].received() == [[b"a", b"1"], [b"a", b"2"]]


def test_publisher_removes_a_subscriber_that_ends(bench):
    sock = bench(zmq.XPUB)
    peers = [sock.peer().subscribe(b"a") for _ in range(2)]
    assert sock.pattern.begin(b"a")
    peers[0].leave()
    sock.pattern.finish([b"a", b"1"])
    assert peers[1].received() == [[b"a", b"1"]]


def test_publisher_without_a_loop_removes_all_topics_at_once(bench):
    sock = bench(zmq.XPUB, rcvhwm=0)
    peer = sock.peer(hwm=0)
    for number in range(3000):
        peer.subscribe(b"%d" % number)
    assert sock.pattern.get_option(zmq.TOPICS_COUNT) == 3000
    peer.leave()
    assert sock.pattern.get_option(zmq.TOPICS_COUNT) == 0


def test_receivers_of_one_list_do_not_share_it(bench):
    sock = bench(zmq.XPUB)
    peers = [sock.peer().subscribe(b"a") for _ in range(2)]
    assert sock.send_parts(b"a", b"1")
    one, other = (peer.received()[0] for peer in peers)
    assert one == other and one is not other
