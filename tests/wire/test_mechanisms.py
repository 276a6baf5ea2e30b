"""Each mechanism answers each command with the right bytes."""

from struct import pack

import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st
from mechanismtalk import GOOD, KINDS, NAMES, OTHER, Talk, fails, give, make, talk

from zlinkcompat.wire import errors
from zlinkcompat.wire.errors import ProtocolError
from zlinkcompat.wire.security import sodium, z85
from zlinkcompat.wire.zmtp import commands


@pytest.mark.parametrize("kind", KINDS)
def test_both_sides_complete_the_handshake(kind):
    told = talk(kind, client={"METADATA": b"X-mine:yes"}).run()
    assert told.done
    assert [body[1 : 1 + body[0]].decode() for body in told.said] == NAMES[kind]
    assert told.server.peer_socket_type == b"PUSH" and told.client.peer_socket_type == b"PULL"
    assert told.server.peer_metadata == {b"Socket-Type": b"PUSH", b"X-mine": b"yes"}
    assert told.server.zap_metadata == GOOD.metadata and told.client.zap_metadata == {}


@pytest.mark.parametrize("kind", KINDS)
def test_routing_ids_are_exchanged(kind):
    client = make(kind, "client", zmq.DEALER, ROUTING_ID=b"dealer")
    server = make(kind, "server", zmq.ROUTER, ROUTING_ID=b"router")
    assert Talk(client, server, GOOD).run().done
    assert (server.peer_routing_id, client.peer_routing_id) == (b"dealer", b"router")


@pytest.mark.parametrize("teller", ["client", "server"])
@pytest.mark.parametrize("kind", KINDS)
def test_metadata_of_a_peer_is_limited(kind, teller):
    """A peer may send as many properties and bytes as the limits allow, and not one more."""

    def told(count, size, **limits):
        client, server = make(kind, "client"), make(kind, "server")
        sides = {"client": client, "server": server}
        sides[teller].options.properties = {b"X-%02d" % i: bytes(size) for i in range(count)}
        other = client if teller == "server" else server
        for name, value in limits.items():
            setattr(other.options, name, value)
        Talk(client, server, GOOD).run()
        return len(other.peer_metadata)

    assert told(63, 0) == 64  # including Socket-Type
    with pytest.raises(ProtocolError, match="PROPERTIES_MAX, 64") as caught:
        told(64, 0)
    assert caught.value.code == errors.INVALID_METADATA
    assert told(64, 0, properties_max=0) == 65
    used = 1 + len(b"Socket-Type") + 4 + len(b"PUSH")
    room = 16384 - used - 1 - len(b"X-00") - 4
    assert told(1, room) == 2
    with pytest.raises(ProtocolError, match="METADATA_MAX, 16384") as caught:
        told(1, room + 1)
    assert caught.value.code == errors.INVALID_METADATA
    assert told(1, room + 1, metadata_max=0) == 2
    with pytest.raises(ProtocolError, match="METADATA_MAX, 10"):
        told(0, 0, metadata_max=10)


def test_first_of_two_property_spellings_wins():
    mechanism = make("null", "server")
    properties = commands.encode_metadata({b"socket-type": b"PUSH", b"Socket-Type": b"PULL"})
    mechanism.accept_untrusted(properties, 0)
    assert mechanism.peer_metadata == {b"Socket-Type": b"PUSH"}


STEPS = [(kind, number) for kind in KINDS for number in range(len(NAMES[kind]))]

#: Maps (mechanism, number of the command) to libzmq's code for a malformed command. All errors of a
#: WELCOME have the same code.
MALFORMED = {
    ("plain", 0): errors.MALFORMED_HELLO,
    ("plain", 1): errors.MALFORMED_WELCOME,
    ("curve", 0): errors.MALFORMED_HELLO,
    ("curve", 1): errors.CRYPTOGRAPHIC,
}


@pytest.mark.parametrize("kind, number", STEPS)
def test_unexpected_command_is_refused(kind, number):
    def change(at, body):
        return commands.body(b"GOODBYE", b"hush") if at == number else body

    told = talk(kind, change=change)
    with pytest.raises(ProtocolError) as caught:
        told.run()
    assert caught.value.code == errors.UNEXPECTED_COMMAND
    assert "GOODBYE" in str(caught.value) and "hush" not in str(caught.value)


@pytest.mark.parametrize("kind, number", STEPS)
def test_truncated_command_is_refused(kind, number):
    whole = talk(kind).run().said[number]
    for size in range(1 + whole[0], len(whole)):
        told = talk(kind, change=lambda at, body, size=size: body[:size] if at == number else body)
        try:
            told.run()
        except ProtocolError:
            assert not told.done
        else:
            # A command without its last properties is still valid, but not if it is encrypted.
            assert kind != "curve"
            commands.parse_metadata_untrusted(whole[1 + whole[0] : size], 0)


@pytest.mark.parametrize("kind, number", STEPS)
def test_trailing_bytes_are_refused(kind, number):
    told = talk(kind, change=lambda at, body: body + b"\0" if at == number else body)
    with pytest.raises(ProtocolError) as caught:
        told.run()
    wanted = (MALFORMED.get((kind, number)), errors.INVALID_METADATA, errors.CRYPTOGRAPHIC)
    assert caught.value.code in wanted


@pytest.mark.parametrize("number", range(4))
def test_any_changed_byte_of_curve_is_detected(number):
    size = len(talk("curve").run().said[number])
    for at in range(1 + len(NAMES["curve"][number]), size):
        if number == 0 and 8 <= at < 80:
            continue  # these bytes are padding, which is not checked

        def change(count, body, at=at):
            if count != number:
                return body
            return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]

        told = talk("curve", change=change)
        try:
            told.run()
        except ProtocolError as error:
            assert error.code in (errors.CRYPTOGRAPHIC, errors.MALFORMED_HELLO), at
        else:
            raise AssertionError(f"byte {at} does not matter")


@pytest.mark.parametrize(
    "client, server, code",
    [
        ({"CURVE_SERVERKEY": OTHER[0]}, {}, errors.CRYPTOGRAPHIC),
        ({"CURVE_SERVERKEY": bytes(32)}, {}, errors.CRYPTOGRAPHIC),
        ({"CURVE_PUBLICKEY": OTHER[0]}, {}, errors.CRYPTOGRAPHIC),
        ({"CURVE_SECRETKEY": OTHER[1]}, {}, errors.CRYPTOGRAPHIC),
        ({"CURVE_PUBLICKEY": bytes(32)}, {}, errors.CRYPTOGRAPHIC),
        ({}, {"CURVE_SECRETKEY": OTHER[1]}, errors.CRYPTOGRAPHIC),
    ],
)
def test_wrong_keys_are_refused(client, server, code):
    told = talk("curve", client=client, server=server)
    fails(told, code)
    assert told.questions == []


def test_cookie_of_another_connection_is_refused():
    said = talk("curve").run().said
    old = said[2][9:105]
    fails(
        talk("curve", change=lambda at, body: body[:9] + old + body[105:] if at == 2 else body),
        errors.CRYPTOGRAPHIC,
    )


def test_replayed_initiate_is_refused():
    old = talk("curve").run().said[2]
    fails(talk("curve", change=lambda at, body: old if at == 2 else body), errors.CRYPTOGRAPHIC)


def test_vouch_for_another_server_is_refused():
    """A server cannot use a client's vouch to impersonate the client at another server (RFC 26)."""
    client = make("curve", "client")
    told = Talk(client, make("curve", "server"))
    hello = client.start()
    told.server.start()
    welcome = give(told.server, hello)
    # Everything is correct, except that the vouch contains the key of another server.
    seal = sodium.box

    def box(data, nonce, public_key, secret_key):
        if nonce.startswith(b"VOUCH"):
            data = data[:32] + OTHER[0]
        return seal(data, nonce, public_key, secret_key)

    sodium.box = box
    try:
        initiate = give(client, welcome)
    finally:
        sodium.box = seal
    with pytest.raises(ProtocolError) as caught:
        give(told.server, initiate)
    assert caught.value.code == errors.KEY_EXCHANGE


@pytest.mark.parametrize("version", [b"\0\0", b"\1\1", b"\2\0"])
def test_other_curve_versions_are_refused(version):
    fails(
        talk("curve", change=lambda at, body: body[:6] + version + body[8:] if at == 0 else body),
        errors.MALFORMED_HELLO,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_incompatible_socket_type_is_refused(kind):
    told = Talk(make(kind, "client", zmq.PULL), make(kind, "server"), GOOD)
    fails(told, errors.INVALID_METADATA)


def test_repr_contains_no_secret():
    for kind in KINDS[1:]:
        for side in ("client", "server"):
            shown = repr(vars(make(kind, side))["options"]) + str(make(kind, side))
            assert "secret" not in shown
    error = None
    try:
        give(make("plain", "client"), make("plain", "client").start())
    except ProtocolError as raised:
        error = raised
    assert "HELLO" in str(error) and "secret" not in str(error)


names = st.sampled_from([b"HELLO", b"WELCOME", b"INITIATE", b"READY", b"ERROR", b"MESSAGE", b"X"])

lengths = st.sampled_from([0, 1, 24, 160, 194, 248, 300])

bodies = st.one_of(
    st.binary(max_size=300), lengths.flatmap(lambda size: st.binary(min_size=size, max_size=size))
)


@given(
    st.sampled_from(KINDS),
    st.sampled_from(["client", "server"]),
    st.lists(st.tuples(names, bodies), max_size=3),
    st.integers(0, 3),
)
def test_arbitrary_commands(kind, side, said, good):
    """Arbitrary commands raise a ProtocolError, or the handshake is not done; NULL may be done."""
    told = talk(kind, None, change=lambda at, body: body if at < good else stop())
    try:
        told.run()
    except Stop:
        pass
    mechanism = getattr(told, side)
    if mechanism.done:
        return
    for name, data in said:
        if mechanism.zap_request is not None or mechanism.done:
            break
        try:
            mechanism.receive(name, data, 0)
        except ProtocolError:
            break
    assert not mechanism.done or kind != "curve"


class Stop(Exception):
    pass


def stop():
    raise Stop


@given(st.binary(max_size=12).map(lambda data: data * 4))
def test_z85_round_trip(data):
    assert z85.decode(z85.encode(data)) == data
    from zmq.utils import z85 as pyzmqs

    assert z85.encode(data) == pyzmqs.encode(data)


@pytest.mark.parametrize("text", [b"abcd", b"abc d", b"abc~d", b"#####", b"\xffbcde"])
def test_invalid_z85(text):
    with pytest.raises(ValueError):
        z85.decode(text)


def test_handshake_nonces_are_counted():
    said = talk("curve").run().said
    assert said[0][112:120] == pack(">Q", 1) and said[2][105:113] == pack(">Q", 2)
    assert said[3][6:14] == pack(">Q", 1)
