"""TCP_ACCEPT_FILTER and IPC_FILTER_* close a peer that does not pass, before reading from it."""

import os

import pytest
from watching import E

import zlinkcompat as zmq
from zlinkcompat.transports import tcp_filter

ELSEWHERE = 2**31 - 1  # no process and no user of this machine has this id


def is_let_in(sock, make, monitor):
    watched = monitor(sock, E.ACCEPTED | E.ACCEPT_FAILED)
    push = make(zmq.PUSH, reconnect_ivl=-1, linger=0)
    push.connect(sock.last_endpoint)
    if watched.next()[0] == E.ACCEPT_FAILED:
        return False
    push.send(b"in")
    assert sock.recv() == b"in"
    return True


@pytest.mark.parametrize(
    "filters, let_in",
    [
        ((), True),
        ((b"127.0.0.1",), True),
        ((b"127.0.0.1/32",), True),
        ((b"127.0.0.2",), False),
        ((b"127.0.0.2/8",), True),
        ((b"10.0.0.0/8",), False),
        ((b"10.0.0.0/8", b"127.0.0.0/30"), True),
        ((b"0.0.0.0/0",), True),
    ],
)
@pytest.mark.parametrize("transport", ["tcp", "ws"])
def test_tcp_filter_accepts_matching_peers(bound, make, monitor, filters, let_in, transport):
    sock = make(zmq.PULL)
    for each in filters:
        sock.set(zmq.TCP_ACCEPT_FILTER, each)
    sock.bind(f"{transport}://127.0.0.1:*")
    assert is_let_in(sock, make, monitor) == let_in


@pytest.mark.parametrize(
    "text, let_in",
    [
        (b"127.0.0.1", True),
        (b"10.0.0.0/8", False),
        (b"127.0.0.0/8", True),
        (b"::1", False),
        (b"::/0", True),
        (b"::ffff:127.0.0.0/104", True),
        (b"::ffff:10.0.0.0/104", False),
    ],
)
def test_tcp_filter_with_ipv4_mapped_peers(make, monitor, text, let_in):
    sock = make(zmq.PULL, ipv6=1)
    sock.set(zmq.TCP_ACCEPT_FILTER, text)
    sock.bind("tcp://[::ffff:127.0.0.1]:*")
    assert is_let_in(sock, make, monitor) == let_in


def test_filter_applies_to_later_binds_only(make, monitor):
    sock = make(zmq.PULL)
    sock.bind("tcp://127.0.0.1:*")
    sock.set(zmq.TCP_ACCEPT_FILTER, b"10.0.0.0/8")
    assert is_let_in(sock, make, monitor)


@pytest.mark.parametrize("text", ["", "*", "localhost", "1/33", "1/x", "1/", "1/-1", "::1"])
def test_invalid_filter_is_refused(text):
    with pytest.raises(ValueError):
        tcp_filter.parse_filter(text, False)


MINE = {"PID": os.getpid(), "UID": os.getuid(), "GID": os.getgid()}


@pytest.mark.parametrize(
    "filters, let_in",
    [
        *[({name: value}, True) for name, value in MINE.items()],
        *[({name: ELSEWHERE}, False) for name in MINE],
        ({"PID": ELSEWHERE, "UID": MINE["UID"]}, True),
        ({"PID": ELSEWHERE, "GID": ELSEWHERE}, False),
    ],
    ids=lambda each: "-".join(each) if isinstance(each, dict) else None,
)
def test_ipc_filter_accepts_matching_peers(make, monitor, endpoint_of, filters, let_in):
    sock = make(zmq.PULL)
    for name, value in filters.items():
        sock.set(zmq.SocketOption[f"IPC_FILTER_{name}"], value)
    sock.bind(endpoint_of("ipc"))
    assert is_let_in(sock, make, monitor) == let_in


def test_ipc_filter_accepts_groups_of_the_peers_user(make, monitor, endpoint_of, monkeypatch):
    import grp
    import pwd

    class Group:
        gr_mem = [pwd.getpwuid(os.getuid()).pw_name]

    monkeypatch.setattr(grp, "getgrgid", {ELSEWHERE: Group}.__getitem__)
    for gid, let_in in ((ELSEWHERE, True), (ELSEWHERE - 1, False)):
        sock = make(zmq.PULL)
        sock.set(zmq.IPC_FILTER_GID, gid)
        sock.bind(endpoint_of("ipc") + str(gid))
        assert is_let_in(sock, make, monitor) == let_in
