"""The differences from libzmq that are meant: which outcomes, and why. The rest has to be equal."""

KNOWN = (
    (
        r"option/(IN_BATCH_SIZE|OUT_BATCH_SIZE|BUSY_POLL|PRIORITY|WSS_\w+)/|extension/",
        "drafts of libzmq, which the wheel is built without, and options of our own: TLS, "
        "WebSocket, limits, flags. They work here; the wheel refuses them with EINVAL",
    ),
    (r"(endpoint/\w+/\w+/|has/)(tls|ws|wss)\b", "transports that the wheel is built without"),
    (
        r"(endpoint/\w+/\w+/|has/)tipc\b",
        "there is no tipc transport here: EPROTONOSUPPORT. The wheel's needs a kernel that has one",
    ),
    (
        r"option/(ROUTER_MANDATORY|ROUTER_RAW|PROBE_ROUTER|ROUTER_HANDOVER|CONNECT_ROUTING_ID"
        r"|CONNECT_RID|FAIL_UNROUTABLE|ROUTER_BEHAVIOR)/REP/",
        "REP of libzmq has ROUTER's options by inheritance, to no effect: refused, not ignored",
    ),
    (
        r"monitor/\w+/\w+/wrong-type-(client|server)",
        "a peer of a type that does not fit: libzmq disconnects, and tells no reason or another by "
        "chance; HANDSHAKE_FAILED_PROTOCOL here",
    ),
    (
        r"context/(THREAD_SCHED_POLICY|THREAD_NAME_PREFIX)/(default|get/)",
        "pyzmq takes a value of -1 for a failure if errno is left over from an earlier call",
    ),
)
