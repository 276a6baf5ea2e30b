"""The table of all socket options: one row each.

Numbers, defaults and limits are libzmq's (``doc/zmq_setsockopt.adoc``, ``zmq_getsockopt.adoc``,
``src/options.cpp``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zlinkcompat import _constants, sockopt, tuning
from zlinkcompat._constants import CURVE, NULL, PLAIN
from zlinkcompat.core.option_row import (
    INT_MAX,
    PATTERN,
    SOCKET,
    TUNING,
    Option,
    at_least,
    between,
    sized,
    zero_or_one,
)
from zlinkcompat.core.option_rules import (
    add_property,
    add_tcp_filter,
    adding_to,
    is_alpn,
    is_key,
    is_property,
    key_of,
    negated,
    no_credentials,
    proxy,
    serves,
    serving,
    using,
    whole_tenths,
)
from zlinkcompat.wire.security import sodium

if TYPE_CHECKING:
    from zlinkcompat.tuning import Setting


# The reason why some options have no effect here.
NO_MULTICAST = "multicast transports are not supported"


def ipc_filter(name: str, id: int) -> Option:
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


def pattern(
    name: str,
    id: int,
    kind: str = "bool",
    default: bytes | int = 0,
    readable: bool = False,
    writable: bool = True,
) -> Option:
    """Create the row of an option that only some socket types have. The pattern checks it."""
    return Option(name, id, kind, "", default, holder=PATTERN, readable=readable, writable=writable)


def state(name: str, id: int, kind: str = "int", default: bytes | int = 0) -> Option:
    """Create the row of an option that only reads the state of a socket."""
    return Option(name, id, kind, "", default, holder=SOCKET, writable=False)


def absent(name: str, id: int, kind: str = "bytes", readable: bool = False) -> Option:
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


def curve_key(name: str, id: int, client: bool = False, secret: bool = False) -> Option:
    """Create the row of a key. As with libzmq, pyzmq cannot read it."""
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


def tunable(setting: Setting) -> Option:
    """Create the row of a flag or threshold of ``zlinkcompat.tuning``.

    libzmq has three of these options in its draft API, where they are only hints."""
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


def wss(
    name: str, id: int, attribute: str, kind: str = "bytes", default: bytes | int = b""
) -> Option:
    """Create the row of an option of libzmq's wss transport, stored as a TLS option."""
    return Option(name, id, kind, "", default, readable=False, attribute=attribute, draft=True)


#: All socket options: name, id, kind, unit, default, allowed.
SOCKET_OPTIONS = (
    # pyzmq reads and writes AFFINITY as int64, but libzmq treats it as the bits of a uint64.
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
    # On the wire the time is 16 bits wide, in tenths of a second (RFC 37).
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
