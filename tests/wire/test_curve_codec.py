"""Encrypted messages are right in every byte (RFC 26, "Message Framing"), in both builds."""

import itertools
from struct import pack

import pytest
from builds import CURVE
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.bindings import crypto_box_afternm, crypto_box_open_afternm
from test_frame_codec import give

from zlinkcompat.wire import errors
from zlinkcompat.wire.errors import CryptoError, ProtocolError
from zlinkcompat.wire.zmtp.commands import Cancel, Ping, Subscribe

KEY = bytes(range(32))
PREFIX = b"CurveZMQMESSAGEC"
FIRST = 3
KINDS = ("zmtp", "zws-client", "zws-server")


class Holder:
    """A message part that is not bytes."""

    def __init__(self, data):
        self.buffer = memoryview(data)


@pytest.fixture(params=CURVE)
def codec(request):
    return CURVE[request.param]


def make_encoder(codec, kind="zmtp", minor=1):
    if kind == "zmtp":
        encoder = codec.CurveEncoder(minor)
    else:
        encoder = codec.CurveZwsEncoder(kind == "zws-client")
    encoder.secure(KEY, PREFIX, FIRST)
    return encoder


def make_decoder(codec, kind="zmtp", max_size=-1):
    if kind == "zmtp":
        decoder = codec.CurveDecoder(max_size)
    else:
        decoder = codec.CurveZwsDecoder(max_size, kind == "zws-client")
    decoder.secure(KEY, PREFIX, FIRST - 1)
    return decoder


def written(encoder):
    data = b"".join(bytes(part) for part in encoder.vector())
    encoder.advance(encoder.pending)
    return data


def encoded(codec, *messages, kind="zmtp", minor=1):
    """Encode ``messages``, and return the bytes of all batches."""
    encoder = make_encoder(codec, kind, minor)
    batches = []
    left = list(messages)
    while left or encoder.pending:
        while left and encoder.add(left[0]):
            del left[0]
        batches.append(written(encoder))
    return b"".join(batches)


def decoded(codec, data, cuts=(), kind="zmtp", max_size=-1):
    """Decode ``data``, cut into pieces at ``cuts``; return its messages and the final error."""
    decoder = make_decoder(codec, kind, max_size)
    found = []
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    try:
        for start, end in itertools.pairwise(places):
            while start < end:
                start += give(decoder, data[start:end])
                while (message := decoder.next()) is not None:
                    found.append((decoder.is_command, message))
                decoder.release_if_empty()
    except ProtocolError as error:
        return found, (type(error), error.code)
    return found, None


def box(data, nonce=FIRST, flags=0, key=KEY):
    """Return the body of a frame that has ``data`` encrypted."""
    short = pack(">Q", nonce)
    return b"\x07MESSAGE" + short + crypto_box_afternm(bytes([flags]) + data, PREFIX + short, key)


def frame(body, flags=0):
    if len(body) > 255:
        return pack(">BQ", flags | 2, len(body)) + body
    return bytes([flags, len(body)]) + body


# -- byte by byte --------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 222, 223, 4062, 4063, 4064, 100_000])
def test_message_bytes(codec, size):
    data = bytes(range(256)) * (size // 256 + 1)
    message = data[:size]
    wire = encoded(codec, message)
    assert wire == frame(box(message))
    assert encoded(codec, Holder(message)) == wire
    assert decoded(codec, wire) == ([(False, message)], None)


def test_parts_and_nonces(codec):
    wire = encoded(codec, [b"a", b"", b"c"], b"d")
    assert wire == b"".join(
        [
            frame(box(b"a", 3, 1)),
            frame(box(b"", 4, 1)),
            frame(box(b"c", 5)),
            frame(box(b"d", 6)),
        ]
    )
    assert decoded(codec, wire) == ([(False, [b"a", b"", b"c"]), (False, b"d")], None)


def test_subscriptions_to_peers_of_both_minor_versions(codec):
    wanted = (Subscribe(b"topic"), Cancel(b"x" * 300))
    commands = [frame(box(b"\x09SUBSCRIBEtopic", 3, 2)), frame(box(b"\6CANCEL" + b"x" * 300, 4, 2))]
    messages = [frame(box(b"\1topic", 3)), frame(box(b"\0" + b"x" * 300, 4))]
    assert encoded(codec, *wanted) == b"".join(commands)
    assert encoded(codec, *wanted, minor=0) == b"".join(messages)


def test_commands_between_parts(codec):
    wire = frame(box(b"a", 3, 1)) + frame(box(b"\4PING\0\0", 4, 2)) + frame(box(b"b", 5))
    assert decoded(codec, wire) == ([(True, b"\4PING\0\0"), (False, [b"a", b"b"])], None)


@pytest.mark.parametrize("kind", KINDS)
def test_unfinished_message_is_limited(codec, kind):
    decoder = make_decoder(codec, kind)
    decoder.max_unfinished = 3 * 50
    fits, more = [b"12", b"34", b"56", b"last one"], [b"12", b"34", b"56", b"78", b"last"]
    data = encoded(codec, fits, fits, more, kind=kind)
    give(decoder, data)
    assert [decoder.next(), decoder.next()] == [fits, fits]
    with pytest.raises(errors.MessageTooLarge, match="4 frames"):
        decoder.next()


def test_heartbeat_is_encrypted_in_order(codec):
    encoder = make_encoder(codec)
    encoder.add(b"before")
    wire = written(encoder)
    encoder.add_control(encoder.encode_command(Ping(7, b"ctx")))
    encoder.add(b"behind")
    wire += written(encoder)
    found, error = decoded(codec, wire)
    assert found == [(False, b"before"), (True, b"\4PING\0\7ctx"), (False, b"behind")]
    assert error is None


def test_equal_messages_have_different_ciphertext(codec):
    wire = encoded(codec, b"same", b"same")
    assert wire[: len(wire) // 2] != wire[len(wire) // 2 :]


def test_handshake_commands_are_not_encrypted(codec):
    decoder = codec.CurveDecoder()
    give(decoder, b"\4\5\4PONG")
    assert decoder.next() == b"\4PONG" and decoder.is_command
    decoder.secure(KEY, PREFIX, FIRST - 1)
    give(decoder, frame(box(b"now")))
    assert decoder.next() == b"now"


def test_outer_command_flag_is_accepted_as_in_libzmq(codec):
    """A frame with the flag COMMAND is accepted: RFC 26 calls MESSAGE a command.

    libzmq accepts both, and sends MESSAGE without the flag.
    """
    assert decoded(codec, frame(box(b"x"), 4)) == ([(False, b"x")], None)


# -- invalid frames ------------------------------------------------------------------------

GOOD = frame(box(b"good"))
BAD = {
    "replayed": (GOOD, errors.INVALID_SEQUENCE),
    "out-of-order": (frame(box(b"x", 9)) + frame(box(b"y", 8)), errors.INVALID_SEQUENCE),
    "of-the-handshake": (frame(box(b"x", 2)), errors.INVALID_SEQUENCE),
    "nonce-0": (frame(box(b"x", 0)), errors.INVALID_SEQUENCE),
    "other-key": (frame(box(b"x", 4, key=bytes(32))), errors.CRYPTOGRAPHIC),
    "nonce-changed": (
        frame(box(b"x", 4).replace(pack(">Q", 4), pack(">Q", 5))),
        errors.CRYPTOGRAPHIC,
    ),
    "plain": (frame(b"hello"), errors.UNEXPECTED_COMMAND),
    "plain-command": (frame(b"\4PING\0\0", 4), errors.UNEXPECTED_COMMAND),
    "empty": (frame(b""), errors.UNEXPECTED_COMMAND),
    "word-only": (frame(b"\x07MESSAGE"), errors.MALFORMED_MESSAGE),
    "no-flags": (frame(box(b"", 4)[:32]), errors.MALFORMED_MESSAGE),
    "reserved-flags": (frame(box(b"x", 4, 4)), errors.MALFORMED_MESSAGE),
    "command-with-more": (frame(box(b"x", 4, 3)), errors.MALFORMED_MESSAGE),
    "more-in-the-open": (frame(box(b"x", 4), 1), errors.MALFORMED_MESSAGE),
}


@pytest.mark.parametrize("name", BAD)
def test_invalid_frame_ends_the_connection(codec, name):
    wire, code = BAD[name]
    found, error = decoded(codec, GOOD + wire)
    assert found[0] == (False, b"good") and error == (CryptoError, code)
    assert all(message == b"x" for _, message in found[1:])


@pytest.mark.parametrize("size", [17, 5000])
def test_any_changed_bit_is_detected(codec, size):
    body = box(bytes(size))
    for at in (*range(16, 49), len(body) - 1):
        for bit in (1, 0x80):
            forged = bytearray(body)
            forged[at] ^= bit
            found, error = decoded(codec, frame(bytes(forged)))
            assert (found, error) == ([], (CryptoError, errors.CRYPTOGRAPHIC)), at


def test_truncated_data_waits_for_more(codec):
    wire = encoded(codec, [b"a" * 300, b"b"], b"c")
    for size in range(len(wire)):
        found, error = decoded(codec, wire[:size])
        assert error is None and len(found) < 2


def test_limit_counts_encrypted_bytes_as_in_libzmq(codec):
    assert decoded(codec, frame(box(bytes(67))), max_size=100) == ([(False, bytes(67))], None)
    found, error = decoded(codec, frame(box(bytes(68))), max_size=100)
    assert (found, error) == ([], (errors.MessageTooLarge, errors.MALFORMED_MESSAGE))


@pytest.mark.parametrize("key, prefix", [(KEY[1:], PREFIX), (KEY, PREFIX[1:])])
def test_key_of_wrong_size_is_refused(key, prefix):
    codec = next(iter(CURVE.values()))
    if codec.__file__.endswith(".py"):
        pytest.skip("only raw memory has to be guarded")
    for side in (codec.CurveEncoder(), codec.CurveDecoder()):
        with pytest.raises(ValueError):
            side.secure(key, prefix, 1)


# -- over ZWS --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count, size", [(2000, 20), (40, 4000), (40, 4063), (9, 70_000)])
def test_batches_are_decoded(codec, kind, count, size):
    messages = [bytes([number % 251]) * size for number in range(count)]
    found, error = decoded(codec, encoded(codec, *messages, kind=kind), kind=kind)
    assert error is None and [message for _, message in found] == messages


@pytest.mark.parametrize("kind", KINDS[1:])
def test_websocket_control_frames_are_not_encrypted(codec, kind):
    encoder = make_encoder(codec, kind)
    encoder.add_control(encoder.encode_command(Ping(0, b"ctx")))
    encoder.add([b"a", b"b"])
    decoder = make_decoder(codec, kind)
    give(decoder, written(encoder))
    assert decoder.next() == b"ctx" and decoder.is_command
    assert type(decoder.parse_command(b"ctx")) is Ping
    assert decoder.next() == [b"a", b"b"] and not decoder.is_command


# -- arbitrary data ------------------------------------------------------------------------

parts = st.one_of(st.binary(max_size=40), st.binary(min_size=1, max_size=9).map(lambda b: b * 900))
messages = st.lists(st.one_of(parts, st.lists(parts, min_size=2, max_size=4)), max_size=6)


@given(messages, st.lists(st.integers(0, 40_000), max_size=6), st.sampled_from(KINDS))
def test_messages_arrive_in_any_pieces(sent, cuts, kind):
    wires = []
    for codec in CURVE.values():
        wire = encoded(codec, *sent, kind=kind)
        wires.append(wire if kind != "zws-client" else len(wire))  # masks are random
        for other in CURVE.values():
            found, error = decoded(other, wire, cuts, kind)
            assert error is None and [message for _, message in found] == sent
    assert all(wire == wires[0] for wire in wires)


@settings(max_examples=300)
@given(st.binary(max_size=300), st.integers(0, 300), st.sampled_from(KINDS))
def test_arbitrary_bytes(data, cut, kind):
    """Arbitrary bytes give messages or a ProtocolError, and both builds give the same."""
    wire = encoded(next(iter(CURVE.values())), b"first", kind=kind) + data
    results = [decoded(codec, wire, [cut], kind) for codec in CURVE.values()]
    assert all(result == results[0] for result in results)
    assert results[0][0][0] == (False, b"first")


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(0, 255), st.binary())
def test_arbitrary_nonce_and_flags(first, second, flags, data):
    wire = frame(box(data, first, flags)) + frame(box(data, second))
    results = [decoded(codec, wire) for codec in CURVE.values()]
    assert all(result == results[0] for result in results)
    found, error = results[0]
    if first < FIRST or flags > 2:
        assert found == []
    if second <= first:
        assert error is not None


def test_boxes_can_be_opened_by_libsodium():
    wire = encoded(next(iter(CURVE.values())), b"text")
    opened = crypto_box_open_afternm(wire[2 + 16 :], PREFIX + pack(">Q", FIRST), KEY)
    assert opened == b"\0text"
