"""Bytes that were read together with the end of the handshake are decoded in place."""

import pytest
from rawpeer import COMMAND, GREETING_SIZE, command, frame, greeting, message, ready

import zlinkcompat as zmq
from zlinkcompat import tuning
from zlinkcompat.core.options import Options
from zlinkcompat.wire.security import mechanisms
from zlinkcompat.wire.security.curve_codec import CurveDecoder, CurveEncoder
from zlinkcompat.wire.zmtp.commands import split_command_untrusted

KB = 1024


@pytest.fixture
def arrive(make, raw, phases, endpoint_of):
    """``arrive(data)`` returns a PULL whose peer sends its handshake and ``data`` in one piece."""

    def arrive(data, transport="tcp", chosen=()):
        pull = make(zmq.PULL)
        for option, value in chosen:
            pull.setsockopt(option, value)
        pull.bind(endpoint_of(transport))
        peer = raw(pull.last_endpoint)
        peer.send(greeting(), ready(b"PUSH"), data)
        peer.read(GREETING_SIZE)
        assert peer.read_ready()[b"Socket-Type"] == b"PULL"
        return pull, peer

    return arrive


BEHIND = message(b"first") + message(b"second", b"x" * 300) + frame(b"third")


def read_all(pull):
    return [pull.recv_multipart() for _ in range(3)]


EXPECTED = [[b"first"], [b"second", b"x" * 300], [b"third"]]


@pytest.mark.parametrize("flag", [1, 0])
def test_handshake_null_mechanism(arrive, phases, flag):
    phases.set(handshake_zerocopy=flag)
    pull, _ = arrive(BEHIND)
    assert read_all(pull) == EXPECTED


@pytest.mark.parametrize("flag", [1, 0])
def test_handshake_null_ipc(arrive, phases, flag):
    phases.set(handshake_zerocopy=flag)
    pull, _ = arrive(BEHIND, "ipc")
    assert read_all(pull) == EXPECTED


@pytest.fixture
def server(raw_listener):
    """``server(pull, b"PLAIN")`` returns a raw server that ``pull`` connects to.

    Both have sent their greetings.
    """

    def server(pull, mechanism):
        listener = raw_listener()
        pull.connect(listener.endpoint)
        peer = listener.accept()
        peer.send(greeting(mechanism=mechanism))
        peer.read(GREETING_SIZE)
        return peer

    return server


@pytest.mark.parametrize("flag", [1, 0])
def test_handshake_plain(make, server, phases, flag):
    phases.set(handshake_zerocopy=flag)
    pull = make(zmq.PULL, plain_username=b"user", plain_password=b"secret")
    peer = server(pull, b"PLAIN")
    assert peer.read_frame() == (COMMAND, b"\5HELLO\4user\6secret")
    peer.send(command(b"WELCOME"))
    assert peer.read_frame()[1].startswith(b"\x08INITIATE")
    peer.send(ready(b"PUSH"), BEHIND)
    assert read_all(pull) == EXPECTED


@pytest.mark.parametrize("flag", [1, 0])
def test_handshake_curve(make, server, phases, flag):
    phases.set(handshake_zerocopy=flag)
    pull = make(zmq.PULL)
    public, secret = zmq.curve_keypair()
    pull.curve_publickey, pull.curve_secretkey = zmq.curve_keypair()
    pull.curve_serverkey = public
    peer = server(pull, b"CURVE")
    options = Options(zmq.PUSH)
    options.set(zmq.CURVE_SERVER, 1)
    options.set(zmq.CURVE_SECRETKEY, secret)
    mechanism = mechanisms.create(options)
    mechanism.start()
    answer = None
    while not mechanism.done:
        if answer is not None:
            peer.send(frame(answer, COMMAND))
        answer = mechanism.receive(*split_command_untrusted(peer.read_frame()[1], 0))
        if mechanism.zap_request is not None:
            answer = mechanism.on_zap_reply(None)  # continue as without a ZAP handler
    encoder = CurveEncoder()
    mechanism.secure(CurveDecoder(), encoder)
    assert all(encoder.add(message) for message in EXPECTED)
    peer.send(frame(answer, COMMAND), *encoder.vector())
    assert read_all(pull) == EXPECTED


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
@pytest.mark.parametrize("by", ["environment", "option"])
def test_handshake_buffer_no_copy(arrive, phases, transport, by):
    pull, _ = arrive(BEHIND, transport)
    assert read_all(pull) == EXPECTED
    assert phases.of(pull, "bytes_copied") == 0
    pull.close()
    if by == "environment":
        phases.set(handshake_zerocopy=0)
    chosen = [(tuning.ASIO_HANDSHAKE_ZEROCOPY, 0)] if by == "option" else ()
    pull, _ = arrive(BEHIND, transport, chosen)
    assert read_all(pull) == EXPECTED
    assert phases.of(pull, "bytes_copied") == len(BEHIND)


@pytest.mark.parametrize("flag", [1, 0])
@pytest.mark.parametrize("size", [0, 1, 300, 20_000, 300_000])
def test_handshake_fallback(arrive, phases, size, flag):
    """If only a part of the data arrived with the handshake, the rest is read as usual."""
    phases.set(handshake_zerocopy=flag)
    body = bytes(range(250)) * (size // 250 + 1)
    data = message(b"before") + message(body[:size]) + message(b"behind")
    cuts = (0, 3, len(message(b"before")) + 1, len(data) // 2, len(data) - 1)
    for cut in cuts:
        pull, peer = arrive(data[:cut])
        peer.send(data[cut:])
        assert [pull.recv() for _ in range(3)] == [b"before", body[:size], b"behind"]
        pull.close()
