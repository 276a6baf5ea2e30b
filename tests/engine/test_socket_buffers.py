"""``debug.connections`` reports the sizes of a connection's kernel buffers."""

import logging
import socket

import pytest

import zlinkcompat as zmq
from zlinkcompat import tuning
from zlinkcompat.debug import connections


def granted(option, size):
    """Return the buffer size that the kernel sets when ``size`` is requested."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, option, size)
        return sock.getsockopt(socket.SOL_SOCKET, option)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in ("ZLINK_SOCKET_BUFFERS", "ZLINK_TCP_NODELAY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def two_ends(bound, make, endpoint_of):
    """``two_ends("tcp", sndbuf=1000)`` connects two sockets.

    It returns the reports of the accepted and of the connecting end.
    """

    def two_ends(transport="tcp", chosen=(), **options):
        endpoint = endpoint_of(transport)
        server, client = make(zmq.PULL, **options), make(zmq.PUSH, **options)
        for each in (server, client):
            for option, value in chosen:
                each.setsockopt(option, value)
        server.bind(endpoint)
        client.connect(server.last_endpoint.decode())
        client.send(b"x")
        assert server.recv() == b"x"
        (accepted,), (connected,) = connections(server), connections(client)
        assert accepted["endpoint"] == server.last_endpoint.decode() == connected["endpoint"]
        assert accepted["fd"] != connected["fd"]
        assert (server.sndbuf, server.rcvbuf) == (
            options.get("sndbuf", -1),
            options.get("rcvbuf", -1),
        )
        return accepted, connected

    return two_ends


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def test_local_connection_sets_the_send_buffer(two_ends, transport):
    for end in two_ends(transport):
        assert end["sndbuf"] == granted(socket.SO_SNDBUF, tuning.LOCAL_BUFFER)


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
@pytest.mark.parametrize("option", [tuning.SOCKET_BUFFERS, None], ids=["option", "environment"])
def test_zero_leaves_both_buffers_to_the_kernel(two_ends, monkeypatch, transport, option):
    if option is None:
        monkeypatch.setenv("ZLINK_SOCKET_BUFFERS", "0")
    for end in two_ends(transport, [(option, 0)] if option else ()):
        assert end["sndbuf"] != granted(socket.SO_SNDBUF, tuning.LOCAL_BUFFER)


def test_size_applies_to_both_tcp_buffers(two_ends):
    for end in two_ends("tcp", [(tuning.SOCKET_BUFFERS, 300_000)]):
        assert end["sndbuf"] == granted(socket.SO_SNDBUF, 300_000)
        assert end["rcvbuf"] == granted(socket.SO_RCVBUF, 300_000)


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
@pytest.mark.parametrize("size", [-1, 524288])
def test_sndbuf_of_the_user_wins(two_ends, transport, size):
    for end in two_ends(transport, [(tuning.SOCKET_BUFFERS, size)], sndbuf=20_000):
        assert end["sndbuf"] == granted(socket.SO_SNDBUF, 20_000)


def test_rcvbuf_of_the_user_wins(two_ends):
    for end in two_ends("tcp", [(tuning.SOCKET_BUFFERS, 300_000)], rcvbuf=20_000):
        assert end["rcvbuf"] == granted(socket.SO_RCVBUF, 20_000)
        assert end["sndbuf"] == granted(socket.SO_SNDBUF, 300_000)


@pytest.mark.parametrize("value", [0, 1])
def test_nodelay_is_switchable(two_ends, value):
    for end in two_ends("tcp", [(tuning.TCP_NODELAY, value)]):
        assert end["nodelay"] is bool(value)


def test_ipc_has_no_nodelay(two_ends):
    assert [end["nodelay"] for end in two_ends("ipc")] == [None, None]


def test_effective_sizes_are_logged(two_ends, caplog):
    with caplog.at_level(logging.DEBUG, "zlinkcompat"):
        accepted, connected = two_ends()
    lines = [record.getMessage() for record in caplog.records]
    for end in (accepted, connected):
        assert (
            sum(
                f"'sndbuf': {end['sndbuf']}" in line and f"'fd': {end['fd']}" in line
                for line in lines
            )
            == 1
        )
