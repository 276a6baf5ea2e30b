"""Each mechanism sends a ZAP request when it has to, and follows the handler's reply."""

import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st
from mechanismtalk import CLIENT, KINDS, Talk, give, make, talk

from zlinkcompat.core.options import Options
from zlinkcompat.wire.errors import AuthenticationFailed, ProtocolError
from zlinkcompat.wire.security import mechanisms
from zlinkcompat.wire.security.zap import ZapReply, ZapRequest, parse_reply

CREDENTIALS = {"null": [], "plain": [b"user", b"secret"], "curve": [CLIENT[0]]}


@pytest.mark.parametrize("kind", KINDS)
def test_zap_request_frames(kind):
    told = talk(kind, server={"ZAP_DOMAIN": b"global", "ROUTING_ID": b"srv"}).run()
    (question,) = told.questions
    assert question.frames("10.0.0.1") == [
        b"",
        b"1.0",
        b"1",
        b"global",
        b"10.0.0.1",
        b"srv",
        kind.upper().encode(),
        *CREDENTIALS[kind],
    ]


@pytest.mark.parametrize(
    "kind, server, required",
    [
        ("null", {"ZAP_DOMAIN": b""}, None),
        ("null", {"ZAP_ENFORCE_DOMAIN": 1, "ZAP_DOMAIN": b""}, None),
        ("null", {}, False),
        ("null", {"ZAP_ENFORCE_DOMAIN": 1}, True),
        ("plain", {}, True),
        ("curve", {}, False),
        ("curve", {"ZAP_ENFORCE_DOMAIN": 1}, None),
        ("curve", {"ZAP_DOMAIN": b"x"}, False),
        ("curve", {"ZAP_DOMAIN": b"x", "ZAP_ENFORCE_DOMAIN": 1}, True),
    ],
)
def test_when_a_zap_handler_is_asked_and_required(kind, server, required):
    """``required`` says whether the handshake needs a handler; None means no ZAP request."""
    server = dict(server)
    if server.get("ZAP_DOMAIN") == b"":
        del server["ZAP_DOMAIN"]
        side = mechanisms.create(configured(Options(zmq.PULL), server))
        told = Talk(make(kind, "client"), side).run()
    else:
        told = talk(kind, None, server=server).run()
    assert told.done
    assert [question.required for question in told.questions] == [required] * (required is not None)


def configured(options, named):
    for name, value in named.items():
        options.set(getattr(zmq, name), value)
    return options


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "status, command",
    [
        (300, b""),
        (400, b"\5ERROR\x03400"),
        (500, b"\5ERROR\x03500"),
    ],
)
def test_refusal_by_the_handler(kind, status, command):
    told = talk(kind, ZapReply(status, "no", {}))
    with pytest.raises(AuthenticationFailed) as caught:
        told.run()
    assert (caught.value.code, caught.value.command) == (status, command)
    assert not told.server.done and not told.client.done
    assert b"READY" not in b"".join(told.said[1:])
    if command:
        with pytest.raises(AuthenticationFailed) as caught:
            give(told.client, command)
        assert caught.value.code == status


@pytest.mark.parametrize("kind", ["plain", "curve"])
def test_commands_before_the_zap_reply_are_refused(kind):
    told = talk(kind)
    said = talk(kind).run().said
    told.server.start()
    body = told.client.start()
    while told.server.zap_request is None:
        answer = give(told.server, body)
        if answer is not None:
            body = give(told.client, answer)
    for command in said:
        with pytest.raises(ProtocolError):
            give(told.server, command)


@pytest.mark.parametrize("kind", KINDS)
def test_peer_cannot_set_its_own_user_id(kind):
    client = make(kind, "client")
    told = client.properties()
    client.properties = lambda: told + b"\7User-Id\0\0\0\4root" + b"\7USER-ID\0\0\0\4root"
    done = Talk(client, make(kind, "server"), ZapReply(200, "", {b"User-Id": b"guest"})).run()
    assert done.server.zap_metadata[b"User-Id"] == b"guest"
    assert done.server.peer_metadata == {b"Socket-Type": b"PUSH"}


def test_zap_reply_is_parsed():
    zap_reply = parse_reply(
        [b"", b"1.0", b"1", b"200", b"fine \xff", b"user", b"\3X-a\0\0\0\1b\7User-Id\0\0\0\1c"]
    )
    assert (zap_reply.status, zap_reply.text) == (200, "fine \ufffd")
    assert zap_reply.metadata == {b"X-a": b"b", b"User-Id": b"user"}


@given(
    st.one_of(
        st.binary(max_size=9),
        st.lists(st.binary(max_size=9), max_size=9),
        st.tuples(
            st.just(b""),
            st.just(b"1.0"),
            st.just(b"1"),
            st.sampled_from([b"200", b"300", b"2000", b""]),
            st.binary(max_size=9),
            st.binary(max_size=9),
            st.binary(max_size=30),
        ).map(list),
    )
)
def test_arbitrary_zap_replies(message):
    try:
        zap_reply = parse_reply(message)
    except ProtocolError as error:
        assert error.code >> 28 == 2
    else:
        assert zap_reply.status in (200, 300, 400, 500) and b"User-Id" in zap_reply.metadata


def test_zap_request_without_credentials():
    assert ZapRequest(b"", b"", b"NULL", [], False).frames("::1")[4:] == [b"::1", b"", b"NULL"]
