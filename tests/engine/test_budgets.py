"""The cost of hostile peers for a server, in each state of the protocol.

Each hostile peer floods the server with data that contain no message for it, while an innocent peer
sends requests. We measure the CPU time that the server uses before each answer, and its memory. By
default a sample of the cases runs; with ``--all-budgets`` (``tox -e soak``) all cases run.
"""

import os

import budgets
from floods import TLS_FLOODS, WEB_FLOODS, ZMTP_FLOODS

from zlinkcompat import debug

#: `tox -e sanitize` runs these floods to find invalid memory accesses. Its build is not optimized,
#: and its AddressSanitizer keeps 256 MiB of freed memory, so it gets larger budgets.
SANITIZED = "ASAN_OPTIONS" in os.environ
SANITIZER_KB = 512 << 10 if SANITIZED else 0
SANITIZER_FACTOR = 10 if SANITIZED else 1  # of CPU time

HUB, THREAD = "hub", "thread"
ENGINES = (HUB, THREAD)
TRANSPORTS = ("tcp", "ipc", "tls", "ws", "wss")
MECHANISMS = ("NULL", "PLAIN", "CURVE")

#: Floods for each state before a peer is authenticated.
CONNECTED = ("leave", "byte_by_byte", "garbage")
GREETING = ("leave", "garbage")
HANDSHAKE = (
    "leave",
    "garbage",
    "more",
    "unknown",
    "ping",
    "pong",
    "large_ready",
    "second_ready",
    "byte_by_byte",
)

#: Floods of messages that a socket type skips, as (socket type, flood, minor version of ZMTP).
SKIPPED = (
    ("SUB", "unwanted", 1),
    ("REP", "malformed_requests", 1),
    ("REQ", "unasked_replies", 1),
    ("XPUB", "subscription_pairs", 1),
    ("PUB", "subscription_pairs", 1),
    ("XPUB", "subscription_messages", 0),
    ("PUB", "subscription_messages", 0),
    ("XPUB", "subscription_messages", 1),
    ("XPUB", "user_messages", 1),
    ("PUB", "user_messages", 1),
)

#: A case is (engine, state, flood, socket type, transport, mechanism, minor).
SAMPLE = (
    (HUB, "connected", "leave", "PULL", "tcp", "CURVE", 1),
    (THREAD, "connected", "key_updates", "PULL", "tls", "NULL", 1),
    (HUB, "greeting", "garbage", "PULL", "ipc", "NULL", 1),
    (HUB, "mechanism", "ws_ping_small", "PULL", "ws", "BARE", 1),
    (THREAD, "mechanism", "large_ready", "PULL", "tcp", "NULL", 1),
    (HUB, "ready", "unknown", "PULL", "tcp", "CURVE", 1),
    (THREAD, "ready", "more", "PULL", "wss", "PLAIN", 1),
    (HUB, "active", "ping", "PULL", "tcp", "NULL", 1),
    (THREAD, "active", "ws_fragments", "PULL", "ws", "NULL", 1),
    (THREAD, "active", "subscription_pairs", "XPUB", "tcp", "NULL", 1),
    (HUB, "active", "unwanted", "SUB", "tcp", "NULL", 1),
    (THREAD, "active", "malformed_requests", "REP", "tcp", "NULL", 1),
    (HUB, "active", "unasked_replies", "REQ", "tcp", "NULL", 1),
    (HUB, "draining", "unknown", "PUSH", "tcp", "NULL", 1),
)


def below(transport):
    return (WEB_FLOODS if transport in ("ws", "wss") else ()) + (
        TLS_FLOODS if transport in ("tls", "wss") else ()
    )


def states(transport, mechanism):
    """Return ``(state, flood, socket type)`` of the floods that fit any socket type."""
    encrypted = TLS_FLOODS if transport in ("tls", "wss") else ()
    web = transport in ("ws", "wss")
    for flood in CONNECTED + encrypted:
        yield "connected", flood, "PULL"
    for flood in () if web else GREETING:
        yield "greeting", flood, "PULL"
    for state in ("mechanism",) if mechanism in ("NULL", "BARE") else ("mechanism", "ready"):
        for flood in HANDSHAKE + below(transport):
            yield state, flood, "PULL"
    for flood in ZMTP_FLOODS + below(transport):
        yield "active", flood, "PULL"
        yield "draining", flood, "PUSH"


def matrix():
    for engine in ENGINES:
        for transport in TRANSPORTS:
            bare = ("BARE",) if transport in ("ws", "wss") else ()
            for mechanism in MECHANISMS + bare:
                for state, flood, kind in states(transport, mechanism):
                    yield engine, state, flood, kind, transport, mechanism, 1
        for transport, mechanism in (
            ("tcp", "NULL"),
            ("tcp", "CURVE"),
            ("ws", "NULL"),
            ("tls", "NULL"),
            ("ipc", "NULL"),
        ):
            for kind, flood, minor in SKIPPED:
                if minor or (mechanism == "NULL" and transport != "ws"):
                    yield engine, "active", flood, kind, transport, mechanism, minor


#: Cases of (engine, socket type, call, flood, minor version of ZMTP). By default every third runs.
TIMED_CALLS = [
    (engine, kind, call, flood, minor)
    for kind, call, flood, minor in (
        ("REP", "recv", "malformed_requests", 1),
        ("REP", "poll", "malformed_requests", 1),
        ("SUB", "recv", "unwanted", 1),
        ("SUB", "poll", "unwanted", 1),
        ("REQ", "recv", "unasked_replies", 1),
        ("REQ", "poll", "unasked_replies", 1),
        ("PUB", "send", "subscription_pairs", 1),
        ("PUB", "send", "subscription_messages", 0),
    )
    for engine in ENGINES
]


def pytest_generate_tests(metafunc):
    everything = metafunc.config.getoption("all_budgets")
    for name, cases in (
        ("case", list(matrix()) if everything else SAMPLE),
        ("timed_call", TIMED_CALLS if everything else TIMED_CALLS[::3]),
    ):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, cases, ids=["-".join(map(str, each)) for each in cases])
    if "crowd_engine" in metafunc.fixturenames:
        metafunc.parametrize("crowd_engine", ENGINES)


def is_compiled():
    return debug.build_info()["compiled"]


def bound_ms():
    return SANITIZER_FACTOR * (budgets.CPU_MS if is_compiled() else budgets.PURE_CPU_MS)


def slack_kb():
    return SANITIZER_KB + (budgets.SLACK_KB if is_compiled() else budgets.PURE_SLACK_KB)


def test_server_stays_responsive_under_a_flood(case, tmp_path):
    """The CPU time before each answer to the innocent peer and the server's memory are limited."""
    engine, state, flood, kind, transport, mechanism, minor = case
    found = budgets.attack(
        engine, state, flood, kind, transport, mechanism, minor=minor, seconds=0.6, folder=tmp_path
    )
    print(case, found)
    assert not found["failures"] and not found["unexpected"] and not found["stderr"], found
    assert found["connections"] and (found["sent"] or flood == "leave"), found
    assert found["cpu_ms"] <= bound_ms(), found
    assert found["memory_kb"] <= budgets.MEMORY_KB + slack_kb(), found


def test_calls_return_in_time_during_a_flood(timed_call):
    """A call keeps its timeout (RCVTIMEO, or poll's) while peers send messages that it skips."""
    found = budgets.timed_calls(*timed_call, count=3)
    print(timed_call, found)
    assert not found["errors"], found
    # A publisher's send may spend up to 50 ms on subscriptions that did not fit into the pipe.
    assert found["cpu_ms"] <= budgets.CALL_CPU_MS, found
    assert found["late_ms"] <= budgets.LATE_MS, found


def test_mixed_floods_leave_no_resources_behind(crowd_engine, request):
    """With peers of many floods at once, the innocent peer is served, and no resource leaks."""
    everything = request.config.getoption("all_budgets")
    found = budgets.crowd(crowd_engine, *((10, 5) if everything else (1.5, 1)))
    print(crowd_engine, found)
    assert not found["failures"] and not found["unexpected"] and not found["stderr"], found
    share = budgets.CROWD_SHARE if is_compiled() else budgets.PURE_CROWD_SHARE
    assert found["cpu_ms"] <= (1 + share * found["peers"]) * bound_ms(), found
    assert not found["left"], found
    assert found["memory_kb"] <= SANITIZER_KB + budgets.MEMORY_KB * found["peers"], found
    before, after = found["before"], found["after"]
    for name in ("objects", "blocks", "allocated_kb"):
        assert after[name] <= before[name] * 1.05 + slack_kb(), (name, found)
