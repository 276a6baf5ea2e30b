"""A stranger sends anything to every type of socket, with every protocol, over whole connections.

We use the harness of the fuzzer's target ``connection``; its module defines what is a bug."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reliability import connections

#: Pairs of a form and bytes; `Stranger.say_more` sends the bytes in that form after the handshake.
PARTS = st.lists(
    st.tuples(st.integers(0, 7), st.binary(max_size=31)).map(
        lambda part: bytes([part[0] | len(part[1]) << 3]) + part[1]
    ),
    max_size=12,
).map(b"".join)
HANDSHAKE, CHANGED, PARTIAL, SERVES = 8, 16, 32, 64


@pytest.fixture(autouse=True, params=["hub", "thread"])
def place(request, monkeypatch):
    monkeypatch.setenv("ZLINK_ENGINE", request.param)
    connections.Place.get(request.param)
    yield
    connections.Place.leave()


def attack(protocol, flags, which, size, change, said):
    connections.attack(bytes([protocol | flags, which, size, *change]) + said)


ANY = {
    "protocol": st.integers(0, 5),
    "which": st.integers(0, 35),
    "size": st.integers(0, 40),
    "change": st.tuples(st.integers(0, 255), st.integers(1, 255)),
}


@settings(max_examples=200)
@given(
    **ANY, flags=st.sampled_from([HANDSHAKE, HANDSHAKE | PARTIAL, HANDSHAKE | SERVES]), said=PARTS
)
@example(protocol=0, flags=HANDSHAKE, which=7, size=0, change=(0, 1), said=b"\x0c\0")  # SUBSCRIBE
def test_arbitrary_bytes_after_the_handshake(protocol, flags, which, size, change, said):
    attack(protocol, flags, which, size, change, said)


@settings(max_examples=100)
@given(**ANY, serves=st.sampled_from([0, SERVES]), said=PARTS)
def test_handshake_with_one_byte_changed(protocol, serves, which, size, change, said):
    attack(protocol, HANDSHAKE | CHANGED | serves, which, size, change, said)


#: Valid beginnings of connections, after which the engine processes further bytes.
BEGINNINGS = [
    b"",
    b"\xff" + bytes(8) + b"\x7f",
    b"\xff" + bytes(8) + b"\x7f\x03\x01NULL" + bytes(48),
    b"\xff" + bytes(8) + b"\x7f\x01\x08",
    b"\xff" + bytes(7) + b"\x01\x7f\0",
    b"\x01\0",
    b"GET /",
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: ZWS2.0\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
]


@settings(max_examples=100)
@given(
    **ANY,
    serves=st.sampled_from([0, SERVES]),
    begin=st.sampled_from(BEGINNINGS),
    rest=st.binary(max_size=80),
)
def test_arbitrary_bytes_from_the_beginning(protocol, serves, which, size, change, begin, rest):
    attack(protocol, serves, which, size, change, begin + rest)


def test_fuzzer_corpus():
    from reliability.fuzz import CORPUS

    if not CORPUS.is_dir():
        pytest.skip("the sdist leaves out the fuzzer's corpus")
    for path in sorted((CORPUS / "connection").iterdir()):
        connections.attack(path.read_bytes())
