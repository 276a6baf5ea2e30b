"""Feature flags and thresholds, in one table.

Each setting is resolved when a socket first binds or connects, so that the message path reads none
of them. The environment variable overrides the socket option, which overrides the default.
Each flag is a rollback switch: if it is off, the plain code path runs that the optimization of the
performance plan (docs/performance-plan.md) replaces.
"""

from __future__ import annotations

import os
import warnings

#: libzmq does not use option numbers this high.
ASIO_ZEROCOPY_WRITE = 1001
ASIO_LAZY_COMPACT = 1002
ASIO_WRITE_BATCHING = 1003
ASIO_HANDSHAKE_ZEROCOPY = 1004
ZEROCOPY_THRESHOLD = 1011
COMPACT_CONSUMED = 1012
COMPACT_ROOM = 1013
BATCH_MESSAGES = 1014
BATCH_TIME = 1015
TCP_NODELAY = 1016
SOCKET_BUFFERS = 1017
ASYNCIO_BURST = 1018
RECV_PYOBJ = 1019
# Names and numbers of pyzmq.
IN_BATCH_SIZE = 101
OUT_BATCH_SIZE = 102
BUSY_POLL = 113

INT_MAX = 2**31 - 1

#: The kernel buffer size to request for connections within the host, in bytes.
LOCAL_BUFFER = 512 * 1024

#: The longest time that BUSY_POLL -1 polls, in microseconds. If a receiver sleeps just before the
#: reply arrives, the round trip takes several times as long. 50 us are too short for messages of
#: 64 KB and more, and with encryption.
ADAPTIVE_POLL = 150


class Setting:
    """One row of the table.

    Parameters
    ----------
    name : str
    variable : str
        The environment variable.
    option : str
        Name of the socket option, a constant of this module; empty for a process-wide setting.
    default : int
    unit : str
    effect : str
        A description of the effect, for the documentation.
    least, greatest : int
        Allowed values.
    """

    def __init__(
        self,
        name: str,
        variable: str,
        option: str,
        default: int,
        unit: str,
        effect: str,
        least: int = 0,
        greatest: int = INT_MAX,
    ) -> None:
        self.name = name
        self.variable = variable
        self.option = option
        self.number = globals()[option] if option else None
        self.default = default
        self.unit = unit
        self.effect = effect
        self.least = least
        self.greatest = greatest

    def allows(self, value: int) -> bool:
        """Tell whether ``value`` is allowed."""
        return self.least <= value <= self.greatest

    def parse(self, text: str) -> int:
        """Return the value of the environment variable's text; ValueError if it is not allowed."""
        digits = text[1:] if text[:1] == "-" else text
        if not (digits.isascii() and digits.isdigit() and self.allows(int(text))):
            raise ValueError(
                f"{self.variable}={text!r}: must be a whole number from {self.least} to "
                f"{self.greatest} ({self.unit})"
            )
        return int(text)


def flag(name: str, variable: str, option: str, default: int, effect: str) -> Setting:
    """Create a row that is on or off."""
    return Setting(name, variable, option, default, "0 or 1", effect, 0, 1)


TABLE = (
    flag(
        "zerocopy_write",
        "ZMQ_ASIO_ZEROCOPY_WRITE",
        "ASIO_ZEROCOPY_WRITE",
        1,
        "writes large frames from the sender's memory; 0 copies them through the write buffer",
    ),
    flag(
        "lazy_compact",
        "ZMQ_ASIO_LAZY_COMPACT",
        "ASIO_LAZY_COMPACT",
        1,
        "moves the incomplete rest of a read only when the buffer runs short, and receives a large "
        "body into the object that the program gets; 0 moves the rest before each read, and "
        "receives all that fits through the buffer",
    ),
    flag(
        "write_batching",
        "ZMQ_ASIO_WRITE_BATCHING",
        "ASIO_WRITE_BATCHING",
        1,
        "writes the second and later messages of a burst together; 0 writes each by itself",
    ),
    flag(
        "handshake_zerocopy",
        "ZMQ_ASIO_HANDSHAKE_ZEROCOPY",
        "ASIO_HANDSHAKE_ZEROCOPY",
        1,
        "decodes messages that arrive right after the handshake in place; 0 copies them into a "
        "second buffer first. It has no effect with CURVE, `ws` and `wss`",
    ),
    Setting(
        "zerocopy_threshold",
        "ZLINK_ZEROCOPY_THRESHOLD",
        "ZEROCOPY_THRESHOLD",
        8192,
        "bytes",
        "frames of this size or more are large",
    ),
    Setting(
        "compact_consumed",
        "ZLINK_COMPACT_CONSUMED",
        "COMPACT_CONSUMED",
        2048,
        "bytes",
        "the rest of a read buffer is moved only if more than this was consumed ...",
    ),
    Setting(
        "compact_room",
        "ZLINK_COMPACT_ROOM",
        "COMPACT_ROOM",
        20,
        "percent",
        "... and if less than this share, or less than 2048 bytes, is free after it",
        0,
        50,
    ),
    Setting(
        "in_batch_size",
        "ZLINK_IN_BATCH_SIZE",
        "IN_BATCH_SIZE",
        131072,
        "bytes",
        "the most that one read takes, up to the size of the read buffer; a larger frame is read "
        "into memory of its own",
        1,
    ),
    Setting(
        "out_batch_size",
        "ZLINK_OUT_BATCH_SIZE",
        "OUT_BATCH_SIZE",
        131072,
        "bytes",
        "a batch is written when it reaches this size",
        1,
    ),
    Setting(
        "batch_messages",
        "ZLINK_BATCH_MESSAGES",
        "BATCH_MESSAGES",
        256,
        "messages",
        "a batch is written when it has this many messages",
    ),
    Setting(
        "batch_time",
        "ZLINK_BATCH_TIME",
        "BATCH_TIME",
        100,
        "microseconds",
        "a batch is written when its first message has waited this long",
    ),
    flag(
        "tcp_nodelay",
        "ZLINK_TCP_NODELAY",
        "TCP_NODELAY",
        1,
        "sets TCP_NODELAY on TCP connections; 0 lets Nagle's algorithm delay small writes",
    ),
    Setting(
        "socket_buffers",
        "ZLINK_SOCKET_BUFFERS",
        "SOCKET_BUFFERS",
        -1,
        "bytes",
        "SO_SNDBUF and SO_RCVBUF of a connection, unless SNDBUF or RCVBUF is set. 0 leaves them to "
        "the kernel, which grows them as needed. -1 does so as well, but fixes SO_SNDBUF at 524288 "
        "between peers on one host, so that data in flight stays in the CPU's cache. Over ipc only "
        "SO_SNDBUF has an effect",
        -1,
    ),
    Setting(
        "busy_poll",
        "ZLINK_BUSY_POLL",
        "BUSY_POLL",
        -1,
        "microseconds",
        "how long a receiver polls its connections before it sleeps; "
        f"-1 is {ADAPTIVE_POLL} as long as that does not delay the peer, 0 never polls. A "
        "receiver polls less often while that brings nothing. It does not poll while another "
        "greenlet is ready, or with only one CPU",
        -1,
        1000000,
    ),
    Setting(
        "asyncio_burst",
        "ZLINK_ASYNCIO_BURST",
        "ASYNCIO_BURST",
        64,
        "operations",
        "with asyncio, after this many sends and receives of a socket that succeed at once, the "
        "next waits for an iteration of the event loop, so that other tasks run; 1 makes each one "
        "wait",
        1,
    ),
    Setting(
        "recv_pyobj",
        "ZLINK_RECV_PYOBJ",
        "RECV_PYOBJ",
        -1,
        "-1, 0 or 1",
        "what `recv_pyobj` does on a socket that is bound over the network and does not "
        "authenticate its peers: -1 warns once in a process, 0 raises `ZMQError` (EACCES), "
        "1 allows it",
        -1,
        1,
    ),
    Setting(
        "read_buffer",
        "ZLINK_READ_BUFFER",
        "",
        131072,
        "bytes",
        "size of the buffers that connections read into, at least 16384",
    ),
    Setting(
        "hub_turn_interval",
        "ZLINK_HUB_TURN_INTERVAL",
        "",
        1000,
        "microseconds",
        "how often a greenlet that sends or receives continuously lets the hub poll for I/O",
    ),
    Setting(
        "direct_read_peers",
        "ZLINK_DIRECT_READ_PEERS",
        "",
        4,
        "connections",
        "the most connections that a receiver reads itself, without waiting for the hub",
    ),
    Setting(
        "term_warning",
        "ZLINK_TERM_WARNING",
        "",
        1000,
        "milliseconds",
        "if `Context.term()` waits longer than this, it logs once what it waits for; 0 never logs",
    ),
    Setting(
        "slow_consumer",
        "ZLINK_SLOW_CONSUMER",
        "",
        5000,
        "milliseconds",
        "if the oldest message for a peer waits longer than this, or its queue is full for longer, "
        "a warning names the peer, once until it has caught up; 0 never warns",
    ),
    Setting(
        "stall_warning",
        "ZLINK_STALL_WARNING",
        "",
        -1,
        "milliseconds",
        "if a hub, an I/O thread or an asyncio loop stands still for longer than this, a warning "
        "has the stack that holds it; 0 never warns. For hubs and I/O threads it takes a native "
        "thread, which wakes each loop four times in this limit, so -1 is 5000 for asyncio loops "
        "and 0 for others",
        -1,
    ),
    Setting(
        "drops_warning",
        "ZLINK_DROPS_WARNING",
        "",
        1000,
        "milliseconds",
        "if messages for a full peer are dropped for longer than this, warnings tell that drops "
        "began and, with their count, that they ended; 0 never warns",
    ),
    flag(
        "control",
        "ZLINK_CONTROL",
        "",
        0,
        "1 opens a control socket when the first context is made, which `zlinkcompat top` needs",
    ),
)

#: Other environment variables that begin like those of settings.
OTHERS = ("ZLINK_ENGINE",)

_by_name = {setting.name: setting for setting in TABLE}


def get(name: str, chosen: int | None = None) -> int:
    """Return the value of a setting: from the environment, the socket option, or the default.

    .. versionadded:: 0.1

    Parameters
    ----------
    name : str
        The name of a row of :data:`TABLE`.
    chosen : int, optional
        The value of the socket option, in the row's unit.

    Returns
    -------
    int
        The value in the row's unit.

    Raises
    ------
    KeyError
        The row does not exist.
    ValueError
        The environment variable is not a number, or its value is not allowed.

    Notes
    -----
    libzmq does not have such a table.
    """
    setting = _by_name[name]
    text = os.environ.get(setting.variable)
    if text is not None:
        return setting.parse(text)
    return setting.default if chosen is None else chosen


_checked = False


def check_environment() -> None:
    """Warn once about each variable that is named like a setting but is not one."""
    global _checked
    if _checked:
        return
    _checked = True
    known = {*OTHERS, *(setting.variable for setting in TABLE)}
    unknown = [
        name
        for name in os.environ
        if name.startswith(("ZLINK_", "ZMQ_ASIO_")) and name not in known
    ]
    if not unknown:
        return
    from difflib import get_close_matches

    for name in unknown:
        close = get_close_matches(name, known, 1)
        advice = f"did you mean {close[0]}?" if close else "there is no such setting"
        warnings.warn(
            f"{name}={os.environ[name]!r} has no effect: {advice}", RuntimeWarning, stacklevel=2
        )


class Tuning:
    """The resolved settings of one socket or endpoint, which the message path reads.

    Parameters
    ----------
    chosen : dict of str to int, optional
        The values of socket options, by the names of :data:`TABLE`.

    The attributes are the rows that have a socket option, in their units, except for:

    batch_time, spin_time : int, nanoseconds
        The latter is the value of ``busy_poll``.
    adaptive_poll : bool
        Whether ``busy_poll`` is -1.
    """

    def __init__(self, chosen: dict[str, int] | None = None) -> None:
        def resolve(name: str) -> int:
            return get(name, chosen.get(name) if chosen else None)

        self.zerocopy_write = resolve("zerocopy_write")
        self.lazy_compact = resolve("lazy_compact")
        self.write_batching = resolve("write_batching")
        self.handshake_zerocopy = resolve("handshake_zerocopy")
        self.zerocopy_threshold = resolve("zerocopy_threshold")
        self.compact_consumed = resolve("compact_consumed")
        self.compact_room = resolve("compact_room")
        self.in_batch_size = resolve("in_batch_size")
        self.out_batch_size = resolve("out_batch_size")
        self.batch_messages = resolve("batch_messages")
        self.batch_time = resolve("batch_time") * 1000
        self.tcp_nodelay = resolve("tcp_nodelay")
        self.socket_buffers = resolve("socket_buffers")
        self.asyncio_burst = resolve("asyncio_burst")
        self.recv_pyobj = resolve("recv_pyobj")
        busy_poll = resolve("busy_poll")
        self.adaptive_poll = busy_poll < 0
        self.spin_time = (ADAPTIVE_POLL if busy_poll < 0 else busy_poll) * 1000
