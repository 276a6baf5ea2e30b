"""Endpoints give the same errno or the same LAST_ENDPOINT as on real libzmq.

In endpoints, {port} is a free port, and {dir} is a new directory, which is also the current one.
"""

import errno
import re
import socket

import pytest
import zmq

from zlinkcompat.transports import endpoint, get

ANY_TRANSPORT = [
    "tcp",
    "tcp:",
    "tcp:/",
    "tcp://",
    "://x",
    "://",
    "foo://x",
    "TCP://127.0.0.1:5",
    "udp://127.0.0.1:5",
    "pgm://x",
    "epgm://x",
    "norm://x",
    "vmci://x",
    "vsock://1:1",
]

TCP = [
    "tcp://127.0.0.1",
    "tcp://127.0.0.1:",
    "tcp://127.0.0.1:*",
    "tcp://127.0.0.1:0",
    "tcp://127.0.0.1:{port}",
    "tcp://127.0.0.1:00",
    "tcp://127.0.0.1:abc",
    "tcp://127.0.0.1:{port}abc",
    "tcp://127.0.0.1:{port}/path",
    "tcp://127.0.0.1:+{port}",
    "tcp://127.0.0.1:-1",
    "tcp://127.0.0.1:65536",
    "tcp://127.0.0.1:65537",
    "tcp://127.0.0.1:131072",
    "tcp://127.0.0.1:99999999999999",
    "tcp://127.0.0.1:99999999999999999999",
    "tcp://*",
    "tcp://*:",
    "tcp://*:*",
    "tcp://*:0",
    "tcp://*:{port}",
    "tcp://:",
    "tcp://:*",
    "tcp://:0",
    "tcp://:{port}",
    "tcp://lo:*",
    "tcp://lo:{port}",
    "tcp://nosuchnic:*",
    "tcp://localhost:*",
    "tcp://localhost:{port}",
    "tcp://no.such.invalid:{port}",
    "tcp://a..b:{port}",
    "tcp://_x:{port}",
    "tcp://1.2.3.4:{port}",
    "tcp://127.1:{port}",
    "tcp://256.1.1.1:{port}",
    "tcp://0x7f.1:{port}",
    "tcp://[127.0.0.1]:{port}",
    "tcp://[*]:*",
    "tcp://[]:{port}",
    "tcp://[127.0.0.1:{port}",
    "tcp://[::1]:*",
    "tcp://[::1]:{port}",
    "tcp://::1:{port}",
    "tcp://[::]:{port}",
    "tcp://[::ffff:127.0.0.1]:*",
    "tcp://[::1%lo]:{port}",
    "tcp://[::1%1]:{port}",
    "tcp://[fe80::1%lo]:{port}",
    "tcp://[fe80::1]:{port}",
    "tcp://*%lo:*",
    "tcp://127.0.0.1%lo:*",
    "tcp://127.0.0.1%1:{port}",
    "tcp://127.0.0.1%:*",
    "tcp://127.0.0.1%0:{port}",
    "tcp://127.0.0.1%nonic:{port}",
    "tcp://127.0.0.1%1x:{port}",
    "tcp://%lo:{port}",
    "tcp://127.0.0.1:0;127.0.0.1:{port}",
    "tcp://127.0.0.1;127.0.0.1:{port}",
    "tcp://*:*;127.0.0.1:{port}",
    "tcp://lo:0;127.0.0.1:{port}",
    "tcp://localhost:0;127.0.0.1:{port}",
    "tcp://;127.0.0.1:{port}",
    "tcp://127.0.0.1:{port};",
    "tcp://a;b;c:1",
    "tcp://127.0.0.1:*;127.0.0.1:*",
    "tcp://:0;127.0.0.1:{port}",
    "tcp://nonic:0;127.0.0.1:{port}",
    "tcp://127.0.0.1:x;127.0.0.1:{port}",
    "tcp://a/b:{port}",
    "tcp://a@b:{port}",
    "tcp://nonic:0;127.0.0.1:x",
] + [
    "tcp:// 127.0.0.1:{port}",
    "tcp://127.0.0.1 :{port}",
    "tcp://127.0.0.1: {port}",
    " tcp://127.0.0.1:{port}",
    "tcp://127.0.0.1:{port} ",
    "tcp://\u00e9:{port}",
]

IPC = [
    "ipc://",
    "ipc://@",
    "ipc://@zlinkcompat-{port}",
    "ipc://{dir}/a",
    "ipc://a",
    "ipc://./a",
    "ipc://@@",
    "ipc://{dir}/none/a",
    "ipc://{dir}",
    "ipc://{dir}/file/a",
    "ipc:///",
    "ipc://é",
] + [f"ipc://{letter}{'a' * length}" for letter in "a@" for length in (105, 106, 107, 300)]


@pytest.fixture
def context():
    with zmq.Context() as context:
        yield context


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    # Bind the port without listening, so that no other test gets it. The listeners of both
    # libraries can bind it as well, since they set SO_REUSEADDR.
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        yield lambda text: text.format(port=port, dir=tmp_path)


def outcome(call, *args):
    try:
        return call(*args)
    except zmq.ZMQError as error:
        return errno.errorcode.get(error.errno, error.errno)


def libzmq(context, method, text, ipv6):
    with context.socket(zmq.DEALER) as sock:
        sock.linger = 0
        sock.ipv6 = ipv6
        getattr(sock, method)(text)
        return sock.last_endpoint.decode()


def ours_bind(text, ipv6, options):
    transport, address = endpoint.parse(text)
    module = get(transport)
    listener = module.listen(
        module.parse(address, ipv6, True), options(ipv6=ipv6), socket.getaddrinfo
    )
    listener.close()
    return listener.endpoint


def ours_connect(text, ipv6):
    transport, address = endpoint.parse(text)
    return str(get(transport).parse(address, ipv6, False))


def without_free_port(text, result):
    """Replace the port of the result by 0, unless the endpoint named a port."""
    return re.sub(r":\d+$", ":0", result) if re.search(r":[0*]+$", text) else result


# Use each abstract ipc name only once, since tests that run at the same time share these names.
@pytest.mark.parametrize(
    "text, ipv6",
    [
        *((text, ipv6) for text in ANY_TRANSPORT + TCP for ipv6 in (0, 1)),
        *((text, 0) for text in IPC),
    ],
)
def test_bind_like_libzmq(text, ipv6, context, place, options):
    text = place(text)
    ours = outcome(ours_bind, text, ipv6, options)  # first ours, since libzmq closes late
    theirs = outcome(libzmq, context, "bind", text, ipv6)
    assert str(ours) == str(theirs) or (
        without_free_port(text, ours) == without_free_port(text, theirs)
    )


@pytest.mark.parametrize("text", ANY_TRANSPORT + TCP + IPC + ["ipc://*"])
def test_connect_like_libzmq(text, context, place):
    text = place(text)
    assert outcome(ours_connect, text, 0) == outcome(libzmq, context, "connect", text, 0)


@pytest.mark.parametrize("text", ["ipc://*", "ipc://*abc"])
def test_bind_to_a_fresh_path(text, context, options, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    shape = re.compile(rf"ipc://{re.escape(str(tmp_path))}/tmp\w+/socket")
    assert shape.fullmatch(ours_bind(text, 0, options))
    assert shape.fullmatch(libzmq(context, "bind", text, 0))


def test_bind_to_a_fresh_path_in_a_long_directory(context, options, tmp_path, monkeypatch):
    long = tmp_path / ("d" * 100)
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    assert outcome(ours_bind, "ipc://*", 0, options) == "ENAMETOOLONG"
    assert outcome(libzmq, context, "bind", "ipc://*", 0) == "ENAMETOOLONG"
    assert not list(long.iterdir())


@pytest.mark.parametrize("text", ["tcp://127.0.0.1:{port}", "ipc://@zlinkcompat-{port}"])
def test_bind_of_an_address_in_use(text, context, place, options):
    text = place(text)
    with context.socket(zmq.DEALER) as other:
        other.linger = 0
        other.bind(text)
        assert outcome(ours_bind, text, 0, options) == "EADDRINUSE"
        assert outcome(libzmq, context, "bind", text, 0) == "EADDRINUSE"


@pytest.mark.parametrize("ipv6", [0, 1], ids=["v4", "v6"])
@pytest.mark.parametrize(
    "text", ["tcp://127.0.0.1:*", "tcp://lo:*", "ipc://{dir}/a", "ipc://@zl{port}"]
)
def test_peer_address(text, ipv6, context, place, bind, connect, accept, options):
    """The address of a peer is the same as on libzmq, at both ends of a connection."""
    text = place(text)
    with context.socket(zmq.PULL) as pull, context.socket(zmq.PUSH) as push:
        pull.ipv6 = push.ipv6 = ipv6
        pull.bind(text)
        push.connect(pull.last_endpoint)
        push.send(b"")
        theirs = pull.recv(copy=False)["Peer-Address"]
    module = get(text[:3])
    listener = bind(text.replace("/a", "/b").replace("zl", "zm"), ipv6=ipv6)
    sock = connect(listener.endpoint, ipv6=ipv6)
    peer, ours = accept(listener)
    assert ours == theirs == module.peer_address(peer) == module.peer_address(sock)
    assert module.local_endpoint(peer) == module.peer_endpoint(sock) == listener.endpoint


@pytest.mark.parametrize(
    "bound, asked, found",
    [
        ("tcp://127.0.0.1:{port}", "tcp://localhost:{port}", True),
        ("tcp://127.0.0.1:{port}", "tcp://[127.0.0.1]:{port}", True),
        ("tcp://127.0.0.1:{port}", "tcp://127.0.0.1:{port}x", True),
        (
            "tcp://*:{port}",
            "tcp://*:{port}",
            False,
        ),  # connect cannot resolve this name, so bind is not tried
        ("tcp://lo:{port}", "tcp://lo:{port}", False),
        ("tcp://127.0.0.1:{port}", "tcp://127.0.0.1:x", False),
    ],
)
def test_other_spellings_for_unbind(bound, asked, found, context, place):
    bound, asked = place(bound), place(asked)
    with context.socket(zmq.DEALER) as sock:
        sock.bind(bound)
        last = sock.last_endpoint.decode()
        theirs = outcome(sock.unbind, asked) is None
    assert theirs == found
    ours = get("tcp").aliases(endpoint.parse(asked)[1], 0, socket.getaddrinfo)
    assert (last in ours) == found
