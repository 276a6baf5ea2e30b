"""The options of sockets and contexts: one table row each, and the objects that hold the values.

Numbers, defaults and limits are libzmq's (``doc/zmq_setsockopt.adoc``, ``zmq_getsockopt.adoc``,
``zmq_ctx_set.adoc``, ``src/options.cpp``, ``src/ctx.cpp``). Values are ints or bytes here. The
layers above check, as pyzmq does, that a value is not a str and that an int fits its C type.

An option that promises security which this build lacks raises an error and is not ignored: a
program that asks for a mechanism must not run without it. See ``refused``.
"""

import copy

from zlinkcompat import _constants, sockopt, tuning
from zlinkcompat._constants import CURVE, DEALER, NULL, PLAIN, PUB, PULL, PUSH, SUB, XSUB
from zlinkcompat.errors import EINVAL, zmq_error
from zlinkcompat.wire.security import sodium, z85

# The object that handles an option.
OPTIONS = "options"  # :class:`Options`
PATTERN = "pattern"  # the class of the socket type (``zlinkcompat.routing``)
TUNING = "tuning"  # :class:`Options`, but the environment has priority (``zlinkcompat.tuning``)
SOCKET = "socket"  # ``CoreSocket`` itself, for read-only state

INT_MAX = 2**31 - 1

# Why an option has no effect here.
NO_MULTICAST = "multicast transports are not supported"
NO_THREAD_OPTIONS = "the operating system schedules, places and names the I/O threads"

#: Least and greatest values of the C types for the int kinds.
RANGES = {
    "int": (-INT_MAX - 1, INT_MAX),
    "bool": (-INT_MAX - 1, INT_MAX),
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (-(2**63), 2**64 - 1),
}

#: Source: libzmq ``src/options.hpp: get_effective_conflate_option``.
CONFLATING = frozenset((PUB, SUB, DEALER, PULL, PUSH))


# -- checks of values ----------------------------------------------------------------------


def anything(value):
    return True


def at_least(least):
    return lambda value: value >= least


def between(least, greatest):
    return lambda value: least <= value <= greatest


def sized(least, greatest):
    """Return a check for the length of bytes."""
    return lambda value: least <= len(value) <= greatest


zero_or_one = between(0, 1)


def is_alpn(value):
    """Tell whether ``value`` is empty, or names of protocols (RFC 7301) of 1 to 255 bytes each."""
    names = value.split(b",") if value else ()
    return all(0 < len(name.strip()) <= 255 for name in names)


# -- options that add to earlier values -----------------------------------------------------


def add_property(options, value):
    """Add a METADATA property. As in libzmq, the first value of a name stays."""
    name, _, content = value.partition(b":")
    options.properties.setdefault(name, content)


def add_tcp_filter(options, value):
    """Add a TCP_ACCEPT_FILTER."""
    from zlinkcompat.transports import tcp

    text = value.partition(b"\0")[0].decode("latin-1")
    try:
        added = tcp.parse_filter(text, bool(options.ipv6))
    except ValueError as error:
        raise zmq_error(EINVAL, f"set TCP_ACCEPT_FILTER: {error}") from None
    options.tcp_filters = (*options.tcp_filters, added)


def adding_to(attribute):
    """Return a function that adds a number (unsigned in C) to a frozenset of :class:`Options`."""

    def add(options, value):
        setattr(options, attribute, getattr(options, attribute) | {value & 0xFFFFFFFF})

    return add


def no_credentials():
    """Return what filters for ipc peers lack on this system; "" if they work."""
    from zlinkcompat.transports import ipc

    return ipc.no_credentials()


def ipc_filter(name, id):
    """Create the row of a filter for ipc peers."""
    return Option(
        name,
        id,
        "int",
        "",
        0,
        readable=False,
        needs=no_credentials,
        collect=adding_to(name.lower()),
    )


#: The longest value that libzmq can return to pyzmq, in bytes.
READ_BACK = 255


def proxy(options):
    """Return the value of SOCKS_PROXY."""
    if len(options.socks_proxy) > READ_BACK:
        raise zmq_error(EINVAL, f"get SOCKS_PROXY: the value exceeds {READ_BACK} bytes")
    return options.socks_proxy


def is_property(value):
    """Check ``X-name:value``, which must not have 4 bytes: libzmq treats those as an int."""
    name, colon, content = value.partition(b":")
    return bool(colon and content) and name[:2] == b"X-" and len(name) <= 255 and len(value) != 4


# -- mechanisms (libzmq ``src/options.cpp``: the option that was set last decides) -----------


def serving(mechanism):
    """Return the effect of ``PLAIN_SERVER`` or ``CURVE_SERVER``."""

    def apply(options, value):
        options.mechanism = mechanism if value else NULL
        options.as_server = value

    return apply


def using(mechanism, client=False):
    """Return the effect of setting a credential; ``client``: only clients have it."""

    def apply(options, value):
        options.mechanism = mechanism
        if client:
            options.as_server = 0

    return apply


def serves(mechanism):
    """Return the getter of ``PLAIN_SERVER`` or ``CURVE_SERVER``."""
    return lambda options: int(options.as_server and options.mechanism == mechanism)


def key_of(value):
    """Return the 32 bytes of a key, which may be given as Z85 text with a trailing NUL."""
    return value if len(value) == 32 else z85.decode(value[:40])


def is_key(value):
    """Tell whether ``value`` is a key in a form that libzmq accepts."""
    if len(value) == 41 and value[40] == 0 or len(value) == 40:
        try:
            z85.decode(value[:40])
        except ValueError:
            return False
        return True
    return len(value) == 32


# -- conversions of values -----------------------------------------------------------------


def same(value):
    return value


def negated(value):
    return 1 - value


def whole_tenths(value):
    """Round down to whole deciseconds, the unit on the wire; -99..99 ms becomes 0."""
    return max(value, 0) // 100 * 100


class Option:
    """One option: everything about it that does not depend on a socket.

    Parameters
    ----------
    name : str
        The name without ``ZMQ_``.
    id : int
        The number in ``zmq.h``.
    kind : str
        ``int``, ``int64``, ``uint64``, ``bytes``, or ``bool`` (an int stored as 0 or 1).
    unit : str
        The unit of the value; empty for flags and names.
    default : int or bytes
    allowed : callable
        Tells whether a value of this kind is accepted.
    holder : str
        :data:`OPTIONS`, :data:`PATTERN`, :data:`TUNING` or :data:`SOCKET`.
    readable, writable : bool
    attribute : str, optional
        The attribute of :class:`Options` for the value; by default the name in lower case.
    convert, show : callable
        Convert a set value to the stored one, and the stored value to the returned one.
    refused : str
        Why this build refuses an option that libzmq supports; empty otherwise.
    draft : bool
        Whether only a libzmq with its draft API has the option.
    effect : callable, optional
        Called with the :class:`Options` and the stored value after it was set.
    collect : callable, optional
        Called with the :class:`Options` and the value instead of storing it, to add it to others.
    getter : callable, optional
        Called with the :class:`Options` to get the value, in place of ``show``.
    needs : callable, optional
        Returns as text what this installation lacks to set the option; "" if nothing.
    secret : bool
        Whether to keep the value out of all texts, even out of errors.
    inert : str
        Why the value is stored and returned but has no effect; empty if it has an effect.
    """

    def __init__(
        self,
        name,
        id,
        kind,
        unit,
        default,
        allowed=anything,
        *,
        holder=OPTIONS,
        readable=True,
        writable=True,
        attribute=None,
        convert=same,
        show=same,
        refused="",
        draft=False,
        effect=None,
        collect=None,
        getter=None,
        needs=None,
        secret=False,
        inert="",
    ):
        self.name = name
        self.id = id
        self.kind = kind
        self.unit = unit
        self.default = default
        self.allowed = allowed
        self.holder = holder
        self.readable = readable
        self.writable = writable and not refused
        self.attribute = attribute or name.lower()
        self.convert = convert
        self.show = show
        self.refused = refused
        self.draft = draft
        self.effect = effect
        self.collect = collect
        self.getter = getter
        self.needs = needs
        self.secret = secret
        self.inert = inert

    def __repr__(self):
        return f"<Option {self.name} {self.id}>"

    def accept(self, value):
        """Return the value to store for ``value``.

        Raises
        ------
        ZMQError
            EINVAL: the option is read-only, or the value has the wrong kind or is not allowed.
        """
        if self.refused:
            raise zmq_error(EINVAL, f"set {self.name}: {self.refused}")
        if self.needs is not None and self.needs():
            raise zmq_error(EINVAL, f"set {self.name}: {self.needs()}")
        if not self.writable:
            raise zmq_error(EINVAL, f"set {self.name}: the option is read-only")
        if not (self.fits(value) and self.allowed(value)):
            unit = f", {self.unit}" if self.unit else ""
            shown = "this value" if self.secret else format(repr(value), ".80")
            raise zmq_error(EINVAL, f"set {self.name}: {shown} is not allowed ({self.kind}{unit})")
        if self.kind == "bytes":
            return self.convert(value)
        # True and False can be set as ints, but reading returns ints.
        return int(value != 0) if self.kind == "bool" else self.convert(int(value))

    def fits(self, value):
        """Tell whether ``value`` has the type of this option and fits its C type."""
        if self.kind == "bytes":
            return isinstance(value, bytes)
        least, greatest = RANGES[self.kind]
        return isinstance(value, int) and least <= value <= greatest


def pattern(name, id, kind="bool", default=0, readable=False, writable=True):
    """Create the row of an option that only some socket types have, and check themselves."""
    return Option(name, id, kind, "", default, holder=PATTERN, readable=readable, writable=writable)


def state(name, id, kind="int", default=0):
    """Create the row of read-only state of a socket."""
    return Option(name, id, kind, "", default, holder=SOCKET, writable=False)


def absent(name, id, kind="bytes", readable=False):
    """Create the row of an option of a mechanism that this build does not have."""
    return Option(
        name,
        id,
        kind,
        "",
        b"" if kind == "bytes" else 0,
        readable=readable,
        refused="the GSSAPI mechanism is not supported",
    )


def curve_key(name, id, client=False, secret=False):
    """Create the row of a key. libzmq does not return it to a caller like pyzmq."""
    return Option(
        name,
        id,
        "bytes",
        "32 bytes, or 40 of Z85",
        b"",
        is_key,
        readable=False,
        convert=key_of,
        effect=using(CURVE, client),
        needs=sodium.missing,
        secret=secret,
    )


def tunable(setting):
    """Create the row of a flag or threshold. libzmq has three of them as drafts, as hints only."""
    return Option(
        setting.option,
        setting.number,
        "int",
        setting.unit,
        setting.default,
        setting.allows,
        holder=TUNING,
        attribute=setting.name,
        draft=True,
    )


def wss(name, id, attribute, kind="bytes", default=b""):
    """Create the row of an option of libzmq's wss transport, stored as a TLS option."""
    return Option(name, id, kind, "", default, readable=False, attribute=attribute, draft=True)


#: All socket options: name, id, kind, unit, default, allowed.
SOCKET_OPTIONS = (
    # pyzmq reads and writes it as int64, but libzmq treats it as the bits of a uint64.
    Option("AFFINITY", 4, "uint64", "bit mask of I/O threads", 0),
    Option("ROUTING_ID", 5, "bytes", "1 to 255 bytes", b"", sized(1, 255)),
    pattern("SUBSCRIBE", _constants.SUBSCRIBE, "bytes", b""),
    pattern("UNSUBSCRIBE", _constants.UNSUBSCRIBE, "bytes", b""),
    Option("RATE", 8, "int", "kbit/s", 100, at_least(1), inert=NO_MULTICAST),
    Option("RECOVERY_IVL", 9, "int", "ms", 10000, at_least(0), inert=NO_MULTICAST),
    Option("SNDBUF", 11, "int", "bytes; -1 system default", -1, at_least(-1)),
    Option("RCVBUF", 12, "int", "bytes; -1 system default", -1, at_least(-1)),
    state("RCVMORE", _constants.RCVMORE),
    state("FD", _constants.FD),
    state("EVENTS", _constants.EVENTS),
    state("TYPE", _constants.TYPE),
    Option("LINGER", 17, "int", "ms; -1 no limit", -1, at_least(-1)),
    Option("RECONNECT_IVL", 18, "int", "ms; -1 never", 100, at_least(-1)),
    Option("BACKLOG", 19, "int", "connections", 100, at_least(0)),
    Option("RECONNECT_IVL_MAX", 21, "int", "ms; 0 no growth", 0, at_least(0)),
    Option("MAXMSGSIZE", 22, "int64", "bytes; -1 no limit", -1),
    Option("SNDHWM", _constants.SNDHWM, "int", "messages; 0 no limit", 1000, at_least(0)),
    Option("RCVHWM", _constants.RCVHWM, "int", "messages; 0 no limit", 1000, at_least(0)),
    Option("MULTICAST_HOPS", 25, "int", "hops", 1, at_least(1), inert=NO_MULTICAST),
    Option("RCVTIMEO", 27, "int", "ms; -1 no limit", -1, at_least(-1)),
    Option("SNDTIMEO", 28, "int", "ms; -1 no limit", -1, at_least(-1)),
    Option(
        "IPV4ONLY", 31, "int", "", 1, zero_or_one, attribute="ipv6", convert=negated, show=negated
    ),
    state("LAST_ENDPOINT", _constants.LAST_ENDPOINT, "bytes", b""),
    pattern("ROUTER_MANDATORY", _constants.ROUTER_MANDATORY),
    Option("TCP_KEEPALIVE", 34, "int", "-1 system default", -1, between(-1, 1)),
    Option("TCP_KEEPALIVE_CNT", 35, "int", "probes; -1 system default", -1, at_least(-1)),
    Option("TCP_KEEPALIVE_IDLE", 36, "int", "s; -1 system default", -1, at_least(-1)),
    Option("TCP_KEEPALIVE_INTVL", 37, "int", "s; -1 system default", -1, at_least(-1)),
    Option(
        "TCP_ACCEPT_FILTER",
        38,
        "bytes",
        "address/bits",
        b"",
        sized(1, 255),
        readable=False,
        collect=add_tcp_filter,
    ),
    Option("IMMEDIATE", 39, "int", "", 0, zero_or_one),
    pattern("XPUB_VERBOSE", _constants.XPUB_VERBOSE),
    pattern("ROUTER_RAW", _constants.ROUTER_RAW),
    Option("IPV6", 42, "bool", "", 0, zero_or_one),
    Option("MECHANISM", 43, "int", "", NULL, writable=False),
    Option(
        "PLAIN_SERVER",
        44,
        "int",
        "",
        0,
        zero_or_one,
        attribute="as_server",
        effect=serving(PLAIN),
        getter=serves(PLAIN),
    ),
    Option(
        "PLAIN_USERNAME",
        45,
        "bytes",
        "1 to 255 bytes",
        b"",
        sized(1, 255),
        effect=using(PLAIN, client=True),
    ),
    Option(
        "PLAIN_PASSWORD",
        46,
        "bytes",
        "1 to 255 bytes",
        b"",
        sized(1, 255),
        effect=using(PLAIN, client=True),
        secret=True,
    ),
    Option(
        "CURVE_SERVER",
        47,
        "int",
        "",
        0,
        zero_or_one,
        attribute="as_server",
        effect=serving(CURVE),
        getter=serves(CURVE),
        needs=sodium.missing,
    ),
    curve_key("CURVE_PUBLICKEY", 48),
    curve_key("CURVE_SECRETKEY", 49, secret=True),
    curve_key("CURVE_SERVERKEY", 50, client=True),
    pattern("PROBE_ROUTER", _constants.PROBE_ROUTER),
    pattern("REQ_CORRELATE", _constants.REQ_CORRELATE),
    pattern("REQ_RELAXED", _constants.REQ_RELAXED),
    Option("CONFLATE", 54, "bool", "", 0, zero_or_one, attribute="conflate_asked"),
    Option("ZAP_DOMAIN", 55, "bytes", "1 to 255 bytes", b"", sized(1, 255)),
    pattern("ROUTER_HANDOVER", _constants.ROUTER_HANDOVER),
    Option("TOS", 57, "int", "IP_TOS byte", 0, at_least(0)),
    ipc_filter("IPC_FILTER_PID", 58),
    ipc_filter("IPC_FILTER_UID", 59),
    ipc_filter("IPC_FILTER_GID", 60),
    pattern("CONNECT_ROUTING_ID", _constants.CONNECT_ROUTING_ID, "bytes", b""),
    absent("GSSAPI_SERVER", 62, "int"),
    absent("GSSAPI_PRINCIPAL", 63),
    absent("GSSAPI_SERVICE_PRINCIPAL", 64),
    absent("GSSAPI_PLAINTEXT", 65, "int"),
    Option("HANDSHAKE_IVL", 66, "int", "ms; 0 no limit", 30000, at_least(0)),
    Option("SOCKS_PROXY", 68, "bytes", "host:port", b"", sized(1, INT_MAX), getter=proxy),
    pattern("XPUB_NODROP", _constants.XPUB_NODROP),
    pattern("XPUB_MANUAL", _constants.XPUB_MANUAL),
    pattern("XPUB_WELCOME_MSG", _constants.XPUB_WELCOME_MSG, "bytes", b""),
    pattern("STREAM_NOTIFY", _constants.STREAM_NOTIFY, default=1),
    Option("INVERT_MATCHING", 74, "bool", "", 0),
    Option("HEARTBEAT_IVL", 75, "int", "ms; 0 none", 0, at_least(0)),
    # On the wire it has 16 bits, in tenths of a second (RFC 37).
    Option(
        "HEARTBEAT_TTL", 76, "int", "ms; 0 none", 0, between(-99, 6553599), convert=whole_tenths
    ),
    Option("HEARTBEAT_TIMEOUT", 77, "int", "ms; -1 HEARTBEAT_IVL", -1, at_least(0)),
    pattern("XPUB_VERBOSER", _constants.XPUB_VERBOSER),
    Option("CONNECT_TIMEOUT", 79, "int", "ms; 0 system default", 0, at_least(0)),
    Option("TCP_MAXRT", 80, "int", "ms; 0 system default", 0, at_least(0)),
    state("THREAD_SAFE", _constants.THREAD_SAFE),
    Option("MULTICAST_MAXTPDU", 84, "int", "bytes", 1500, at_least(1), inert=NO_MULTICAST),
    Option("USE_FD", 89, "int", "descriptor; -1 none", -1, at_least(-1)),
    absent("GSSAPI_PRINCIPAL_NAMETYPE", 90, "int"),
    absent("GSSAPI_SERVICE_PRINCIPAL_NAMETYPE", 91, "int"),
    Option("BINDTODEVICE", 92, "bytes", "interface, IFNAMSIZ bytes", b"", sized(1, 16)),
    Option("ZAP_ENFORCE_DOMAIN", 93, "bool", "", 0),
    Option("LOOPBACK_FASTPATH", 94, "bool", "", 0, inert="only Windows has it"),
    Option(
        "METADATA",
        95,
        "bytes",
        "X-name:value",
        b"",
        is_property,
        readable=False,
        collect=add_property,
    ),
    Option("MULTICAST_LOOP", 96, "bool", "", 1, inert=NO_MULTICAST),
    pattern("XPUB_MANUAL_LAST_VALUE", _constants.XPUB_MANUAL_LAST_VALUE),
    Option("SOCKS_USERNAME", 99, "bytes", "up to 255 bytes", b"", sized(0, 255)),
    Option("SOCKS_PASSWORD", 100, "bytes", "up to 255 bytes", b"", sized(0, 255), secret=True),
    pattern("ONLY_FIRST_SUBSCRIBE", _constants.ONLY_FIRST_SUBSCRIBE),
    Option("RECONNECT_STOP", 109, "int", "bit mask of RECONNECT_STOP_*", 0),
    Option("PRIORITY", 112, "int", "SO_PRIORITY", 0, at_least(0), draft=True),
    pattern("TOPICS_COUNT", _constants.TOPICS_COUNT, "int", readable=True, writable=False),
    *(tunable(setting) for setting in tuning.TABLE if setting.option),
    # libzmq's names for wss, which are aliases of the TLS options below. They are write-only.
    wss("WSS_KEY_PEM", 103, "tls_key"),
    wss("WSS_CERT_PEM", 104, "tls_cert"),
    wss("WSS_TRUST_PEM", 105, "tls_ca"),
    wss("WSS_HOSTNAME", 106, "tls_hostname"),
    wss("WSS_TRUST_SYSTEM", 107, "tls_trust_system", "bool", 0),
    # Our own options, see zlinkcompat.sockopt.
    Option("TLS_CERT", sockopt.TLS_CERT, "bytes", "path or PEM", b"", draft=True),
    Option(
        "TLS_KEY",
        sockopt.TLS_KEY,
        "bytes",
        "path or PEM",
        b"",
        readable=False,
        draft=True,
        secret=True,
    ),
    Option("TLS_CA", sockopt.TLS_CA, "bytes", "path or PEM", b"", draft=True),
    Option("TLS_VERIFY", sockopt.TLS_VERIFY, "bool", "", 1, zero_or_one, draft=True),
    Option(
        "TLS_REQUIRE_CLIENT_CERT",
        sockopt.TLS_REQUIRE_CLIENT_CERT,
        "bool",
        "",
        0,
        zero_or_one,
        draft=True,
    ),
    Option("TLS_HOSTNAME", sockopt.TLS_HOSTNAME, "bytes", "host", b"", draft=True),
    Option(
        "TLS_TRUST_SYSTEM",
        sockopt.TLS_TRUST_SYSTEM,
        "int",
        "-1 without a TLS_CA",
        -1,
        between(-1, 1),
        draft=True,
    ),
    Option(
        "TLS_PASSWORD",
        sockopt.TLS_PASSWORD,
        "bytes",
        "",
        b"",
        readable=False,
        draft=True,
        secret=True,
    ),
    Option(
        "TLS_ALPN",
        sockopt.TLS_ALPN,
        "bytes",
        "protocols of 1 to 255 bytes, by comma",
        b"",
        is_alpn,
        draft=True,
    ),
    Option("WS_ORIGINS", sockopt.WS_ORIGINS, "bytes", "origins, by comma; * all", b"", draft=True),
    Option("WS_TEXT", sockopt.WS_TEXT, "bool", "", 0, zero_or_one, draft=True),
    Option(
        "HANDSHAKES_MAX",
        sockopt.HANDSHAKES_MAX,
        "int",
        "peers; 0 no limit",
        1024,
        at_least(0),
        draft=True,
    ),
    Option(
        "SUBSCRIPTIONS_MAX",
        sockopt.SUBSCRIPTIONS_MAX,
        "int",
        "subscriptions; 0 no limit",
        0,
        at_least(0),
        draft=True,
    ),
    Option(
        "SNDBYTES_MAX",
        sockopt.SNDBYTES_MAX,
        "int64",
        "bytes; 0 no limit",
        0,
        at_least(0),
        draft=True,
    ),
    Option(
        "RCVBYTES_MAX",
        sockopt.RCVBYTES_MAX,
        "int64",
        "bytes; 0 no limit",
        0,
        at_least(0),
        draft=True,
    ),
    Option(
        "COMMAND_MAX",
        sockopt.COMMAND_MAX,
        "int64",
        "bytes; 0 as MAXMSGSIZE",
        1048576,
        at_least(0),
        draft=True,
    ),
    Option(
        "METADATA_MAX",
        sockopt.METADATA_MAX,
        "int",
        "bytes; 0 no limit",
        16384,
        at_least(0),
        draft=True,
    ),
    Option(
        "PROPERTIES_MAX",
        sockopt.PROPERTIES_MAX,
        "int",
        "properties; 0 no limit",
        64,
        at_least(0),
        draft=True,
    ),
)

_by_id = {row.id: row for row in SOCKET_OPTIONS}


def find(option):
    """Return the :class:`Option` with this number, or None."""
    return _by_id.get(option)


class Options:
    """The option values of one socket, or of one of its endpoints (:meth:`copy`).

    Each readable row of :data:`SOCKET_OPTIONS` that is stored here is an attribute in lower case,
    which the engine reads. Only :meth:`set` checks values.

    Parameters
    ----------
    socket_type : int
        ``zmq.PAIR`` (0) to ``zmq.STREAM`` (11).

    Attributes
    ----------
    router_raw, stream_notify : int
        The socket type stores these here, for sessions to read.
    """

    def __init__(self, socket_type):
        self.socket_type = socket_type
        for row in SOCKET_OPTIONS:
            if row.holder == OPTIONS and row.readable:
                setattr(self, row.attribute, row.convert(row.default))
        if socket_type in (SUB, XSUB):
            # These types send only subscriptions (libzmq ``src/xsub.cpp``).
            self.linger = 0
        # Write-only options, for which the loop above sets no attribute.
        self.tls_key = self.tls_password = b""
        self.curve_publickey = self.curve_secretkey = self.curve_serverkey = bytes(32)
        self.ssl_context = None
        self.router_raw = 0
        self.stream_notify = 1
        self.properties = {}
        self.tcp_filters = ()
        self.ipc_filter_pid = self.ipc_filter_uid = self.ipc_filter_gid = frozenset()
        self.tuned = {}
        self._tuning = None

    @property
    def tuning(self):
        """The :class:`zlinkcompat.tuning.Tuning` for these options and the environment."""
        if self._tuning is None:
            self._tuning = tuning.Tuning(self.tuned)
        return self._tuning

    @property
    def conflate(self):
        """Whether to keep only the last message: CONFLATE on a socket type that supports it."""
        return bool(self.conflate_asked) and self.socket_type in CONFLATING

    def set(self, option, value):
        """Set an option.

        Parameters
        ----------
        option : int
        value : int or bytes
            In the unit of the option's row.

        Raises
        ------
        ZMQError
            EINVAL: the option is unknown, handled elsewhere or refused by this build, or the value
            is invalid. libzmq zmq_setsockopt(3).
        """
        row = held_here(option)
        kept = row.accept(value)
        if row.collect is not None:
            row.collect(self, kept)
        elif row.holder == TUNING:
            self.tuned[row.attribute] = kept
            self._tuning = None
        else:
            setattr(self, row.attribute, kept)
            if row.effect is not None:
                row.effect(self, kept)

    def get(self, option):
        """Return the value of an option: int, or bytes without the NUL that libzmq adds.

        Raises
        ------
        ZMQError
            EINVAL: the option is unknown, handled elsewhere or write-only. libzmq
            zmq_getsockopt(3).
        """
        row = held_here(option)
        if row.holder == TUNING:
            # Return the value in effect, which may come from the environment.
            return tuning.get(row.attribute, self.tuned.get(row.attribute))
        if not row.readable:
            raise zmq_error(EINVAL, f"get {row.name}: {row.refused or 'the option is write-only'}")
        if row.getter is not None:
            return row.getter(self)
        return row.show(getattr(self, row.attribute))

    def copy(self):
        """Return a copy for a new endpoint, which later changes do not affect.

        ValueError: an environment variable of ``zlinkcompat.tuning`` has an invalid value."""
        other = copy.copy(self)
        other._tuning = self.tuning
        other.properties = dict(self.properties)
        other.tuned = dict(self.tuned)
        return other

    def inherit(self, context_options):
        """Apply the context's defaults, once, when the socket is created.

        Parameters
        ----------
        context_options : ContextOptions
        """
        self.ipv6 = context_options.ipv6
        if not context_options.blocky:
            self.linger = 0

    def metadata_properties(self):
        """Return the METADATA properties for the READY command: dict of bytes to bytes."""
        return dict(self.properties)


def held_here(option):
    row = find(option)
    if row is None:
        raise zmq_error(EINVAL, f"there is no socket option {option!r}")
    if row.holder == SOCKET:
        raise zmq_error(EINVAL, f"option {row.name} is read-only, and the socket itself returns it")
    if row.holder == PATTERN:
        raise zmq_error(EINVAL, f"option {row.name} does not apply to this socket type")
    return row


# -- contexts ------------------------------------------------------------------------------

SOCKET_LIMIT = 3
THREAD_PRIORITY = 3
THREAD_AFFINITY_CPU_ADD = 7
THREAD_AFFINITY_CPU_REMOVE = 8
IO_THREADS = 1

#: All context options. Number 3 means SOCKET_LIMIT when read, THREAD_PRIORITY when set (zmq.h).
#: The scheduling, placement and naming of I/O threads is stored and has no effect.
CONTEXT_OPTIONS = (
    Option("IO_THREADS", IO_THREADS, "int", "threads", 1, at_least(0)),
    Option("MAX_SOCKETS", 2, "int", "sockets", 1023, at_least(1)),
    Option(
        "THREAD_PRIORITY",
        THREAD_PRIORITY,
        "int",
        "",
        -1,
        at_least(0),
        readable=False,
        inert=NO_THREAD_OPTIONS,
    ),
    Option("THREAD_SCHED_POLICY", 4, "int", "", -1, at_least(0), inert=NO_THREAD_OPTIONS),
    Option(
        "MAX_MSGSZ",
        5,
        "int",
        "bytes",
        INT_MAX,
        at_least(0),
        inert="libzmq stores it as well, and limits nothing by it; MAXMSGSIZE does",
    ),
    Option("MSG_T_SIZE", 6, "int", "bytes", 64, writable=False),
    Option(
        "THREAD_AFFINITY_CPU_ADD",
        7,
        "int",
        "CPU",
        0,
        at_least(0),
        readable=False,
        inert=NO_THREAD_OPTIONS,
    ),
    Option(
        "THREAD_AFFINITY_CPU_REMOVE",
        8,
        "int",
        "CPU",
        0,
        at_least(0),
        readable=False,
        inert=NO_THREAD_OPTIONS,
    ),
    Option("THREAD_NAME_PREFIX", 9, "int", "", 0, inert=NO_THREAD_OPTIONS),
    Option(
        "ZERO_COPY_RECV",
        10,
        "bool",
        "",
        1,
        at_least(0),
        inert="large frames are always received without a copy",
    ),
    Option("IPV6", 42, "bool", "", 0, at_least(0)),
    Option("BLOCKY", 70, "bool", "", 1, at_least(0)),
)

_context_by_id = {row.id: row for row in CONTEXT_OPTIONS}


class ContextOptions:
    """The options of a context, as a lower-case attribute for each of :data:`CONTEXT_OPTIONS`.

    Attributes
    ----------
    socket_limit : int, sockets
    thread_affinity : set of int
        CPUs that were added and not removed.
    """

    def __init__(self):
        for row in CONTEXT_OPTIONS:
            setattr(self, row.attribute, row.default)
        self.socket_limit = 65535
        self.thread_affinity = set()

    def set(self, option, value):
        """Set an option (number, int).

        Raises
        ------
        ZMQError
            EINVAL: the option is unknown or read-only, the value is invalid, or the CPU to remove
            was not added. libzmq zmq_ctx_set(3).
        """
        row = _context_by_id.get(option)
        if row is None:
            raise zmq_error(EINVAL, f"there is no context option {option!r}")
        kept = row.accept(value)
        if option == THREAD_AFFINITY_CPU_ADD:
            self.thread_affinity.add(kept)
        elif option == THREAD_AFFINITY_CPU_REMOVE:
            if kept not in self.thread_affinity:
                raise zmq_error(EINVAL, f"set {row.name}: CPU {kept} was not added")
            self.thread_affinity.remove(kept)
        else:
            setattr(self, row.attribute, kept)

    def get(self, option):
        """Return an option, int. EINVAL: it is unknown or write-only. libzmq zmq_ctx_get(3)."""
        if option == SOCKET_LIMIT:
            return self.socket_limit
        row = _context_by_id.get(option)
        if row is None or not row.readable:
            raise zmq_error(EINVAL, f"there is no context option {option!r} to read")
        return getattr(self, row.attribute)

    def set_io_threads(self, count):
        """Set IO_THREADS; EINVAL for a negative count, as in libzmq's zmq_init(3)."""
        self.set(IO_THREADS, count)
