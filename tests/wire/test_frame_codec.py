"""Frames are right in every byte (RFC 37, "Framing"), in both builds."""

import itertools

import pytest
from builds import CODECS
from hypothesis import given, settings
from hypothesis import strategies as st

from zlinkcompat.tuning import Tuning
from zlinkcompat.wire.errors import MessageTooLarge, ProtocolError


@pytest.fixture(params=CODECS)
def codec(request):
    return CODECS[request.param]


def encoded(codec, *messages, minor=1):
    """Encode ``messages``, each written with one call, and return all bytes."""
    encoder = codec.Encoder(minor)
    data = b""
    left = list(messages)
    while left or encoder.pending:
        while left and encoder.add(left[0]):
            del left[0]
        data += b"".join(bytes(part) for part in encoder.vector())
        encoder.advance(encoder.pending)
    return data


def give(decoder, data):
    """Give the decoder as much of ``data`` as it has room for; return the number of bytes."""
    with decoder.get_buffer() as room:
        count = min(len(room), len(data))
        room[:count] = data[:count]
    decoder.commit(count)
    return count


def decoded(codec, data, cuts=(), max_size=-1):
    """Decode ``data``, cut into pieces at ``cuts``; return its messages and the final error."""
    decoder = codec.Decoder(max_size)
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
        return found, (type(error), error.offset, error.code)
    return found, None


@pytest.mark.parametrize("message, data", [
    (b"", b"\0\0"),
    (b"a", b"\0\1a"),
    (b"x" * 255, b"\0\xff" + b"x" * 255),
    (b"x" * 256, b"\2\0\0\0\0\0\0\1\0" + b"x" * 256),
    ([b"a", b"", b"bc"], b"\1\1a" + b"\1\0" + b"\0\2bc"),
    ([b"x" * 300, b"y"], b"\3\0\0\0\0\0\0\1\x2c" + b"x" * 300 + b"\0\1y"),
], ids=["empty", "one", "255", "256", "parts", "long-part"])  # fmt: skip
def test_frame_bytes(codec, message, data):
    assert encoded(codec, message) == data
    assert decoded(codec, data) == ([(False, message)], None)


def test_frames_over_the_read_size_have_their_own_memory(codec):
    """With IN_BATCH_SIZE 1 a frame would otherwise be read byte by byte."""
    decoder = codec.Decoder(-1, Tuning({"in_batch_size": 1}))
    data, reads = encoded(codec, b"x" * 8000, b"y"), 0
    found = []
    while data:
        data = data[give(decoder, data) :]
        reads += 1
        while (message := decoder.next()) is not None:
            found.append(message)
    assert found == [b"x" * 8000, b"y"]
    assert reads == (9 + 1) + (2 + 1)  # each header byte by byte, and each body at once


def test_command_is_decoded(codec):
    assert decoded(codec, b"\4\5\4PING") == ([(True, b"\4PING")], None)


@pytest.mark.parametrize("flags", [8, 0x10, 0x80, 0xF8, 9, 0x0C])
def test_reserved_flags_are_refused(codec, flags):
    found, (kind, offset, _) = decoded(codec, b"\0\1a" + bytes([flags, 0]))
    assert (found, kind, offset) == ([(False, b"a")], ProtocolError, 3)


def test_command_with_more_flag_is_refused(codec):
    _, (kind, offset, _) = decoded(codec, b"\5\0")
    assert (kind, offset) == (ProtocolError, 0)


@pytest.mark.parametrize("header", [b"\2\x80" + bytes(7), b"\2" + b"\xff" * 8])
def test_impossible_size_is_refused(codec, header):
    _, (kind, offset, _) = decoded(codec, header)
    assert issubclass(kind, ProtocolError) and offset == 1


@pytest.mark.parametrize("size", [11, 255, 256, 1 << 40])
def test_frame_over_the_limit_is_refused(codec, size):
    header = b"\2" + size.to_bytes(8, "big") if size > 255 else bytes([0, size])
    _, (kind, _, _) = decoded(codec, header, max_size=10)
    assert kind is MessageTooLarge


def test_frame_of_exactly_the_limit_is_accepted(codec):
    assert decoded(codec, b"\0\x0a" + b"x" * 10, max_size=10) == ([(False, b"x" * 10)], None)


@pytest.mark.parametrize("size", [0, 10, 300, 20000])
def test_unfinished_message_is_limited(codec, size):
    part = encoded(codec, [bytes(size), b""])[:-2]
    decoder = codec.Decoder()
    decoder.max_unfinished = 3 * (size + 48)

    def take(data):
        while data:
            data = data[give(decoder, data) :]
            while (message := decoder.next()) is not None:
                yield message

    # Neither finished messages nor the last frame of a message count towards the limit.
    for _ in range(2):
        assert list(take(3 * part + b"\0\xff" + bytes(255))) == [[bytes(size)] * 3 + [bytes(255)]]
    with pytest.raises(MessageTooLarge, match="4 frames"):
        list(take(4 * part))


def test_raw_bytes_pass_unchanged(codec):
    decoder, encoder = codec.RawDecoder(), codec.RawEncoder()
    give(decoder, b"\0\1anything")
    assert decoder.next() == b"\0\1anything" and decoder.next() is None
    assert encoder.add(b"\xff" * 10000)
    assert b"".join(bytes(part) for part in encoder.vector()) == b"\xff" * 10000


# Sizes around the limits of short frames, of copied frames and of the read buffer.
sizes = st.sampled_from([0, 1, 2, 254, 255, 256, 257, 4095, 4096, 8191, 8192, 8193, 20000, 70000])
frame = st.one_of(st.binary(max_size=40), sizes.map(lambda size: bytes([size % 251]) * size))
message = st.one_of(frame, st.lists(frame, min_size=2, max_size=6))
cuts = st.lists(st.integers(0, 200000), max_size=12)


@settings(max_examples=60, deadline=None)
@given(messages=st.lists(message, max_size=8), cuts=cuts)
def test_encoded_messages_decode_in_any_pieces(messages, cuts):
    streams = {name: encoded(codec, *messages) for name, codec in CODECS.items()}
    assert len(set(streams.values())) == 1
    for codec in CODECS.values():
        expected = ([(False, message) for message in messages], None)
        assert decoded(codec, streams["pure"], cuts) == expected


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=200), cuts=cuts, limit=st.sampled_from([-1, 0, 10, 1000]))
def test_both_builds_agree_on_arbitrary_bytes(data, cuts, limit):
    results = [decoded(codec, data, cuts, limit) for codec in CODECS.values()]
    assert all(result == results[0] for result in results)


@settings(max_examples=60, deadline=None)
@given(messages=st.lists(message, min_size=1, max_size=8), data=st.data())
def test_partial_writes(messages, data):
    """If the transport accepts arbitrary amounts, each message finishes with its last byte."""
    total = len(encoded(CODECS["pure"], *messages))
    ends = [len(encoded(CODECS["pure"], *messages[: n + 1])) for n in range(len(messages))]
    takes = data.draw(st.lists(st.integers(1, max(1, total)), max_size=20))
    for codec in CODECS.values():
        encoder = codec.Encoder(1)
        left, written, finished, steps = list(messages), b"", 0, list(takes)
        while left or encoder.pending:
            if not encoder.pending:
                while left and encoder.add(left[0]):
                    del left[0]
            pieces = b"".join(bytes(part) for part in encoder.vector())
            count = min(steps.pop(0) if steps else total, len(pieces))
            written += pieces[:count]
            finished += encoder.advance(count)
            assert finished == sum(end <= len(written) for end in ends)
            assert encoder.has_partial_write == (len(written) not in (0, *ends))
        assert decoded(codec, written)[0] == [(False, message) for message in messages]


def test_written_frames_are_released_while_the_rest_waits(codec, phases):
    class Frame:
        def __init__(self, size):
            self.data = bytearray(size)
            self.buffer = memoryview(self.data)

    encoder = codec.Encoder()
    frames = [Frame(100000) for _ in range(3)]
    assert all(encoder.add(frame) for frame in frames)
    for frame in frames:
        del frame.buffer
    for frame in frames:
        encoder.advance(9 + 99999)
        with pytest.raises(BufferError):
            frame.data.append(0)
        encoder.advance(1)
        frame.data.append(0)


# -- several messages at once --------------------------------------------------------------

MESSAGES = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.sampled_from([b"", b"x" * 255, b"x" * 256, b"x" * 9000]),
        st.lists(st.binary(max_size=5), min_size=2, max_size=3),
    )
)


def shape(message):
    """Return a message in decoded form: a list of parts, or bytes if there is one part."""
    return [bytes(each) for each in message] if type(message) is list else bytes(message)


@pytest.mark.parametrize("name", CODECS)
@given(messages=MESSAGES, cuts=st.lists(st.integers(0, 20_000)), most=st.integers(1, 5))
def test_batch_decoding_equals_single_steps(name, messages, cuts, most):
    codec = CODECS[name]
    data = encoded(codec, *messages)
    decoder = codec.Decoder()
    found = []
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    for start, end in itertools.pairwise(places):
        while start < end:
            start += give(decoder, data[start:end])
            while True:
                batch = decoder.next_batch(most)
                if batch is not None:
                    assert 0 < len(batch) <= most
                    found += batch
                elif (message := decoder.next()) is not None:
                    found.append(message)
                else:
                    break
    assert found == messages and decoder.position == len(data)


@pytest.mark.parametrize("name", CODECS)
@given(messages=MESSAGES, copied=st.booleans())
def test_batch_encoding_equals_single_steps(name, messages, copied):
    codec = CODECS[name]
    encoder = codec.Encoder(1, tuning=Tuning({"zerocopy_write": int(not copied)}))
    data = b""
    left = list(messages)
    finished = 0
    while left or encoder.pending:
        whole = encoder.add_all(left)
        assert whole == (encoder.accepted == len(left))
        del left[: encoder.accepted]
        data += b"".join(bytes(part) for part in encoder.vector())
        finished += encoder.advance(encoder.pending)
    assert data == encoded(codec, *messages) and finished == len(messages)


@pytest.mark.parametrize("what", ["command", "reserved", "large", "parts", "handshake"])
def test_a_batch_ends_before_other_frames(codec, what):
    decoder = codec.Decoder(10)
    begin = {"command": b"\4\5\4PING", "reserved": b"\x08\0", "large": b"\0\x0b", "parts": b"\1\0"}
    if what == "handshake":
        decoder.commands_only = True
        give(decoder, b"\0\1a")
    else:
        give(decoder, b"\0\1a\0\1b" + begin[what])
        assert decoder.next_batch(9) == [b"a", b"b"]
    assert decoder.next_batch(9) is None


def test_unencodable_message_is_identified_by_its_position(codec):
    encoder = codec.Encoder()
    with pytest.raises(AttributeError):
        encoder.add_all([b"a", b"b", 3, b"c"])
    assert encoder.accepted == 2
    assert encoder.advance(encoder.pending) == 2
