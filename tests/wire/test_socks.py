"""The dialogue with a SOCKS 5 proxy is right in every octet (RFC 1928, RFC 1929)."""

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zlinkcompat.wire.socks import dialogue

BOUND = b"\0\1" + bytes(4 + 2)  # the end of an answer, after version and reply code


def talk(answers, *args):
    """Return what the dialogue sends to a proxy that gives ``answers``, and the unread octets."""
    steps = dialogue(*args)
    said = []
    heard = None
    while True:
        try:
            out, wanted = steps.send(heard)
        except StopIteration:
            return b"".join(said), answers
        said.append(out)
        assert wanted > 0
        if len(answers) < wanted:
            raise EOFError
        heard, answers = answers[:wanted], answers[wanted:]


@pytest.mark.parametrize(
    "host, address",
    [
        ("192.0.2.1", b"\1\xc0\0\2\1"),
        ("::1", b"\4" + bytes(15) + b"\1"),
        ("a.example", b"\3\x09a.example"),
        ("x" * 255, b"\3\xff" + b"x" * 255),
    ],
)
def test_without_authentication(host, address):
    said, left = talk(b"\5\0" + b"\5\0" + BOUND + b"the peer's", host, 5555)
    assert said == b"\5\1\0" + b"\5\1\0" + address + (5555).to_bytes(2, "big")
    assert left == b"the peer's"


@pytest.mark.parametrize(
    "user, password", [(b"me", b"hush"), (b"me", b""), (b"u" * 255, b"p" * 255)]
)
def test_with_user_name_and_password(user, password):
    said, left = talk(b"\5\2" + b"\1\0" + b"\5\0" + BOUND, "::1", 1, user, password)
    credentials = bytes([1, len(user)]) + user + bytes([len(password)]) + password
    assert said.startswith(b"\5\1\2" + credentials + b"\5\1\0\4") and left == b""


@pytest.mark.parametrize(
    "where", [b"\1" + bytes(4), b"\4" + bytes(16), b"\3\0", b"\3\x05proxy", b"\3\xff" + bytes(255)]
)
def test_any_bound_address_of_the_proxy(where):
    assert talk(b"\5\0" + b"\5\0\0" + where + b"\0\1" + b"!", "a", 1)[1] == b"!"


@pytest.mark.parametrize(
    "answers, number, text",
    [
        (b"\5\xff", errno.EACCES, "does not accept no authentication"),
        (b"\5\2", errno.EACCES, "does not accept no authentication"),
        (b"\4\0", errno.EPROTO, "version 4"),
        (b"HTTP/1.1 400", errno.EPROTO, "version 72"),
        (b"\5\0" + b"\5\1", errno.EPROTO, "general failure"),
        (b"\5\0" + b"\5\2", errno.EACCES, "rules"),
        (b"\5\0" + b"\5\3", errno.ENETUNREACH, "network"),
        (b"\5\0" + b"\5\4", errno.EHOSTUNREACH, "host"),
        (b"\5\0" + b"\5\5", errno.ECONNREFUSED, "refused"),
        (b"\5\0" + b"\5\6", errno.ETIMEDOUT, "time"),
        (b"\5\0" + b"\5\x09", errno.EPROTO, "reply 9"),
        (b"\5\0" + b"\4\0", errno.EPROTO, "version 4"),
        (b"\5\0" + b"\5\0\0\2\0", errno.EPROTO, "kind 2"),
        (b"\5\0" + b"\5\0\1\1\0", errno.EPROTO, "not SOCKS 5"),
    ],
)
def test_refusing_or_invalid_proxy(answers, number, text):
    with pytest.raises(OSError, match=text) as caught:
        talk(answers, "a", 1)
    assert caught.value.errno == number


@pytest.mark.parametrize(
    "answers, number",
    [
        (b"\5\0", errno.EACCES),
        (b"\5\xff", errno.EACCES),
        (b"\5\2" + b"\1\1", errno.EACCES),
        (b"\5\2" + b"\5\0", errno.EPROTO),
    ],
)
def test_refused_authentication(answers, number):
    with pytest.raises(OSError) as caught:
        talk(answers, "a", 1, b"me", b"hush")
    assert caught.value.errno == number and "hush" not in str(caught.value)


@pytest.mark.parametrize("host", ["", "x" * 256])
def test_unrepresentable_host(host):
    with pytest.raises(OSError) as caught:
        talk(b"\5\0", host, 1)
    assert caught.value.errno == errno.EINVAL


@given(st.binary(max_size=40), st.sampled_from([b"", b"me"]))
def test_arbitrary_answers_raise_only_the_typed_error(answers, user):
    try:
        talk(answers, "a", 1, user)
    except (OSError, EOFError):
        pass
