import errno
import os
import socket
import struct

import pytest
import zmq

from zlinkcompat.transports import tcp

NO_NAMES = None  # instead of getaddrinfo, where it must not be called


def answer(*hosts):
    """Return a getaddrinfo that resolves to these hosts and counts its calls."""

    def getaddrinfo(host, port, family, type, proto, flags):
        getaddrinfo.asked.append((host, family))
        found = [h for h in hosts if (":" in h) == (family == socket.AF_INET6)]
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        tail = (0, 0) if family == socket.AF_INET6 else ()
        return [(family, type, 6, "", (h, port) + tail) for h in found]

    getaddrinfo.asked = []
    return getaddrinfo


def test_tcp_connection(bind, connect, accept):
    listener = bind("tcp://127.0.0.1:*")
    sock = connect(listener.endpoint)
    peer, address = accept(listener)
    assert address == "127.0.0.1"
    assert tcp.peer_endpoint(peer) == tcp.local_endpoint(sock)
    for one in (listener.socket, sock, peer):
        assert not one.getblocking() and not os.get_inheritable(one.fileno())
        assert type(one) is socket.SocketType  # the native class, even if gevent has patched it
    sock.send(b"x")
    assert tcp.accept(listener) is None


def test_literals_and_interfaces_are_never_looked_up(bind, connect):
    for host in ("127.0.0.1", "[127.0.0.1]", "127.1", "*", "lo"):
        listener = bind(f"tcp://{host}:*", getaddrinfo=NO_NAMES)
        connect(listener.endpoint.replace("0.0.0.0", "127.0.0.1"), getaddrinfo=NO_NAMES)
        with pytest.raises(zmq.ZMQError):
            bind("tcp://:1", getaddrinfo=NO_NAMES)


def test_names_are_resolved_by_the_given_resolver(bind, connect):
    getaddrinfo = answer("127.0.0.1", "127.0.0.2")
    listener = bind("tcp://our.host:*", getaddrinfo=getaddrinfo)
    assert listener.endpoint.startswith("tcp://127.0.0.1:")
    connect(listener.endpoint.replace("127.0.0.1", "our.host"), getaddrinfo=getaddrinfo)
    assert getaddrinfo.asked == [("our.host", socket.AF_INET)] * 2


def test_all_addresses_of_a_name_are_returned():
    address = tcp.parse("our.host:80", False, False)
    assert tcp.resolve(address, answer("1.1.1.1", "2.2.2.2")) == [
        (socket.AF_INET, ("1.1.1.1", 80)),
        (socket.AF_INET, ("2.2.2.2", 80)),
    ]


def test_resolver_without_mapped_addresses_is_asked_twice():
    address = tcp.parse("our.host:80", True, False)
    getaddrinfo = answer("1.1.1.1")
    assert tcp.resolve(address, getaddrinfo) == [(socket.AF_INET6, ("::ffff:1.1.1.1", 80, 0, 0))]
    assert [family for _, family in getaddrinfo.asked] == [socket.AF_INET6, socket.AF_INET]
    assert tcp.resolve(address, answer("1.1.1.1", "::2")) == [(socket.AF_INET6, ("::2", 80, 0, 0))]


@pytest.mark.parametrize(
    "text, number",
    [
        ("no.such:1", errno.EINVAL),
        ("a..b:1", errno.EINVAL),
        ("[*]:1", errno.EINVAL),
        (":1", errno.EINVAL),
        ("127.0.0.1%nonic:1", errno.EINVAL),
        ("127.0.0.1%0:1", errno.EINVAL),
        ("nonic:0;127.0.0.1:1", errno.ENODEV),
        ("localhost:0;127.0.0.1:1", errno.ENODEV),
        ("127.0.0.1:x;127.0.0.1:1", errno.EINVAL),
        ("127.0.0.1:1;127.0.0.1:1", errno.EADDRNOTAVAIL),
    ],
)
def test_invalid_source_fails_at_each_attempt(text, number, options, monkeypatch):
    if number == errno.EADDRNOTAVAIL:
        text = text.replace("127.0.0.1:1;", "1.2.3.4:0;")  # a source address that is not ours
    with pytest.raises(OSError) as caught:
        tcp.start_connect(tcp.parse(text, False, False), options(), answer())
    assert caught.value.errno == number


def test_out_of_memory_is_distinguished():
    def getaddrinfo(*args):
        raise socket.gaierror(socket.EAI_MEMORY, "no memory")

    with pytest.raises(OSError) as caught:
        tcp.resolve(tcp.parse("our.host:1", False, False), getaddrinfo)
    assert caught.value.errno == errno.ENOMEM


def test_connection_refused(bind, connect):
    listener = bind("tcp://127.0.0.1:*")
    listener.close()
    with pytest.raises(ConnectionRefusedError):
        connect(listener.endpoint)


def test_listener_can_be_replaced_at_once(bind, connect, accept):
    """A new listener can bind the port of an old one whose connections are in TIME_WAIT.

    This needs SO_REUSEADDR.
    """
    listener = bind("tcp://127.0.0.1:*")
    connect(listener.endpoint)
    peer, _ = accept(listener)
    peer.close()
    listener.close()
    assert bind(listener.endpoint).endpoint == listener.endpoint


def test_port_in_use_error_gives_advice(bind):
    listener = bind("tcp://127.0.0.1:*")
    with pytest.raises(zmq.ZMQError, match="LAST_ENDPOINT") as caught:
        bind(listener.endpoint)
    assert caught.value.errno == zmq.EADDRINUSE and listener.endpoint in str(caught.value)


@pytest.mark.parametrize(
    "source", ["127.0.0.2:0", "127.0.0.2:*", "*:0", "lo:0", "127.0.0.2:{port}"]
)
def test_source_address(source, bind, connect, accept):
    listener = bind("tcp://127.0.0.1:*")
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.2", 0))
        port = holder.getsockname()[1]
        connect(
            f"tcp://{source.format(port=port)};{listener.endpoint[6:]}"
            if source != "*:0"
            else listener.endpoint
        )
    peer, address = accept(listener)
    assert address == ("127.0.0.2" if "127" in source else "127.0.0.1")
    if "{port}" in source:
        assert tcp.peer_endpoint(peer) == f"tcp://127.0.0.2:{port}"


def test_one_source_port_serves_several_servers(bind, connect, accept):
    servers = [bind("tcp://127.0.0.1:*") for _ in range(2)]
    first = connect(servers[0].endpoint)
    port = first.getsockname()[1]
    first.close()
    for server in servers:
        connect(f"tcp://127.0.0.2:{port};{server.endpoint[6:]}")
    assert tcp.peer_endpoint(accept(servers[1])[0]) == f"tcp://127.0.0.2:{port}"


def test_connection_to_itself_is_refused(options):
    """A socket that has connected to itself is refused.

    This can happen to a client that retries a local port of the ephemeral range.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        sock, _connected = tcp.start_connect(
            tcp.parse(f"127.0.0.1:{port};127.0.0.1:{port}", False, False), options(), NO_NAMES
        )
        with socket.socket(fileno=sock.detach()) as sock:
            tcp.finish_connect(sock)


def test_options_of_a_connection(bind, connect, accept, options):
    wanted = dict(
        tos=0x28,
        priority=3,
        sndbuf=20000,
        rcvbuf=30000,
        tcp_keepalive=1,
        tcp_keepalive_idle=11,
        tcp_keepalive_cnt=4,
        tcp_keepalive_intvl=7,
        tcp_maxrt=5000,
    )
    for ipv6 in (0, 1):
        listener = bind("tcp://lo:*", ipv6=ipv6, **wanted)
        sock = connect(listener.endpoint, ipv6=ipv6, **wanted)
        peer, _ = accept(listener)
        tcp.tune(peer, options(**wanted))
        for one in (sock, peer):
            get = one.getsockopt
            assert get(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert get(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert get(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 11
            assert get(socket.IPPROTO_TCP, socket.TCP_KEEPCNT) == 4
            assert get(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) == 7
            assert get(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 5000
            assert get(socket.IPPROTO_IP, socket.IP_TOS) == 0x28
            assert get(socket.SOL_SOCKET, socket.SO_PRIORITY) == 3
            if ipv6:
                assert get(socket.IPPROTO_IPV6, socket.IPV6_TCLASS) == 0x28
            # The kernel doubles the value.
            assert get(socket.SOL_SOCKET, socket.SO_SNDBUF) == 40000
            assert get(socket.SOL_SOCKET, socket.SO_RCVBUF) == 60000


def test_defaults_are_left_to_the_kernel(connect, bind):
    sock = connect(bind("tcp://127.0.0.1:*").endpoint)
    with socket.socket() as fresh:
        for option in (socket.SO_KEEPALIVE, socket.SO_PRIORITY):
            assert sock.getsockopt(socket.SOL_SOCKET, option) == fresh.getsockopt(
                socket.SOL_SOCKET, option
            )


def test_keepalive_details_apply_only_with_keepalive(connect, bind):
    sock = connect(bind("tcp://127.0.0.1:*").endpoint, tcp_keepalive_idle=11)
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) != 11


def test_ipv6_listener_accepts_ipv4_peers(bind, connect, accept):
    listener = bind("tcp://*:*", ipv6=1)
    connect(listener.endpoint.replace("[::]", "127.0.0.1"))
    assert accept(listener)[1] == "::ffff:127.0.0.1"


def test_kernel_without_ipv6(bind, monkeypatch):
    plain = tcp._socket.socket

    def without_ipv6(family=-1, *args, **kwargs):
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "no IPv6")
        return plain(family, *args, **kwargs)

    monkeypatch.setattr(tcp._socket, "socket", without_ipv6)
    assert bind("tcp://*:*", ipv6=1).endpoint.startswith("tcp://0.0.0.0:")


def test_bind_to_device(bind):
    try:
        listener = bind("tcp://*:*", bindtodevice=b"lo")
    except zmq.ZMQError as error:  # older kernels require CAP_NET_RAW
        assert error.errno == errno.EPERM
    else:
        name = listener.socket.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16)
        assert name.rstrip(b"\0") == b"lo"
    with pytest.raises(zmq.ZMQError) as caught:
        bind("tcp://*:*", bindtodevice=b"nosuchnic")
    assert caught.value.errno in (errno.ENODEV, errno.EPERM)


def test_use_fd(bind, connect, accept):
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        made.listen()
        port = made.getsockname()[1]
        listener = bind("tcp://what is here does not count", use_fd=made.detach())
    assert listener.endpoint == f"tcp://127.0.0.1:{port}"
    connect(listener.endpoint)
    assert accept(listener)[1] == "127.0.0.1"


def test_use_fd_must_be_a_socket(bind):
    end, other = os.pipe()
    with pytest.raises(zmq.ZMQError) as caught:
        bind("tcp://*:*", use_fd=end)
    assert caught.value.errno == errno.ENOTSOCK
    os.close(end)
    os.close(other)


def test_addresses_of_a_closed_connection(bind, connect, accept):
    listener = bind("tcp://127.0.0.1:*")
    sock = connect(listener.endpoint)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
    peer, address = accept(listener)
    assert address in ("", "127.0.0.1")
    with pytest.raises(ConnectionResetError):
        peer.recv(1)
    assert tcp.peer_address(peer) == tcp.peer_endpoint(peer) == ""


def test_link_local_addresses_have_a_zone():
    index, name = socket.if_nameindex()[0]
    assert tcp.endpoint_of(socket.AF_INET6, ("fe80::1", 5, 0, index)) == f"tcp://[fe80::1%{name}]:5"
    for zone in (name, str(index)):
        address = tcp.parse(f"[fe80::1%{zone}]:5", True, False)
        assert tcp.resolve(address, None) == [(socket.AF_INET6, ("fe80::1", 5, 0, index))]


def test_accept_without_descriptors(bind, connect, accept):
    import resource

    listener = bind("tcp://127.0.0.1:*")
    connect(listener.endpoint)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
    try:
        with pytest.raises(OSError) as caught:
            tcp.accept(listener)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert caught.value.errno == errno.EMFILE
    assert accept(listener)[1] == "127.0.0.1"  # the connection is still in the backlog
