"""bind, connect, unbind and disconnect are called with wrong, busy and unknown endpoints."""

import errno
import socket
import time

import pytest

from compat_tests.differential.outcome import errors, outcome
from compat_tests.differential.sockets import Bench
from compat_tests.libraries import OURS, load

BAD = (
    "", "tcp", "tcp:", "tcp:/", "tcp://", "://", "://127.0.0.1:1", "foo://127.0.0.1:1",
    "tcp://127.0.0.1", "tcp://127.0.0.1:", "tcp://127.0.0.1:x", "tcp://127.0.0.1:-1",
    "tcp://127.0.0.1:65536", "tcp://127.0.0.1:99999", "tcp://127.0.0.1:1x", "tcp://:1",
    "tcp://256.0.0.1:1", "tcp://no such host:1", "tcp://[::1:1", "tcp://nosuchinterface0:1",
    "ipc://", "ipc:///no/such/folder/socket", "ipc:///" + 200 * "x", "inproc://", "TCP://127.0.0.1:1",
    " tcp://127.0.0.1:1", "udp://127.0.0.1:1", "norm://x", "pgm://x", "vmci://1:1",
    "tcp://192.0.2.1:1",
)  # fmt: skip
KINDS_OF_ADDRESS = (7, None, 1.5, [], b"tcp://127.0.0.1", b"\xff://x", "tcp://127.0.0.1:1\0")


@pytest.mark.parametrize("endpoint", BAD)
def test_bad_endpoint(both, endpoint):
    def scenario(bench):
        sock = bench.socket("DEALER")
        return errors(lambda: sock.bind(endpoint), lambda: sock.connect(endpoint))

    # libzmq accepts some of these wrong endpoints, such as "tcp://127.0.0.1:1x". We do the same.
    both(scenario)


@pytest.mark.parametrize("endpoint", BAD)
def test_unbind_and_disconnect_of_bad_endpoint(both, endpoint):
    def scenario(bench):
        sock = bench.socket("DEALER")
        return errors(lambda: sock.unbind(endpoint), lambda: sock.disconnect(endpoint))

    assert "returned" not in both(scenario)


@pytest.mark.parametrize("address", KINDS_OF_ADDRESS, ids=repr)
@pytest.mark.parametrize("method", ["bind", "connect", "unbind", "disconnect"])
def test_address_of_the_wrong_type(both, method, address):
    both(lambda bench: errors(lambda: getattr(bench.socket("DEALER"), method)(address)))


def test_unbind_and_disconnect_of_unknown_endpoints(both):
    def scenario(bench):
        sock = bench.socket("DEALER", bind="tcp://127.0.0.1:*")
        own = sock.last_endpoint.decode()
        unknown = ("tcp://127.0.0.1:1", "inproc://none", f"ipc://{bench.folder}/none")
        calls = [errors(lambda: sock.unbind(e), lambda: sock.disconnect(e)) for e in unknown]
        return calls + errors(lambda: sock.unbind(own), lambda: sock.unbind(own))

    result = both(scenario)
    assert result[0][0][0] == "ZMQError"
    assert result[-2] == "returned"


def test_disconnect_twice(both):
    def scenario(bench):
        sock = bench.socket("DEALER", connect="tcp://127.0.0.1:1")
        return errors(*2 * [lambda: sock.disconnect("tcp://127.0.0.1:1")])

    assert both(scenario)[0] == "returned"


def bind_three_times(bench, address):
    first = bench.socket("REP", bind=address)
    address = first.last_endpoint.decode()
    again = bench.socket("PULL")
    return errors(lambda: first.bind(address), lambda: again.bind(address))


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:*", "inproc://x"])
def test_address_in_use(both, address):
    both(lambda bench: bind_three_times(bench, address))


def test_ipc_address_in_use(tmp_path):
    """We refuse to bind an ipc path on which a socket still listens.

    We differ on purpose: libzmq takes the path over.
    """
    bench = Bench(load(OURS), str(tmp_path))
    try:
        results = bind_three_times(bench, f"ipc://{tmp_path}/s")
    finally:
        bench.close()
    assert results == 2 * [("ZMQError", errno.EADDRINUSE)]


def test_port_of_a_plain_socket(both):
    with socket.create_server(("127.0.0.1", 0)) as plain:
        port = plain.getsockname()[1]
        result = both(
            lambda b: (outcome(b.socket("REP").bind, f"tcp://127.0.0.1:{port}"), b.zmq.EADDRINUSE)
        )
    assert result[0] == ("ZMQError", result[1])


def test_bind_to_random_port_without_a_free_one(both):
    with socket.create_server(("127.0.0.1", 0)) as plain:
        port = plain.getsockname()[1]
        both(
            lambda b: outcome(
                b.socket("REP").bind_to_random_port,
                "tcp://127.0.0.1",
                min_port=port,
                max_port=port + 1,
                max_tries=2,
            )
        )


def test_message_of_a_failed_bind_names_the_address(both):
    def scenario(bench):
        try:
            bench.socket("REP").bind("foo://bar")
        except bench.zmq.ZMQError as e:
            return "foo://bar" in str(e), e.errno == bench.zmq.EPROTONOSUPPORT

    assert both(scenario) == (True, True)


@pytest.mark.parametrize("transport", ["tcp", "ipc", "inproc"])
def test_rebind_after_unbind(both, transport):
    def scenario(bench):
        address = {
            "tcp": "tcp://127.0.0.1:*",
            "ipc": f"ipc://{bench.folder}/s",
            "inproc": "inproc://x",
        }[transport]
        sock = bench.socket("REP", bind=address)
        address = sock.last_endpoint.decode()
        sock.unbind(address)
        return errors(lambda: sock.unbind(address), lambda: sock.connect(address))

    both(scenario)


@pytest.mark.parametrize("host", ["*", "0.0.0.0", "127.0.0.1", "localhost", "lo"])
def test_unbind_by_the_endpoint_that_was_bound(both, host):
    def scenario(bench):
        sock = bench.socket("REP", bind=f"tcp://{host}:*")
        # Bind once more, to the port that is known now.
        own = sock.last_endpoint.decode()
        sock.unbind(own)
        endpoint = f"tcp://{host}:{own.rpartition(':')[2]}"
        # libzmq closes the descriptor in its I/O thread. So retry until the port is free.
        while errors(lambda: sock.bind(endpoint)) != ["returned"]:
            time.sleep(0.001)
        return errors(lambda: sock.unbind(endpoint), lambda: sock.unbind(own))

    assert "returned" in both(scenario)


@pytest.mark.parametrize("bound, given", [("lo", "127.0.0.1"), ("*", "0.0.0.0"), ("0.0.0.0", "*")])
def test_unbind_by_another_spelling(both, bound, given):
    def scenario(bench):
        sock = bench.socket("REP", bind=f"tcp://{bound}:*")
        port = sock.last_endpoint.decode().rpartition(":")[2]
        return errors(lambda: sock.unbind(f"tcp://{given}:{port}"))

    both(scenario)
