"""Options are set on file descriptors: we read them from those that the monitor reports."""

import errno
import os
import struct

import pytest
from gevent import socket
from rawpeer import message
from watching import E

import zlinkcompat as zmq

SOL, TCP, IP, IPV6 = (
    socket.SOL_SOCKET, socket.IPPROTO_TCP, socket.IPPROTO_IP, socket.IPPROTO_IPV6)  # fmt: skip

#: Maps a name to our option with its value, the kernel's option, and the value it then reports.
OPTIONS = {
    "sndbuf": (dict(sndbuf=20000), SOL, socket.SO_SNDBUF, 40000),  # the kernel doubles the value
    "rcvbuf": (dict(rcvbuf=30000), SOL, socket.SO_RCVBUF, 60000),
    "tos": (dict(tos=0x28), IP, socket.IP_TOS, 0x28),
    "priority": (dict(priority=3), SOL, socket.SO_PRIORITY, 3),
    "keepalive": (dict(tcp_keepalive=1), SOL, socket.SO_KEEPALIVE, 1),
    "no-keepalive": (dict(tcp_keepalive=0), SOL, socket.SO_KEEPALIVE, 0),
    "keepalive-cnt": (
        dict(tcp_keepalive=1, tcp_keepalive_cnt=4), TCP, socket.TCP_KEEPCNT, 4),
    "keepalive-idle": (
        dict(tcp_keepalive=1, tcp_keepalive_idle=11), TCP, socket.TCP_KEEPIDLE, 11),
    "keepalive-intvl": (
        dict(tcp_keepalive=1, tcp_keepalive_intvl=7), TCP, socket.TCP_KEEPINTVL, 7),
    "maxrt": (dict(tcp_maxrt=5000), TCP, socket.TCP_USER_TIMEOUT, 5000),
    "nodelay": ({}, TCP, socket.TCP_NODELAY, 1),
}  # fmt: skip


def look_up(fd, level, option):
    """Return an option of a descriptor, without closing the descriptor."""
    with socket.fromfd(fd, socket.AF_INET, socket.SOCK_STREAM) as sock:
        return sock.getsockopt(level, option)


@pytest.fixture
def descriptors(bound, make, monitor):
    """``descriptors(tos=8)`` returns the descriptors of our accepted and our connecting end."""

    def descriptors(endpoint="tcp://127.0.0.1:*", **options):
        server = bound(zmq.PULL, endpoint, **options)
        client = make(zmq.PUSH, **options)
        accepted, connected = monitor(server), monitor(client)
        client.connect(server.last_endpoint.decode())
        client.send(b"x")
        assert server.recv() == b"x"
        return accepted.wait_for(E.ACCEPTED), connected.wait_for(E.CONNECTED)

    return descriptors


@pytest.mark.parametrize("name", OPTIONS)
def test_option_is_set_on_both_ends(name, descriptors):
    options, level, option, expected = OPTIONS[name]
    assert [look_up(fd, level, option) for fd in descriptors(**options)] == [expected] * 2


def test_tos_of_ipv6(descriptors):
    for fd in descriptors("tcp://[::1]:*", ipv6=1, tos=0x28):
        assert look_up(fd, IPV6, socket.IPV6_TCLASS) == 0x28


def test_defaults_are_those_of_the_kernel(descriptors):
    with socket.socket() as fresh:
        for option in (socket.SO_KEEPALIVE, socket.SO_PRIORITY):
            for fd in descriptors():
                assert look_up(fd, SOL, option) == fresh.getsockopt(SOL, option)


def test_descriptors_are_not_inherited(descriptors):
    assert not any(os.get_inheritable(fd) for fd in descriptors())


def test_event_reports_the_descriptor_of_the_listener(make, monitor):
    sock = make(zmq.PULL, sndbuf=20000)
    events = monitor(sock)
    sock.bind("tcp://127.0.0.1:*")
    fd = events.wait_for(E.LISTENING)
    assert look_up(fd, SOL, socket.SO_ACCEPTCONN) == 1
    # The engine has to set this before listen(): the kernel chooses the window scale of an accepted
    # connection by the buffer size that the connection inherits.
    assert look_up(fd, SOL, socket.SO_SNDBUF) == 40000
    assert not os.get_inheritable(fd)


def test_options_are_read_at_bind_and_connect(bound, make, monitor, raw):
    sock = bound(zmq.PULL, tos=0x28)
    sock.tos = 0x10
    events = monitor(sock)
    raw(sock.last_endpoint)
    assert look_up(events.wait_for(E.ACCEPTED), IP, socket.IP_TOS) == 0x28


def test_options_apply_after_a_reconnect(make, raw_listener, monitor):
    listener = raw_listener()
    sock = make(zmq.PUSH, tos=0x28, reconnect_ivl=1)
    events = monitor(sock)
    sock.connect(listener.endpoint)
    for _ in range(2):
        peer = listener.accept()
        assert look_up(events.wait_for(E.CONNECTED), IP, socket.IP_TOS) == 0x28
        peer.close()


def test_backlog_reaches_the_kernel(make, monitor):
    """The kernel reports the backlog of a listener in TCP_INFO (``ss`` shows it as Send-Q)."""
    sock = make(zmq.PULL, backlog=7)
    events = monitor(sock)
    sock.bind("tcp://127.0.0.1:*")
    with socket.fromfd(events.wait_for(E.LISTENING), socket.AF_INET, socket.SOCK_STREAM) as own:
        info = own.getsockopt(TCP, socket.TCP_INFO, 104)
    assert struct.unpack_from("I", info, 28)[0] == 7  # tcpi_sacked


# -- USE_FD --------------------------------------------------------------------------------


def listening_fd(family, name):
    with socket.socket(family) as made:
        made.bind(name)
        made.listen()
        return made.detach()


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def test_use_fd(transport, make, raw, tmp_path, monitor):
    """bind() uses the given listening socket, as from systemd, and ignores the endpoint."""
    if transport == "tcp":
        fd = listening_fd(socket.AF_INET, ("127.0.0.1", 0))
        with socket.fromfd(fd, socket.AF_INET, socket.SOCK_STREAM) as made:
            endpoint = "tcp://127.0.0.1:%d" % made.getsockname()[1]
    else:
        fd = listening_fd(socket.AF_UNIX, f"{tmp_path}/socket")
        endpoint = f"ipc://{tmp_path}/socket"
    sock = make(zmq.PULL, use_fd=fd)
    events = monitor(sock)
    sock.bind("tcp://127.0.0.1:9999" if transport == "tcp" else f"ipc://{tmp_path}/other")
    assert sock.last_endpoint.decode() == endpoint
    assert events.next() == (E.LISTENING, fd, endpoint)
    peer = raw(endpoint)
    peer.handshake(b"PUSH")
    peer.send(message(b"x"))
    assert sock.recv() == b"x"
    sock.close()
    with pytest.raises(OSError):  # the socket has closed the descriptor, which it owns since bind()
        os.fstat(fd)


def test_use_fd_must_be_a_socket(make, tmp_path):
    with open(tmp_path / "file", "w") as file:
        sock = make(zmq.PULL, use_fd=file.fileno())
        with pytest.raises(zmq.ZMQError) as caught:
            sock.bind("tcp://127.0.0.1:*")
        assert caught.value.errno == zmq.ENOTSOCK


# -- BINDTODEVICE --------------------------------------------------------------------------


@pytest.fixture
def may_bind_to_devices():
    with socket.socket() as probe:
        try:
            probe.setsockopt(SOL, socket.SO_BINDTODEVICE, b"lo")
        except PermissionError:
            return False
        return True


def test_bindtodevice(may_bind_to_devices, descriptors):
    if not may_bind_to_devices:
        with pytest.raises(zmq.ZMQError) as caught:
            descriptors(bindtodevice=b"lo")
        assert caught.value.errno == errno.EPERM
        return
    for fd in descriptors(bindtodevice=b"lo"):
        with socket.fromfd(fd, socket.AF_INET, socket.SOCK_STREAM) as sock:
            name = sock.getsockopt(SOL, socket.SO_BINDTODEVICE, 16)
        assert name.rstrip(b"\0") == b"lo"


def test_bind_to_a_missing_device_fails(may_bind_to_devices, make):
    sock = make(zmq.PULL, bindtodevice=b"nosuchnic")
    with pytest.raises(zmq.ZMQError) as caught:
        sock.bind("tcp://127.0.0.1:*")
    assert caught.value.errno == (errno.ENODEV if may_bind_to_devices else errno.EPERM)


def test_connect_by_a_missing_device_is_retried(make, raw_listener, monitor):
    """The connecter retries, since the device may appear later."""
    sock = make(zmq.PUSH, bindtodevice=b"nosuchnic", reconnect_ivl=1)
    events = monitor(sock)
    sock.connect(raw_listener().endpoint)
    for _ in range(3):
        assert events.next()[0] == E.CONNECT_RETRIED
