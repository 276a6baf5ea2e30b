"""Each decoder handles headers that announce frames near the limits of a signed 64-bit size."""

import sys
from pathlib import Path

import pytest
from builds import CODECS, CURVE, ZWS
from test_frame_codec import give

from zlinkcompat.wire.errors import MessageTooLarge, ProtocolError
from zlinkcompat.wire.zmtp import legacy

FRAME_MAX = min(sys.maxsize // 2, 1 << 47)
MASK_KEY = b"\x11\x22\x33\x44"

#: Sizes around each power of two near which adding a header, or doubling, could overflow.
SIZES = sorted(
    {(1 << power) + more for power in (31, 32, 46, 47, 61, 62, 63) for more in range(-16, 17)}
    | set(range((1 << 64) - 16, 1 << 64))
)
LIMITS = [-1, 0, 1000, (1 << 31) - 1, 1 << 32, (1 << 62) - 2, (1 << 63) - 1]


def long_size(size):
    return size.to_bytes(8, "big")


def zmtp(size, flags=2):
    return bytes([flags]) + long_size(size)


def zmtp_1(size):
    return b"\xff" + long_size(size) + b"\0"


def zws_from_server(size, first=0x82):
    return bytes([first, 127]) + long_size(size) + b"\0"


def zws_from_client(size, first=0x82):
    return bytes([first, 0xFF]) + long_size(size) + MASK_KEY + MASK_KEY[:1]


def secured(decoder):
    decoder.secure(bytes(32), bytes(16), 0)
    return decoder


#: Maps a name to a function that creates a decoder with a limit, a function that creates a header,
#: and the number of bytes that the size in the header counts besides the body.
DECODERS = {
    "ZMTP 1": (legacy.VERSION_1.make_decoder, zmtp_1, 1),
    "ZMTP 2": (legacy.VERSION_2.make_decoder, zmtp, 0),
}
for _build in CODECS:
    DECODERS |= {
        f"ZMTP 3, {_build}": (CODECS[_build].Decoder, zmtp, 0),
        f"CURVE over ZMTP, {_build}": (
            lambda limit, build=_build: secured(CURVE[build].CurveDecoder(limit)),
            zmtp,
            0,
        ),
    }
    for _server in (False, True):
        _side, _header = ("server", zws_from_client) if _server else ("client", zws_from_server)
        DECODERS |= {
            f"ZWS {_side}, {_build}": (
                lambda limit, build=_build, server=_server: ZWS[build].ZwsDecoder(limit, server),
                _header,
                1,
            ),
            f"WebSocket {_side}, {_build}": (
                lambda limit, build=_build, server=_server: ZWS[build].ZwsDecoder(
                    limit, server, True
                ),
                _header,
                0,
            ),
            f"CURVE over ZWS {_side}, {_build}": (
                lambda limit, build=_build, server=_server: secured(
                    CURVE[build].CurveZwsDecoder(limit, server)
                ),
                _header,
                1,
            ),
        }


def outcome(decoder, data):
    """Return the error that ends the connection, or None if the decoder waits for more bytes."""
    while data:
        data = data[give(decoder, data) :]
        try:
            assert decoder.next() is None
        except ProtocolError as error:
            return type(error)
        assert len(decoder.get_buffer()) <= 1 << 18  # bytes that the decoder allocates
    return None


def expected(announced, body, limit):
    if announced >= 1 << 63:
        return "ProtocolError"
    limit = FRAME_MAX if limit < 0 else min(limit, FRAME_MAX)
    return "MessageTooLarge" if body > limit else None


def name_of(kind):
    if kind is None:
        return None
    return "MessageTooLarge" if issubclass(kind, MessageTooLarge) else "ProtocolError"


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("name", DECODERS)
def test_header_of_a_huge_frame(name, limit):
    make, header, overhead = DECODERS[name]
    for size in SIZES:
        found = name_of(outcome(make(limit), header(size) + b"abcdef"))
        assert found == expected(size, size - overhead, limit), size


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("name", [name for name in DECODERS if "ZWS" in name or "WebS" in name])
def test_huge_fragment_is_added_to_earlier_ones(name, limit):
    make, header, overhead = DECODERS[name]
    client = header is zws_from_client
    begin = b"\x02\x86" + MASK_KEY + MASK_KEY + MASK_KEY[:2] if client else b"\x02\x06" + bytes(6)
    before = 6 - overhead
    for size in SIZES:
        data = begin + (header(size, 0x80)[:-1]) + b"abcdef"
        found = name_of(outcome(make(limit), data))
        if 0 <= limit < before:
            assert found == "MessageTooLarge"
        else:
            assert found == expected(size, size + before, limit), size


@pytest.mark.parametrize("max_command", [0, 1000, (1 << 63) - 1])
@pytest.mark.parametrize("build", CODECS)
def test_header_of_a_huge_command(build, max_command):
    for size in SIZES:
        decoders = [
            (CODECS[build].Decoder(-1), zmtp(size, 6), size),
            (ZWS[build].ZwsDecoder(-1), zws_from_server(size)[:-1] + b"\2", size - 1),
        ]
        for decoder, header, body in decoders:
            decoder.max_command = max_command
            # RFC 37 limits sizes to 63 bits, so the decoder has this limit even without a limit
            # for commands.
            limit = min(max_command or FRAME_MAX, FRAME_MAX)
            assert name_of(outcome(decoder, header + b"ab")) == expected(size, body, limit), size


@pytest.mark.parametrize("build", CODECS)
def test_limit_of_unfinished_messages_near_2_63(build):
    for limit in ((1 << 63) - 1, (1 << 62) + 1):
        decoder = CODECS[build].Decoder()
        decoder.max_unfinished = limit
        give(decoder, b"\1\3abc" * 5 + b"\0\0")
        assert decoder.next() == [b"abc"] * 5 + [b""]
        decoder = ZWS[build].ZwsDecoder()
        decoder.max_unfinished = limit
        give(decoder, b"\2\4\0abc" + b"\0\3abc" * 5 + b"\x80\0")
        assert decoder.next() == b"abc" * 6


def test_decoder_recovers_after_a_memory_error(program):
    assert program((Path(__file__).parent / "out_of_memory.py").read_text()).line() == "right"


def test_zmtp_1_header_is_correct_in_every_batch():
    encoder, decoder = legacy.VERSION_1.make_encoder(), legacy.VERSION_1.make_decoder(-1)
    messages = [bytes([i % 251]) * size for i, size in enumerate([0, 253, 254, 8191, 8192] * 200)]
    left, found = list(messages), []
    while left or encoder.pending:
        while left and encoder.add(left[0]):
            del left[0]
        data = b"".join(bytes(part) for part in encoder.vector())
        encoder.advance(encoder.pending)
        while data:
            data = data[give(decoder, data) :]
            while (message := decoder.next()) is not None:
                found.append(message)
    assert found == messages
