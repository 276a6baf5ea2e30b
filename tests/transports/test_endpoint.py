import pytest
import zmq

from zlinkcompat.transports import SUPPORTED, endpoint, get


@pytest.mark.parametrize(
    "text, parts",
    [
        ("tcp://127.0.0.1:5555", ("tcp", "127.0.0.1:5555")),
        ("ipc:///tmp/x", ("ipc", "/tmp/x")),
        ("ipc://a://b", ("ipc", "a://b")),
        ("inproc://x", ("inproc", "x")),
        ("ipc:///tmp/x\0y", ("ipc", "/tmp/x")),  # a C string ends at the NUL
    ],
)
def test_endpoint_is_split_into_parts(text, parts):
    assert endpoint.parse(text) == parts


@pytest.mark.parametrize(
    "text", ["", "tcp", "tcp:", "tcp:/x", "tcp://", "://x", "://", "\0tcp://x"]
)
def test_malformed_is_einval(text):
    with pytest.raises(zmq.ZMQError) as caught:
        endpoint.parse(text)
    assert caught.value.errno == zmq.EINVAL


# tipc is not compared with libzmq, where it depends on a kernel module: without this module, bind
# fails with the errno of an earlier call.
@pytest.mark.parametrize(
    "name", ["foo", "TCP", " tcp", "tipc", "pgm", "epgm", "norm", "vmci", "vsock"]
)
def test_unknown_transport_is_eprotonosupport_and_named(name):
    with pytest.raises(zmq.ZMQError) as caught:
        endpoint.parse(name + "://x")
    assert caught.value.errno == zmq.EPROTONOSUPPORT
    assert repr(name) in str(caught.value) and "tcp" in str(caught.value)


@pytest.mark.parametrize("name", sorted(SUPPORTED))
def test_each_transport_has_all_functions(name):
    module = get(name)
    for function in (
        "parse",
        "listen",
        "accept",
        "start_connect",
        "finish_connect",
        "tune",
        "aliases",
        "local_endpoint",
        "peer_endpoint",
        "peer_address",
    ):
        assert callable(getattr(module, function))


def test_other_modules_do_not_count_as_transports():
    for name in ("endpoint", "sockets", "inproc", "udp"):
        with pytest.raises(KeyError):
            get(name)
