"""The intended differences from libzmq. All outcomes that this table does not list must be equal.

A row has a regular expression for the paths of outcomes, a description of them for
docs/compatibility.md, and the reason for the difference.
"""

KNOWN = (
    (
        r"option/(IN_BATCH_SIZE|OUT_BATCH_SIZE|BUSY_POLL|PRIORITY|WSS_\w+)/|extension/",
        "draft options of libzmq (`IN_BATCH_SIZE`, `OUT_BATCH_SIZE`, `BUSY_POLL`, `PRIORITY`, "
        "`WSS_...`), and this project's own options",
        "pyzmq's wheel is built without them and refuses them with EINVAL. Here they work",
    ),
    (
        r"(endpoint/\w+/\w+/|has/)(tls|ws|wss)\b",
        "endpoints of `tls`, `ws` and `wss`",
        "pyzmq's wheel is built without these transports",
    ),
    (
        r"(endpoint/\w+/\w+/|has/)tipc\b",
        "endpoints of `tipc`",
        "TIPC is not supported, so they are refused with EPROTONOSUPPORT. The wheel's "
        "TIPC needs a kernel that supports it",
    ),
    (
        r"option/(ROUTER_MANDATORY|ROUTER_RAW|PROBE_ROUTER|ROUTER_HANDOVER|CONNECT_ROUTING_ID"
        r"|CONNECT_RID|FAIL_UNROUTABLE|ROUTER_BEHAVIOR)/REP/",
        "options of ROUTER on a REP socket",
        "libzmq's REP inherits them without effect. Here they are refused",
    ),
    (
        r"monitor/\w+/\w+/wrong-type-(client|server)",
        "monitor events for a peer whose socket type does not fit",
        "libzmq disconnects, and reports no reason or another one by chance. Here the event is "
        "HANDSHAKE_FAILED_PROTOCOL",
    ),
    (
        r"context/(THREAD_SCHED_POLICY|THREAD_NAME_PREFIX)/(default|get/)",
        "reading the context options `THREAD_SCHED_POLICY` and `THREAD_NAME_PREFIX`",
        "pyzmq takes the value -1 for a failure if errno is left over from an earlier call",
    ),
)
