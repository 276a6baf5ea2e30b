"""The debug counters are right over transports that have their own stream or codec."""

import certificates
import pytest

import zlinkcompat as zmq
from zlinkcompat import debug

KB = 1024

COPIES = ("zerocopy_write_count", "fallback_write_count", "bytes_copied")


@pytest.fixture
def pair(make, phases):
    """``pair("ws")`` returns a bound and a connecting socket that have exchanged a message."""

    def pair(transport):
        server, client = make(zmq.PAIR), make(zmq.PAIR)
        certificates.use(server)
        certificates.use(client)
        server.bind(f"{transport}://127.0.0.1:*")
        client.connect(server.last_endpoint)
        client.send(b"")
        assert server.recv() == b""
        return server, client

    return pair


@pytest.mark.parametrize("transport", ["tcp", "tls", "ws", "wss"])
def test_counters_of_large_frames(pair, phases, transport):
    """Large frames are sent without a copy, except by a WebSocket client, which must mask them."""
    server, client = pair(transport)
    for sender, receiver in ((server, client), (client, server)):
        debug.zmq_debug_reset_counters()
        sender.send(bytes(64 * KB))
        assert len(receiver.recv()) == 64 * KB
        counted = phases.of(sender, *COPIES)
        masks = transport.startswith("ws") and sender is client
        assert counted == ((0, 1, 64 * KB) if masks else (1, 0, 0))


@pytest.mark.parametrize("transport", ["tcp", "tls", "ws", "wss"])
def test_counters_with_the_flag_off(pair, phases, transport):
    phases.set(zerocopy_write=0)
    server, client = pair(transport)
    for sender, receiver in ((server, client), (client, server)):
        debug.zmq_debug_reset_counters()
        sender.send(b"x" * 64 * KB)
        assert receiver.recv() == b"x" * 64 * KB
        assert phases.of(sender, *COPIES) == (0, 1, 64 * KB)


@pytest.mark.parametrize("transport", ["tcp", "tls", "ws", "wss"])
def test_counters_with_a_high_threshold(pair, phases, transport):
    """Frames below the threshold are copied on purpose, which does not count as a fallback."""
    phases.set(zerocopy_threshold=48 * KB)
    server, client = pair(transport)
    for size, expected in (40 * KB, (0, 0, 40 * KB)), (64 * KB, (1, 0, 0)):
        debug.zmq_debug_reset_counters()
        server.send(b"x" * size)
        assert client.recv() == b"x" * size
        assert phases.of(server, *COPIES) == expected


@pytest.mark.parametrize("transport", ["tcp", "ws"])
def test_a_header_and_a_body_are_one_write(pair, phases, transport):
    server, client = pair(transport)
    names = ("write_calls", "scatter_gather_write_count")
    before = phases.of(server, *names)
    server.send(bytes(64 * KB))
    assert len(client.recv()) == 64 * KB
    assert [b - a for a, b in zip(before, phases.of(server, *names), strict=True)] == [1, 1]


@pytest.mark.parametrize("transport", ["tcp", "tls", "ws", "wss"])
def test_counters_of_system_calls(pair, phases, transport):
    """A single small message takes one write, and at most a few reads of a waiting receiver."""
    server, client = pair(transport)
    reads, writes = phases.of(server, "read_calls"), phases.of(client, "write_calls")
    client.send(b"small")
    assert server.recv() == b"small"
    assert phases.of(client, "write_calls") == writes + 1
    assert phases.of(server, "read_calls") > reads
    assert phases.of(client, "messages_out") == phases.of(server, "messages_in") == 2
