"""Our options have libzmq's defaults, and the same values are accepted, refused and read back.

The reference is pyzmq's own backend, which must be libzmq's and not ours.
"""

import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st
from zmq import ContextOption, SocketOption
from zmq.error import ZMQError

from zlinkcompat import sockopt, tuning
from zlinkcompat.core import context_options
from zlinkcompat.core.context_options import CONTEXT_OPTIONS, ContextOptions
from zlinkcompat.core.option_row import OPTIONS, PATTERN, SOCKET, TUNING
from zlinkcompat.core.option_table import SOCKET_OPTIONS
from zlinkcompat.core.options import Options, find

IDS = range(1, 121)
TYPES = range(12)
EINVAL = zmq.EINVAL

INTS = (
    -(2**31),
    -1000,
    -100,
    -99,
    -2,
    -1,
    0,
    1,
    2,
    3,
    4,
    5,
    15,
    16,
    99,
    100,
    199,
    255,
    256,
    65535,
    65536,
    6553599,
    6553600,
    2**31 - 1,
)
INT64S = INTS + (-(2**63), 2**32, 2**63 - 1)
# We leave out a value of 255 octets, which would overflow pyzmq's read buffer with its NUL.
BYTES = (
    b"",
    b"\0",
    b"a",
    b"abcd",
    b"\0ab",
    b"a\0b\0",
    b"lo",
    b"a" * 15,
    b"a" * 16,
    b"a" * 17,
    b"a" * 254,
    b"a" * 256,
    b"127.0.0.1",
    b"X-a:b",
    b"X-:b",
    b"X-:bc",
    b"X-a:",
    b"X-ab",
    b"10.0.0.0/8",
    b"::1",
    b"1/33",
    b"localhost",
    b"x-ab:c",
    b"X-a:b:c",
    b":abcd",
    b"X-" + b"a" * 253 + b":b",
    b"X-" + b"a" * 254 + b":b",
)

# Maps an option that Options does not return to the reason.
STATE = {
    "RCVMORE": "state of the socket",
    "FD": "a descriptor, made by the socket",
    "EVENTS": "state of the socket",
    "TYPE": "the socket knows",
    "LAST_ENDPOINT": "state of the socket",
    "THREAD_SAFE": "the socket answers 0",
}
MECHANISMS = ("GSSAPI_",)


@pytest.fixture(scope="module")
def context():
    with zmq.Context() as context:
        yield context


@pytest.fixture
def peer(context):
    """``peer(type)`` creates a socket of libzmq's backend, whose options are set by number."""
    assert "zlinkcompat" not in zmq.backend.Socket.__module__
    sockets = []

    def make(socket_type):
        sockets.append(context.socket(socket_type))
        return sockets[-1]

    yield make
    for socket in sockets:
        socket.close(0)


def outcome(call, *arguments):
    """Return ``("returned", value)`` of a call, or the errno that it raised."""
    try:
        return "returned", call(*arguments)
    except ZMQError as error:
        return "raised", error.errno


def raises_einval(call, *arguments):
    with pytest.raises(ZMQError) as caught:
        call(*arguments)
    assert caught.value.errno == EINVAL


def get_of(socket):
    return lambda option: zmq.backend.Socket.get(socket, option)


def set_of(socket):
    return lambda option, value: zmq.backend.Socket.set(socket, option, value)


def compared(option):
    """Return whether we can compare ``option`` between libzmq and Options."""
    row = find(option)
    if row is None:
        return True
    if row.draft or row.name.startswith(MECHANISMS):
        return False
    return row.holder == OPTIONS


def values_for(option):
    """Return values to try for ``option``, of the C type that pyzmq passes."""
    try:
        kind = SocketOption(option)._opt_type.name
    except ValueError:
        kind = "int"
    return {"bytes": BYTES, "int64": INT64S}.get(kind, INTS)


# -- the table -----------------------------------------------------------------------------


OURS = 2000  # our own options have numbers from here on, which libzmq does not use


def test_numbers_and_names_equal_pyzmqs():
    for row in SOCKET_OPTIONS:
        assert find(row.id) is row
        if row.id >= OURS:
            assert getattr(sockopt, row.name) == row.id and row.name in sockopt.ATTRIBUTES
        elif row.holder == TUNING and row.name not in SocketOption.__members__:
            assert row.id > 1000 and getattr(tuning, row.name) == row.id
        else:
            assert SocketOption[row.name] == row.id
    for row in CONTEXT_OPTIONS:
        if row.name in ContextOption.__members__:
            assert ContextOption[row.name] == row.id
    assert len({row.id for row in SOCKET_OPTIONS}) == len(SOCKET_OPTIONS)


def test_byte_options_are_bytes_in_pyzmq():
    for row in SOCKET_OPTIONS:
        if row.id > 1000:
            continue
        assert (row.kind == "bytes") == (SocketOption(row.id)._opt_type.name == "bytes"), row


def test_socket_state_options_are_listed():
    assert {row.name for row in SOCKET_OPTIONS if row.holder == SOCKET} == set(STATE)


def test_unknown_number_has_no_row():
    assert find(0) is None and find(1) is None and find(10000) is None


# -- against libzmq ------------------------------------------------------------------------


@pytest.mark.parametrize("socket_type", TYPES)
def test_defaults_equal_libzmqs(peer, socket_type):
    ours, theirs = Options(socket_type), peer(socket_type)
    for option in filter(compared, IDS):
        assert outcome(ours.get, option) == outcome(get_of(theirs), option), find(option)


@pytest.mark.parametrize("socket_type", TYPES)
def test_options_of_socket_types_belong_to_the_pattern(peer, socket_type):
    """If libzmq accepts an option on this type that Options does not, its level is PATTERN."""
    theirs = peer(socket_type)
    for option in IDS:
        row = find(option)
        taken = any(
            outcome(set_of(theirs), option, value)[0] == "returned" for value in values_for(option)
        )
        assert not taken or row is not None, option
        if row is not None and row.holder == PATTERN:
            raises_einval(Options(socket_type).set, option, row.default)


@pytest.mark.parametrize("option", list(filter(compared, IDS)))
def test_same_values_are_accepted_and_read_back(peer, option):
    row = find(option)
    for socket_type in (zmq.DEALER, zmq.SUB, zmq.STREAM):
        ours, theirs = Options(socket_type), peer(socket_type)
        for value in values_for(option):
            taken = outcome(ours.set, option, value)
            assert taken == outcome(set_of(theirs), option, value), (row, value)
            assert outcome(ours.get, option) == outcome(get_of(theirs), option), (row, value)


@pytest.mark.parametrize("number", range(100))
def test_context_options_equal_libzmqs(number):
    for value in INTS:
        ours = ContextOptions()
        with zmq.Context() as theirs:
            same_context_value(ours, theirs, number)
            taken = outcome(zmq.backend.Context.set, theirs, number, value)
            assert outcome(ours.set, number, value) == taken, value
            same_context_value(ours, theirs, number)


def same_context_value(ours, theirs, number):
    result = outcome(ours.get, number)
    if result != ("returned", -1):
        # Do not compare -1, which pyzmq treats as a failure if an earlier call has left an errno.
        assert result == outcome(zmq.backend.Context.get, theirs, number)


# -- options that the installed libzmq does not have ---------------------------------------


@pytest.mark.parametrize(
    "name, good, bad",
    [
        ("IN_BATCH_SIZE", (1, 2**31 - 1), (-1, 0, 2**31)),
        ("OUT_BATCH_SIZE", (1, 2**31 - 1), (-1, 0, 2**31)),
        ("PRIORITY", (0, 6), (-1, b"\0\0\0\0")),
        ("BUSY_POLL", (-1, 0, 50), (-2,)),
    ],
)
def test_draft_options_follow_libzmqs_source(name, good, bad):
    """Draft options behave as in libzmq's source.

    They cannot be compared, since the libzmq in pyzmq's wheels is built without them.
    """
    option = SocketOption[name]
    assert find(option).draft
    ours = Options(zmq.DEALER)
    for value in good:
        ours.set(option, value)
        assert ours.get(option) == value
    for value in bad:
        raises_einval(ours.set, option, value)


@pytest.mark.parametrize(
    "row", [row for row in SOCKET_OPTIONS if row.holder == TUNING], ids=lambda row: row.name
)
def test_environment_overrides_a_tuning_option(monkeypatch, row):
    setting = next(each for each in tuning.TABLE if each.name == row.attribute)
    monkeypatch.delenv(setting.variable, raising=False)
    ours = Options(zmq.DEALER)
    assert ours.get(row.id) == setting.default
    chosen, forced = (0, 1) if setting.greatest == 1 else (7, 9)
    if chosen == setting.default:
        chosen, forced = forced, chosen
    ours.set(row.id, chosen)
    assert ours.get(row.id) == chosen
    for bad in (setting.least - 1, setting.greatest + 1, b"1"):
        raises_einval(ours.set, row.id, bad)
    monkeypatch.setenv(setting.variable, str(forced))
    assert ours.get(row.id) == forced


def test_copy_keeps_its_tuning():
    ours = Options(zmq.DEALER)
    ours.set(tuning.BATCH_MESSAGES, 7)
    copy = ours.copy()
    ours.set(tuning.BATCH_MESSAGES, 8)
    assert (copy.tuning.batch_messages, ours.tuning.batch_messages) == (7, 8)
    copy.set(tuning.BATCH_MESSAGES, 9)
    assert (copy.tuning.batch_messages, ours.tuning.batch_messages) == (9, 8)


FLAGS = ("PLAIN_SERVER", "CURVE_SERVER")
CREDENTIALS = (
    "PLAIN_USERNAME",
    "PLAIN_PASSWORD",
    "CURVE_PUBLICKEY",
    "CURVE_SECRETKEY",
    "CURVE_SERVERKEY",
)
SECURITY = ("MECHANISM", *FLAGS, *CREDENTIALS)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from(FLAGS), st.sampled_from((-1, 0, 1, 2))),
            st.tuples(
                st.sampled_from(CREDENTIALS), st.sampled_from((b"", b"a" * 32, b"\0b", b"c" * 254))
            ),
        ),
        max_size=6,
    )
)
def test_last_option_selects_the_mechanism(changes):
    with zmq.Context() as context, context.socket(zmq.DEALER) as theirs:
        ours = Options(zmq.DEALER)
        for name, value in changes:
            option = SocketOption[name]
            assert outcome(ours.set, option, value) == outcome(set_of(theirs), option, value)
            for name in SECURITY:
                option = SocketOption[name]
                assert outcome(ours.get, option) == outcome(get_of(theirs), option), changes


@pytest.mark.parametrize(
    "name", ["PLAIN_PASSWORD", "CURVE_SECRETKEY", "TLS_PASSWORD", "TLS_KEY", "SOCKS_PASSWORD"]
)
def test_error_does_not_contain_a_secret(name):
    option = next(row.id for row in SOCKET_OPTIONS if row.name == name)
    with pytest.raises(ZMQError) as caught:
        Options(zmq.PAIR).set(option, "hush" * 99)
    assert name in str(caught.value) and "hush" not in str(caught.value)


def test_only_options_of_missing_mechanisms_are_refused():
    assert all(row.name.startswith(MECHANISMS) for row in SOCKET_OPTIONS if row.refused)


@pytest.mark.parametrize(
    "row",
    [row for row in SOCKET_OPTIONS if row.name.startswith(MECHANISMS)],
    ids=lambda row: row.name,
)
def test_options_of_missing_mechanisms(row):
    ours = Options(zmq.DEALER)
    if row.readable:
        assert ours.get(row.id) == row.default
    else:
        raises_einval(ours.get, row.id)
    raises_einval(ours.set, row.id, row.default)
    raises_einval(ours.set, row.id, b"x" * 32 if row.kind == "bytes" else 1)


def test_socket_state_cannot_be_set_or_read():
    for row in SOCKET_OPTIONS:
        if row.holder == SOCKET:
            raises_einval(Options(zmq.PAIR).set, row.id, row.default)
            raises_einval(Options(zmq.PAIR).get, row.id)


@pytest.mark.parametrize(
    "name, value",
    [
        ("LINGER", b"\0\0\0\0"),
        ("LINGER", 1.0),
        ("LINGER", None),
        ("LINGER", 2**31),
        ("SNDHWM", 2**31),
        ("MAXMSGSIZE", 2**63),
        ("AFFINITY", 2**64),
        ("IPV6", "1"),
        ("ROUTING_ID", 1),
        ("ROUTING_ID", "a"),
        ("ROUTING_ID", None),
        ("BINDTODEVICE", "lo"),
    ],
)
def test_value_of_wrong_type_or_size_is_refused(name, value):
    raises_einval(Options(zmq.PAIR).set, SocketOption[name], value)


def test_error_names_the_option_and_value():
    with pytest.raises(ZMQError) as caught:
        Options(zmq.PAIR).set(zmq.SNDHWM, -5)
    assert "SNDHWM" in str(caught.value) and "-5" in str(caught.value)


def test_true_is_stored_as_1():
    ours = Options(zmq.PAIR)
    ours.set(zmq.IMMEDIATE, True)
    assert type(ours.get(zmq.IMMEDIATE)) is int and ours.immediate == 1


def test_credentials_of_255_octets():
    ours = Options(zmq.PAIR)
    ours.set(zmq.SOCKS_USERNAME, b"a" * 255)
    assert ours.get(zmq.SOCKS_USERNAME) == b"a" * 255


# -- values that the engine reads ----------------------------------------------------------


@pytest.mark.parametrize("socket_type", TYPES)
def test_conflate_applies_only_to_libzmqs_types(socket_type):
    ours = Options(socket_type)
    assert not ours.conflate
    ours.set(zmq.CONFLATE, 1)
    assert ours.get(zmq.CONFLATE) == 1
    wanted = (zmq.DEALER, zmq.PULL, zmq.PUSH, zmq.PUB, zmq.SUB)
    assert ours.conflate == (socket_type in wanted)


def test_ipv4only_is_the_inverse_of_ipv6():
    ours = Options(zmq.PAIR)
    ours.set(zmq.IPV4ONLY, 0)
    assert ours.ipv6 == ours.get(zmq.IPV6) == 1
    ours.set(zmq.IPV6, 0)
    assert ours.get(zmq.IPV4ONLY) == 1


@pytest.mark.parametrize("value, kept", [(-99, 0), (99, 0), (100, 100), (6553599, 6553500)])
def test_heartbeat_ttl_is_rounded_to_deciseconds(value, kept):
    ours = Options(zmq.PAIR)
    ours.set(zmq.HEARTBEAT_TTL, value)
    assert ours.heartbeat_ttl == kept


def test_metadata_for_ready():
    ours = Options(zmq.PAIR)
    assert ours.metadata_properties() == {}
    ours.set(zmq.METADATA, b"X-a:b:c")
    ours.set(zmq.METADATA, b"X-a:later")
    ours.set(zmq.METADATA, b"X-key:\xff")
    assert ours.metadata_properties() == {b"X-a": b"b:c", b"X-key": b"\xff"}


def test_copy_is_independent():
    ours = Options(zmq.PAIR)
    ours.router_raw = 1
    ours.set(zmq.METADATA, b"X-a:b")
    other = ours.copy()
    assert other.router_raw == 1
    ours.set(zmq.SNDHWM, 7)
    ours.set(zmq.METADATA, b"X-c:d")
    assert (other.sndhwm, other.metadata_properties()) == (1000, {b"X-a": b"b"})


@pytest.mark.parametrize("socket_type", TYPES)
@pytest.mark.parametrize("blocky", [0, 1])
@pytest.mark.parametrize("ipv6", [0, 1])
def test_socket_inherits_options_of_its_context(socket_type, blocky, ipv6):
    settings = ContextOptions()
    settings.set(70, blocky)
    settings.set(zmq.IPV6, ipv6)
    ours = Options(socket_type)
    ours.inherit(settings)
    with zmq.Context() as context:
        zmq.backend.Context.set(context, 70, blocky)
        zmq.backend.Context.set(context, zmq.IPV6, ipv6)
        with context.socket(socket_type) as theirs:
            for option in (zmq.LINGER, zmq.IPV6, zmq.IPV4ONLY):
                assert ours.get(option) == get_of(theirs)(option)


def test_io_threads():
    settings = ContextOptions()
    settings.set_io_threads(0)
    assert settings.io_threads == 0
    raises_einval(settings.set_io_threads, -1)


def test_cpus_are_added_and_removed():
    settings = ContextOptions()
    raises_einval(settings.set, context_options.THREAD_AFFINITY_CPU_REMOVE, 3)
    settings.set(context_options.THREAD_AFFINITY_CPU_ADD, 3)
    assert settings.thread_affinity == {3}
    settings.set(context_options.THREAD_AFFINITY_CPU_REMOVE, 3)
    assert settings.thread_affinity == set()
