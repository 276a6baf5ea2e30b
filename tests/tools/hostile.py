"""Hostile peers that hypothesis plans: they are valid up to some state, then send anything."""

import contextlib

import wspeer
from gevent import socket
from hypothesis import strategies as st
from rawpeer import COMMAND, MORE
from stranger import ACTIVE, CONNECTED, GREETING, MECHANISM, READY, ZERO_KEY, Stranger, dial, reset

#: Commands that exist in some state of some mechanism, and some that do not exist.
NAMES = (
    b"READY",
    b"HELLO",
    b"WELCOME",
    b"INITIATE",
    b"ERROR",
    b"SUBSCRIBE",
    b"CANCEL",
    b"PING",
    b"PONG",
    b"MESSAGE",
    b"JOIN",
    b"LEAVE",
    b"",
    b"UNHEARD-OF",
    b"x" * 255,
)

#: Seconds that a peer waits for the server to read. A server may rightly read no further, so a peer
#: that times out ends its plan.
PATIENCE = 0.05

bodies = st.one_of(
    st.sampled_from(
        [
            b"",
            b"\0",
            b"\1",
            b"\2",
            b"\1topic",
            b"\0topic",
            b"x" * 255,
            b"x" * 256,
            bytes(8192),
            bytes(70_000),
        ]
    ),
    st.binary(max_size=40),
)
messages = st.lists(bodies, min_size=1, max_size=5)

steps = st.one_of(
    st.tuples(st.just("message"), messages),
    st.tuples(st.just("unfinished"), messages),
    st.tuples(st.just("frame"), bodies, st.integers(0, 7)),
    st.tuples(st.just("command"), st.sampled_from(NAMES), bodies),
    st.tuples(st.just("raw"), st.binary(max_size=60)),
    st.tuples(st.just("mutated"), messages, st.integers(0, 1000), st.integers(0, 255)),
    st.tuples(st.just("cut"), messages, st.integers(0, 1000)),
    st.tuples(st.just("size"), st.integers(0, 2**64 - 1), st.integers(0, 7)),
    st.tuples(
        st.just("websocket"),
        st.integers(0, 15),
        bodies,
        st.booleans(),
        st.booleans(),
        st.integers(0, 7),
    ),
)

floods = st.tuples(st.just("flood"), steps, st.integers(2, 400))

plans = st.fixed_dictionaries(
    {
        "upto": st.sampled_from((CONNECTED, GREETING, MECHANISM, READY) + 8 * (ACTIVE,)),
        "minor": st.sampled_from((1, 1, 1, 0)),
        "identity": st.sampled_from((b"", b"", b"\0begins with 0", b"evil")),
        "steps": st.lists(st.one_of(steps, steps, floods), max_size=8),
        "end": st.sampled_from(("close", "reset", "stay")),
    }
)


def encoded(stranger, step):
    """Return the bytes of one step."""
    kind, *args = step
    if kind == "message":
        return stranger.message(*args[0])
    if kind == "unfinished":
        return b"".join(stranger.frame(body, MORE) for body in args[0])
    if kind == "frame":
        return stranger.frame(*args)
    if kind == "command":
        return stranger.command(*args) if len(args[0]) < 256 else stranger.frame(args[1], COMMAND)
    if kind == "raw":
        return args[0]
    if kind == "mutated":
        data = bytearray(stranger.message(*args[0]))
        data[args[1] % len(data)] = args[2]
        return bytes(data)
    if kind == "cut":
        data = stranger.message(*args[0])
        return data[: args[1] % len(data)]
    if kind == "size":
        return bytes([args[1]]) + args[0].to_bytes(8, "big")
    if kind == "websocket":
        opcode, body, fin, masked, reserved = args
        return wspeer.frame(opcode, body, fin, ZERO_KEY if masked else None, reserved)
    return b"".join(encoded(stranger, args[0]) for _ in range(args[1]))


class Visit:
    """One connection of a hostile peer that follows a plan; ``close()`` ends it.

    ``raw`` says that the server's socket is a STREAM, which expects no ZMTP handshake."""

    def __init__(self, endpoint, socket_type, plan, mechanism="NULL", server_key=b"", raw=False):
        self.sock = dial(endpoint, socket)
        minor = plan["minor"] if mechanism == "NULL" else 1
        try:
            stranger = Stranger(
                self.sock,
                endpoint,
                socket_type,
                mechanism,
                CONNECTED if raw else plan["upto"],
                server_key,
                minor,
                identity=plan["identity"],
            )
            self.sock.settimeout(PATIENCE)
            for step in plan["steps"]:
                # After garbage a server may rightly stop reading.
                stranger.send(encoded(stranger, step))
        except (ConnectionError, TimeoutError):
            pass
        if plan["end"] == "close":
            self.close()
        elif plan["end"] == "reset":
            reset(self.sock)

    def close(self):
        with contextlib.suppress(OSError):
            self.sock.close()
