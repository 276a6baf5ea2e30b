"""bind, connect, unbind and disconnect, with context managers, random ports and bad addresses."""

import errno

import pytest
from sidebyside import failure

import zlinkcompat as zmq


def said(call, *args):
    """Return the ZMQError that a call raises."""
    with pytest.raises(zmq.ZMQError) as caught:
        call(*args)
    return caught.value


# -- context managers ------------------------------------------------------------------------


def test_bind_is_a_context_manager_that_unbinds(make):
    one, other = make(zmq.PAIR), make(zmq.PAIR)
    with one.bind("inproc://here") as bound:
        assert bound is one
        assert failure(other.bind, "inproc://here") == (zmq.ZMQError, zmq.EADDRINUSE)
    other.bind("inproc://here")


def test_bind_of_a_wildcard_unbinds_the_port_it_got(make):
    one = make(zmq.PAIR)
    with one.bind("tcp://127.0.0.1:*"):
        endpoint = one.last_endpoint.decode()
    assert said(one.unbind, endpoint).errno == errno.ENOENT
    make(zmq.PAIR).bind(endpoint)


def test_connect_is_a_context_manager_that_disconnects(bound, make):
    one, other = bound(zmq.PULL), make(zmq.PUSH)
    with other.connect(one.last_endpoint.decode()) as connected:
        assert connected is other
        other.send(b"x")
        assert one.recv() == b"x"
    assert failure(other.send, b"x", zmq.NOBLOCK) == (zmq.Again, zmq.EAGAIN)


def test_leaving_the_context_after_close_is_harmless(make):
    sock = make(zmq.PAIR)
    with sock.bind("inproc://here"):
        sock.close()


def test_repr_of_the_context_manager_names_the_address(make):
    assert repr(make(zmq.PAIR).bind("inproc://here")) == "<SocketContext(bind='inproc://here')>"
    assert "connect='inproc://here'" in repr(make(zmq.PAIR).connect("inproc://here"))


# -- addresses -------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["bind", "connect"])
def test_address_may_be_bytes(make, call):
    sock = make(zmq.PAIR)
    getattr(sock, call)(b"inproc://bytes")
    assert sock.last_endpoint == b"inproc://bytes"


@pytest.mark.parametrize("call", ["bind", "connect", "unbind", "disconnect"])
@pytest.mark.parametrize(
    "address",
    [
        None,
        5555,
        ["tcp://*:1"],
        (),
        pytest.param(
            bytearray(b"inproc://x"),
            marks=pytest.mark.skipif(
                zmq.pyzmq_version_info()[0] == 26,
                reason="pyzmq 26 accepts this address; 25 and 27 do not",
            ),
        ),
    ],
)
def test_address_must_be_text_or_bytes(both, call, address):
    assert both(lambda side: failure(getattr(side.socket("PAIR"), call), address)) == (
        TypeError,
        None,
    )


@pytest.mark.parametrize("call", ["bind", "connect", "unbind", "disconnect"])
@pytest.mark.parametrize(
    "address",
    [
        "",
        "tcp",
        "tcp:",
        "tcp://",
        "tcp://:",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:",
        "tcp://127.0.0.1:-1",
        "tcp://127.0.0.1:65536",
        "tcp://127.0.0.1:port",
        "tcp://[::1",
        "nosuch://x",
        "TCP://127.0.0.1:1",
        "inproc://",
        "ipc://",
        "127.0.0.1:5555",
        "://x",
        "tcp//127.0.0.1:1",
        "inproc:///never",
        "inproc://grüße",
    ],
)
def test_bad_addresses(both, call, address):
    both(lambda side: failure(getattr(side.socket("PAIR"), call), address))


@pytest.mark.parametrize("address", ["tcp://*:*", "tcp://0.0.0.0:0", "tcp://127.0.0.1:0"])
def test_connect_to_a_bind_only_address(both, address):
    both(lambda side: failure(side.socket("PAIR").connect, address))


def test_overlong_ipc_path(both):
    address = "ipc://" + "x" * 200
    result = both(lambda side: failure(side.socket("PAIR").bind, address))
    assert result == (zmq.ZMQError, errno.ENAMETOOLONG)


def test_overlong_ipc_path_is_explained(make):
    error = said(make(zmq.PAIR).bind, "ipc://" + "x" * 200)
    assert str(zmq.IPC_PATH_MAX_LEN) in str(error) or "long" in str(error)


def test_ipc_path_in_a_missing_directory(both, tmp_path):
    both(lambda side: failure(side.socket("PAIR").bind, f"ipc://{tmp_path}/none/sock"))


@pytest.mark.parametrize(
    "call, address",
    [
        ("bind", "tcp://127.0.0.1:port"),
        ("connect", "nosuch://x"),
        ("bind", "ipc://"),
    ],
)
def test_errors_name_the_address(make, call, address):
    assert address in str(said(getattr(make(zmq.PAIR), call), address))


def test_bind_to_a_busy_port(bound, make):
    endpoint = bound(zmq.PAIR).last_endpoint.decode()
    error = said(make(zmq.PAIR).bind, endpoint)
    assert error.errno == zmq.EADDRINUSE and endpoint in str(error)
    assert type(error) is zmq.ZMQError


def test_bind_to_an_address_of_another_machine(both):
    result = both(lambda side: failure(side.socket("PAIR").bind, "tcp://192.0.2.1:*"))
    assert result == (zmq.ZMQError, zmq.EADDRNOTAVAIL)


def test_bind_to_a_missing_interface(both):
    both(lambda side: failure(side.socket("PAIR").bind, "tcp://nosuchif0:*"))


def test_binding_the_same_address_twice(both):
    def scenario(side):
        sock = side.socket("PAIR")
        sock.bind("tcp://127.0.0.1:*")
        return failure(sock.bind, sock.last_endpoint.decode())

    assert both(scenario) == (zmq.ZMQError, zmq.EADDRINUSE)


def test_failed_bind_keeps_the_last_endpoint(make):
    sock = make(zmq.PAIR)
    sock.bind("inproc://good")
    said(sock.bind, "nosuch://x")
    assert sock.last_endpoint == b"inproc://good"


# -- unbind and disconnect -------------------------------------------------------------------


@pytest.mark.parametrize(
    "endpoint",
    ["tcp://127.0.0.1:*", "ipc://{}/sock", "inproc://here"],
    ids=["tcp", "ipc", "inproc"],
)
def test_unbind_frees_the_address(make, tmp_path, endpoint):
    one, other = make(zmq.PAIR), make(zmq.PAIR)
    one.bind(endpoint.format(tmp_path))
    endpoint = one.last_endpoint.decode()
    one.unbind(endpoint)
    other.bind(endpoint)
    assert said(one.unbind, endpoint).errno == errno.ENOENT


@pytest.mark.parametrize("call", ["unbind", "disconnect"])
@pytest.mark.parametrize("endpoint", ["tcp://127.0.0.1:1", "inproc://here", "ipc://here"])
def test_unbind_and_disconnect_of_unknown_addresses(both, call, endpoint):
    result = both(lambda side: failure(getattr(side.socket("PAIR"), call), endpoint))
    assert result == (zmq.ZMQError, errno.ENOENT)


def test_disconnect_accepts_bytes(make):
    sock = make(zmq.PUSH)
    sock.connect("tcp://127.0.0.1:1")
    sock.disconnect(b"tcp://127.0.0.1:1")


def test_nothing_is_sent_to_a_disconnected_peer(bound, make):
    one, other = bound(zmq.PULL), bound(zmq.PULL)
    push = make(zmq.PUSH)
    for pull in (one, other):
        push.connect(pull.last_endpoint)
    push.disconnect(one.last_endpoint)
    for _ in range(4):
        push.send(b"x")
        assert other.recv() == b"x"


# -- random ports ----------------------------------------------------------------------------


def test_bind_to_random_port(make):
    one, other = make(zmq.PULL), make(zmq.PUSH)
    port = one.bind_to_random_port("tcp://127.0.0.1")
    assert one.last_endpoint == b"tcp://127.0.0.1:%d" % port
    other.connect(f"tcp://127.0.0.1:{port}")
    other.send(b"x")
    assert one.recv() == b"x"


def test_bind_to_random_port_of_a_range(make):
    sock = make(zmq.PULL)
    port = sock.bind_to_random_port("tcp://127.0.0.1", min_port=20_000, max_port=30_000)
    assert 20_000 <= port < 30_000 and sock.last_endpoint.endswith(b":%d" % port)


def test_bind_to_random_port_raises_after_its_attempts(bound, make):
    port = int(bound(zmq.PULL).last_endpoint.rpartition(b":")[2])
    with pytest.raises(zmq.ZMQBindError):
        make(zmq.PULL).bind_to_random_port("tcp://127.0.0.1", port, port + 1, max_tries=3)


@pytest.mark.parametrize("address", ["tcp:*", "nosuch://x", "rand"])
def test_bind_to_random_port_of_a_bad_address(both, address):
    both(lambda side: failure(side.socket("PULL").bind_to_random_port, address))


def test_bind_to_random_port_does_not_hide_other_errors(both):
    both(lambda side: failure(side.socket("PULL").bind_to_random_port, "tcp:*", 100, 101))
