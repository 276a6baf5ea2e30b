"""The socket options by attribute name, as pyzmq's enumeration lists them."""

# FD, USE_FD and EVENTS differ between any two sockets. As attributes, the last two are methods.
NOT_COMPARED = {"FD", "USE_FD", "EVENTS", "SUBSCRIBE", "UNSUBSCRIBE"}
# These are deprecated, or belong to transports that a plain libzmq 4.3.5 build does not have.
PREFIXES_LEFT_OUT = ("VMCI", "NORM", "WSS", "HELLO", "HICCUP", "DISCONNECT", "RECONNECT_STOP")
# These are draft options. zlinkcompat has them, but the libzmq of pyzmq's wheel does not.
DRAFTS = {"BUSY_POLL", "IN_BATCH_SIZE", "OUT_BATCH_SIZE", "PRIORITY"}

#: libzmq's REP inherits these options from ROUTER, but they have no effect on a REP.
OF_ROUTER = {
    "CONNECT_ROUTING_ID",
    "ROUTER_MANDATORY",
    "ROUTER_HANDOVER",
    "PROBE_ROUTER",
    "ROUTER_RAW",
}


def option_names(zmq):
    """Return the sorted names of the stable options, and of draft options that the library has."""
    return sorted(
        name
        for name in zmq.SocketOption.__members__
        if name not in NOT_COMPARED | DRAFTS and not name.startswith(PREFIXES_LEFT_OUT)
    )


REFUSED = {  # maps an option to values, some of which libzmq refuses
    "LINGER": (-2, 0, 5, "x", None, 1.5, b"", 2**31),
    "SNDHWM": (-1, 0, 2**31 - 1, 2**31, b"x"),
    "RCVHWM": (-1, 0, 2**31 - 1),
    "SNDTIMEO": (-2, -1, 0),
    "RCVTIMEO": (-2, -1, 0),
    "SNDBUF": (-2, -1, 0, 1024),
    "RCVBUF": (-2, -1, 0, 1024),
    "BACKLOG": (-1, 0, 5),
    "MAXMSGSIZE": (-2, -1, 0, 2**40),
    "RECONNECT_IVL": (-2, -1, 0, 7),
    "RECONNECT_IVL_MAX": (-1, 0, 7),
    "CONNECT_TIMEOUT": (-1, 0, 7),
    "HANDSHAKE_IVL": (-1, 0, 7),
    "HEARTBEAT_IVL": (-1, 0, 7),
    "HEARTBEAT_TTL": (-1, 0, 99, 100, 6553599, 6553600),
    "HEARTBEAT_TIMEOUT": (-2, -1, 0, 7),
    "TOS": (-1, 0, 16, 255),
    "IPV6": (-1, 0, 1, 2),
    "IMMEDIATE": (-1, 0, 1, 2),
    "CONFLATE": (-1, 0, 1, 2),
    "MULTICAST_HOPS": (-1, 0, 1),
    "TCP_KEEPALIVE": (-2, -1, 0, 1, 2),
    "TCP_KEEPALIVE_CNT": (-2, -1, 0, 1),
    "TCP_KEEPALIVE_IDLE": (-2, -1, 0, 1),
    "TCP_KEEPALIVE_INTVL": (-2, -1, 0, 1),
    "TCP_MAXRT": (-1, 0, 7),
    "AFFINITY": (-1, 0, 3),
    "RATE": (-1, 0, 1),
    "RECOVERY_IVL": (-1, 0, 1),
    "ROUTING_ID": (b"", b"x", b"\0x", b"x" * 255, b"x" * 256, 7, None),
    "CONNECT_ROUTING_ID": (b"", b"x", b"\0x", b"x" * 256),
    "SUBSCRIBE": (b"", b"x", 7),
    "UNSUBSCRIBE": (b"", b"never", 7),
    "ROUTER_MANDATORY": (-1, 0, 1, 2),
    "ROUTER_HANDOVER": (-1, 0, 1, 2),
    "PROBE_ROUTER": (-1, 0, 1, 2),
    "ROUTER_RAW": (-1, 0, 1),
    "STREAM_NOTIFY": (-1, 0, 1, 2),
    "REQ_RELAXED": (-1, 0, 1, 2),
    "REQ_CORRELATE": (-1, 0, 1, 2),
    "XPUB_VERBOSE": (-1, 0, 1, 2),
    "XPUB_VERBOSER": (-1, 0, 1, 2),
    "XPUB_MANUAL": (-1, 0, 1, 2),
    "XPUB_NODROP": (-1, 0, 1, 2),
    "XPUB_WELCOME_MSG": (b"", b"x", 7),
    "INVERT_MATCHING": (-1, 0, 1, 2),
    "ZAP_DOMAIN": (b"", b"x", b"x" * 256),
    "ZAP_ENFORCE_DOMAIN": (-1, 0, 1, 2),
    "CURVE_SERVER": (-1, 0, 1, 2),
    **{
        f"CURVE_{key}KEY": (
            b"",
            b"x" * 31,
            b"x" * 32,
            b"x" * 40,
            b"~" * 40,
            b"x" * 40 + b"\0",
            b"x" * 41,
            b"x" * 39 + b"\0",
            b"#" * 40,
            7,
            None,
        )
        for key in ("PUBLIC", "SECRET", "SERVER")
    },
    "PLAIN_SERVER": (-1, 0, 1, 2),
    "PLAIN_USERNAME": (b"", b"x", b"x" * 254, b"x" * 256, 7, None),
    "PLAIN_PASSWORD": (b"", b"x", b"x" * 254, b"x" * 256, 7, None),
    "SOCKS_PROXY": (b"", b"x:1", b"x" * 254, b"x" * 256, "x", None),
    "SOCKS_USERNAME": (b"", b"x", b"x" * 254, b"x" * 256),
    "SOCKS_PASSWORD": (b"", b"x", b"x" * 254, b"x" * 256),
    "TCP_ACCEPT_FILTER": (
        b"",
        b"127.0.0.1",
        b"10.0.0.0/8",
        b"10.0.0.0/0",
        b"10.0.0.0/33",
        b"1/",
        b"1/x",
        b"127.1",
        b"::1",
        b"localhost",
        b"*",
        b"1/8/9",
        b"x" * 256,
    ),
    **{f"IPC_FILTER_{kind}ID": (-1, 0, 1, b"", None) for kind in "PUG"},
    "TYPE": (1,),
    "RCVMORE": (1,),
    "LAST_ENDPOINT": (b"x",),
    "MECHANISM": (0,),
    "FD": (1,),
    "EVENTS": (1,),
}
