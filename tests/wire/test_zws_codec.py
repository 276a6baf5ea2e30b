"""WebSocket frames are right in every byte (RFC 6455, RFC 45), in both builds."""

import itertools

import pytest
from builds import MASKS, ZWS
from hypothesis import given, settings
from hypothesis import strategies as st
from test_frame_codec import cuts, give, message
from wspeer import BINARY, CLOSE, CONTINUATION, MASK, PING, PONG, TEXT, frame

from zlinkcompat.wire.errors import MessageTooLarge, ProtocolError
from zlinkcompat.wire.ws.control import Close
from zlinkcompat.wire.zmtp.commands import Ping, Pong, Subscribe

KEY = b"\x11\x22\x33\x44"


@pytest.fixture(params=ZWS)
def codec(request):
    return ZWS[request.param]


def decoded(codec, data, cuts=(), max_size=-1, server=False, raw=False):
    """Decode ``data``; return messages, commands as ``(type, text)``, and the final error."""
    decoder = codec.ZwsDecoder(max_size, server, raw)
    found = []
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    try:
        for start, end in itertools.pairwise(places):
            while start < end:
                start += give(decoder, data[start:end])
                while (one := decoder.next()) is not None:
                    if decoder.is_command:
                        command = decoder.parse_command(one)
                        one = (
                            type(command).__name__,
                            getattr(command, "context", None) or getattr(command, "code", b""),
                        )
                    found.append(one)
                decoder.release_if_empty()
    except ProtocolError as error:
        return found, type(error).__name__
    return found, None


def encoded(codec, *messages, client=False, raw=False, text=False):
    encoder = codec.ZwsEncoder(client, raw, text)
    data = b""
    left = list(messages)
    while left or encoder.pending:
        while left and encoder.add(left[0]):
            del left[0]
        data += b"".join(bytes(part) for part in encoder.vector())
        encoder.advance(encoder.pending)
    return data


@pytest.mark.parametrize("message, data", [
    (b"", b"\x82\x01\0"),
    (b"a", b"\x82\x02\0a"),
    (b"x" * 124, b"\x82\x7d\0" + b"x" * 124),
    (b"x" * 125, b"\x82\x7e\0\x7e\0" + b"x" * 125),
    (b"x" * 65534, b"\x82\x7e\xff\xff\0" + b"x" * 65534),
    (b"x" * 65535, b"\x82\x7f" + (65536).to_bytes(8, "big") + b"\0" + b"x" * 65535),
    ([b"a", b"bc"], b"\x82\x02\1a\x82\x03\0bc"),
    (Subscribe(b"t"), b"\x82\x03\0\1t"),
], ids=["empty", "one", "124", "125", "64K-2", "64K-1", "parts", "subscription"])  # fmt: skip
def test_frame_bytes(codec, message, data):
    assert encoded(codec, message) == data
    if not isinstance(message, Subscribe):
        assert decoded(codec, data) == ([message], None)


def test_client_frame_is_masked_with_its_key(codec):
    data = encoded(codec, b"hello", client=True)
    assert len(data) == 2 + 4 + 6 and data[1] == MASK | 6
    assert data == frame(BINARY, b"\0hello", key=data[2:6])
    assert encoded(codec, b"hello", client=True)[2:6] != data[2:6]


def test_frames_of_one_batch_have_different_keys(codec):
    data = encoded(codec, *[b"x" * 20] * 300, client=True)
    size = 2 + 4 + 21
    keys = {data[at + 2 : at + 6] for at in range(0, len(data), size)}
    assert len(keys) > 290
    assert decoded(codec, data, server=True) == ([b"x" * 20] * 300, None)


# -- fragments (Autobahn 5.*) --------------------------------------------------------------


@pytest.mark.parametrize("key", [None, KEY], ids=["server", "client"])
@pytest.mark.parametrize(
    "between", [[], [(PING, b"p")], [(PONG, b"q"), (PING, b"")]], ids=["", "ping", "pong-ping"]
)
def test_fragments_are_joined(codec, key, between):
    data = frame(BINARY, b"\0abc", fin=False, key=key)
    data += b"".join(frame(*one, key=key) for one in between)
    data += frame(CONTINUATION, b"", fin=False, key=key)
    data += frame(CONTINUATION, b"def" * 10000, fin=False, key=key)
    data += frame(CONTINUATION, b"!", key=key) + frame(BINARY, b"\0next", key=key)
    found, error = decoded(codec, data, server=key is not None)
    assert error is None
    assert [one for one in found if type(one) is bytes] == [b"abc" + b"def" * 10000 + b"!", b"next"]
    assert len(found) == 2 + len(between)


@pytest.mark.parametrize("data", [
    frame(CONTINUATION, b"x"),
    frame(CONTINUATION, b"x", fin=False),
    frame(BINARY, b"\0x") + frame(CONTINUATION, b"y"),
    frame(BINARY, b"\0x", fin=False) + frame(BINARY, b"\0y"),
    frame(BINARY, b"\0x", fin=False) + frame(CONTINUATION, b"y") + frame(CONTINUATION, b"z"),
], ids=["5.9", "5.11", "5.14", "5.18", "5.13"])  # fmt: skip
def test_misplaced_fragments_are_refused(codec, data):
    assert decoded(codec, data)[1] == "WebSocketError"


# -- control frames (Autobahn 2.*, 7.*) ----------------------------------------------------


@pytest.mark.parametrize("payload", [b"", b"Hello", b"\0\xff\xfe", b"x" * 125])
def test_ping_and_pong_keep_their_payload(codec, payload):
    assert decoded(codec, frame(PING, payload)) == ([("Ping", payload or b"")], None)
    encoder = codec.ZwsEncoder()
    assert encoder.encode_command(Pong(payload)) == frame(PONG, payload)
    assert encoder.encode_command(Ping(7, b"")) == frame(PING)


@pytest.mark.parametrize("data", [
    frame(PING, b"x" * 126), frame(CLOSE, b"\x03\xe8" + b"x" * 124), frame(PING, b"x", fin=False),
    frame(CLOSE, b"", fin=False),
], ids=["2.5-long-ping", "7.3.6-long-close", "5.1-ping", "5.2-close"])  # fmt: skip
def test_invalid_control_frames(codec, data):
    assert decoded(codec, data)[1] == "WebSocketError"


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
def test_reserved_opcodes(codec, opcode):
    assert decoded(codec, frame(BINARY, b"\0a") + frame(opcode)) == ([b"a"], "WebSocketError")


@pytest.mark.parametrize("reserved", [1, 2, 4, 7])
@pytest.mark.parametrize("opcode", [BINARY, PING, CLOSE])
def test_reserved_bits(codec, opcode, reserved):
    assert decoded(codec, frame(opcode, b"\0a", reserved=reserved))[1] == "WebSocketError"


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1011, 3000, 3999, 4000, 4999])
def test_close_codes(codec, code):
    data = code.to_bytes(2, "big") + b"bye"
    assert decoded(codec, frame(CLOSE, data)) == ([("Close", code)], None)
    assert codec.ZwsEncoder().encode_command(Close(code, b"bye")) == frame(CLOSE, data)


def test_close_without_code(codec):
    assert decoded(codec, frame(CLOSE)) == ([("Close", 0)], None)
    assert codec.ZwsEncoder().encode_command(Close(0)) == frame(CLOSE)


@pytest.mark.parametrize("payload", [
    b"\x03", *(code.to_bytes(2, "big") for code in (0, 999, 1004, 1005, 1006, 1016, 1100, 2000,
                                                    2999, 5000, 65535)), b"\x03\xe8\xce\xba\xe1",
])  # fmt: skip
def test_invalid_close_frames(codec, payload):
    assert decoded(codec, frame(CLOSE, payload))[1] == "WebSocketError"


# -- ZeroMQ's additions --------------------------------------------------------------------


@pytest.mark.parametrize("server", [False, True])
def test_masking_is_required_from_clients_only(codec, server):
    data = frame(BINARY, b"\0a", key=None if server else KEY)
    assert decoded(codec, data, server=server)[1] == "WebSocketError"


@pytest.mark.parametrize("data", [
    frame(BINARY), frame(TEXT, b"\0a"), frame(BINARY, b"\4a"), frame(BINARY, b"\3a"),
    frame(BINARY, b"\x80a"), b"\x82\x7f\x80" + bytes(7),
], ids=["no-flags", "text", "flag4", "more-command", "flag80", "2**63"])  # fmt: skip
def test_invalid_message_frames(codec, data):
    assert decoded(codec, data)[1] == "WebSocketError"


def test_command_is_decoded(codec):
    decoder = codec.ZwsDecoder()
    give(decoder, frame(BINARY, b"\2\x05READY"))
    assert decoder.next() == b"\x05READY" and decoder.is_command
    assert decoder.parse_command(b"\x05READY").name == b"READY"


@pytest.mark.parametrize("data", [
    frame(BINARY, b"\0" + b"x" * 11), frame(BINARY, b"\0" + b"x" * 500),
    b"\x82\x7f" + (1 << 40).to_bytes(8, "big"),
    frame(BINARY, b"\0" + b"x" * 6, fin=False) + frame(CONTINUATION, b"x" * 5),
], ids=["11", "500", "2**40", "fragments"])  # fmt: skip
def test_frame_over_the_limit_is_refused(codec, data):
    assert decoded(codec, data, max_size=10) == ([], MessageTooLarge.__name__)


def test_frame_of_exactly_the_limit_is_accepted(codec):
    data = frame(BINARY, b"\0" + b"x" * 10) + frame(BINARY, b"\0xxxxx", fin=False)
    data += frame(CONTINUATION, b"x" * 5)
    assert decoded(codec, data, max_size=10) == ([b"x" * 10] * 2, None)


# -- plain WebSocket -----------------------------------------------------------------------


def test_unfinished_message_is_limited(codec):
    decoder = codec.ZwsDecoder()
    decoder.max_unfinished = 1000
    give(decoder, frame(BINARY, b"\0" + bytes(500), fin=False))
    give(decoder, frame(CONTINUATION, bytes(500), fin=False))
    assert decoder.next() is None
    give(decoder, frame(CONTINUATION, b"x", fin=False))
    with pytest.raises(MessageTooLarge, match="1001 bytes"):
        decoder.next()


def test_raw_messages_pass_unchanged(codec):
    data = frame(BINARY, b"\xffany") + frame(TEXT, "é".encode()) + frame(BINARY)
    assert decoded(codec, data, raw=True) == ([b"\xffany", "é".encode()], None)
    assert encoded(codec, b"any", raw=True) == frame(BINARY, b"any")
    assert encoded(codec, b"any", raw=True, text=True) == frame(TEXT, b"any")


def test_raw_text_is_utf8(codec):
    assert decoded(codec, frame(TEXT, b"\xff"), raw=True)[1] == "WebSocketError"
    halves = frame(TEXT, b"\xc3", fin=False) + frame(CONTINUATION, b"\xa9")
    assert decoded(codec, halves, raw=True) == ([b"\xc3\xa9"], None)


# -- properties ----------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=100), key=st.binary(min_size=4, max_size=4), phase=st.integers(0, 3))
def test_both_builds_mask_the_same(data, key, phase):
    expected = bytes(octet ^ key[(i + phase) % 4] for i, octet in enumerate(data))
    for module in MASKS.values():
        assert module.masked(data, key, phase) == expected


@settings(max_examples=60, deadline=None)
@given(messages=st.lists(message, max_size=8), cuts=cuts, client=st.booleans())
def test_encoded_messages_decode_in_any_pieces(messages, cuts, client):
    for writer in ZWS.values():
        data = encoded(writer, *messages, client=client)
        for reader in ZWS.values():
            assert decoded(reader, data, cuts, server=client) == (messages, None)


part = st.tuples(
    st.sampled_from([0, 1, 2, 8, 9, 10, 3]), st.binary(max_size=200), st.booleans(),
    st.sampled_from([None, KEY]), st.sampled_from([0, 0, 0, 1]),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    parts=st.lists(part, max_size=5),
    cuts=cuts,
    limit=st.sampled_from([-1, 10, 1000]),
    server=st.booleans(),
    raw=st.booleans(),
    tail=st.binary(max_size=20),
)
def test_both_builds_agree_on_arbitrary_bytes(parts, cuts, limit, server, raw, tail):
    data = (
        b"".join(
            frame(opcode, payload, fin, key, reserved)
            for opcode, payload, fin, key, reserved in parts
        )
        + tail
    )
    results = [decoded(codec, data, cuts, limit, server, raw) for codec in ZWS.values()]
    assert all(result == results[0] for result in results)
    whole = decoded(ZWS["pure"], data, (), limit, server, raw)
    assert whole == results[0]


@settings(max_examples=60, deadline=None)
@given(messages=st.lists(message, min_size=1, max_size=8), data=st.data(), client=st.booleans())
def test_partial_writes(messages, data, client):
    """If the transport accepts arbitrary amounts, each message finishes with its last byte."""
    sizes = [len(encoded(ZWS["pure"], one, client=client)) for one in messages]
    ends = [sum(sizes[: n + 1]) for n in range(len(sizes))]
    takes = data.draw(st.lists(st.integers(1, ends[-1]), max_size=20))
    for codec in ZWS.values():
        encoder = codec.ZwsEncoder(client)
        left, written, finished, steps = list(messages), b"", 0, list(takes)
        while left or encoder.pending:
            if not encoder.pending:
                while left and encoder.add(left[0]):
                    del left[0]
            pieces = b"".join(bytes(piece) for piece in encoder.vector())
            count = min(steps.pop(0) if steps else ends[-1], len(pieces))
            written += pieces[:count]
            finished += encoder.advance(count)
            assert finished == sum(end <= len(written) for end in ends)
            assert encoder.has_partial_write == (len(written) not in (0, *ends))
        assert decoded(codec, written, server=client) == (messages, None)


@pytest.mark.parametrize("raw", [True, False])
def test_fragments_split_at_any_byte(codec, raw):
    """A fragment that arrives in two pieces is decoded according to its own header."""
    kind, mark = (TEXT, b"") if raw else (BINARY, b"\0")
    data = frame(kind, mark + b"0123456789", fin=False) + frame(CONTINUATION, b"abc")
    expected = b"0123456789abc"
    for cut in range(1, len(data)):
        assert decoded(codec, data, (cut,), raw=raw) == ([expected], None)
