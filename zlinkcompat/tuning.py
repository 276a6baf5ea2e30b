"""Feature flags and thresholds, in one table.

Each is resolved as environment variable over socket option over default, when a socket first binds
or connects: nothing is read on the message path. The flags, by the names of the performance plan,
are rollbacks: with one off, the plain path of before that phase runs.
"""

import os
import warnings

#: No libzmq numbers its options so high.
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
# pyzmq's names and numbers.
IN_BATCH_SIZE = 101
OUT_BATCH_SIZE = 102
BUSY_POLL = 113

INT_MAX = 2**31 - 1

#: What the kernel is asked to buffer of a connection within the host, bytes.
LOCAL_BUFFER = 512 * 1024

#: How long BUSY_POLL -1 polls at most, microseconds. Who sleeps just before the answer comes makes
#: a round trip twice to five times as long: 50 are too few where it is of 64 KB and more, or
#: encrypted.
ADAPTIVE_POLL = 150


class Setting:
    """One row of the table.

    Parameters
    ----------
    name : str
    variable : str
        Of the environment.
    option : str
        Name of the socket option, a constant of this module; empty for what is the process's.
    default : int
    unit : str
    effect : str
        What it does, for people.
    least, greatest : int
        Allowed values.
    """

    def __init__(self, name, variable, option, default, unit, effect, least=0, greatest=INT_MAX):
        self.name = name
        self.variable = variable
        self.option = option
        self.number = globals()[option] if option else None
        self.default = default
        self.unit = unit
        self.effect = effect
        self.least = least
        self.greatest = greatest

    def allows(self, value):
        """Tell whether the value is one that can be set."""
        return self.least <= value <= self.greatest

    def parse(self, text):
        """The value that the environment asks for; ValueError if it is none."""
        digits = text[1:] if text[:1] == "-" else text
        if not (digits.isascii() and digits.isdigit() and self.allows(int(text))):
            raise ValueError(
                f"{self.variable}={text!r}: must be a whole number from {self.least} to "
                f"{self.greatest} ({self.unit})"
            )
        return int(text)


def flag(name, variable, option, default, effect):
    """A row that is on or off."""
    return Setting(name, variable, option, default, "0 or 1", effect, 0, 1)


TABLE = (
    flag(
        "zerocopy_write",
        "ZMQ_ASIO_ZEROCOPY_WRITE",
        "ASIO_ZEROCOPY_WRITE",
        1,
        "large frames are written from the sender's memory; 0 copies them through the write "
        "buffer (plan, phase 1)",
    ),
    flag(
        "lazy_compact",
        "ZMQ_ASIO_LAZY_COMPACT",
        "ASIO_LAZY_COMPACT",
        1,
        "what a read left incomplete is moved only where the buffer gets short, and a large body "
        "is received into the object that the user gets; 0 moves it before each read, and "
        "receives all that fits through the buffer (plan, phase 2)",
    ),
    flag(
        "write_batching",
        "ZMQ_ASIO_WRITE_BATCHING",
        "ASIO_WRITE_BATCHING",
        1,
        "messages behind the first of a burst are written together; 0 writes each by itself "
        "(plan, phase 3)",
    ),
    flag(
        "handshake_zerocopy",
        "ZMQ_ASIO_HANDSHAKE_ZEROCOPY",
        "ASIO_HANDSHAKE_ZEROCOPY",
        1,
        "messages that arrive behind the handshake are decoded where they lie; 0 copies them "
        "into a second buffer first (plan, phase 4); with CURVE, `ws` and `wss` it changes "
        "nothing",
    ),
    Setting(
        "zerocopy_threshold",
        "ZLINK_ZEROCOPY_THRESHOLD",
        "ZEROCOPY_THRESHOLD",
        8192,
        "bytes",
        "a frame of this size or more is large",
    ),
    Setting(
        "compact_consumed",
        "ZLINK_COMPACT_CONSUMED",
        "COMPACT_CONSUMED",
        2048,
        "bytes",
        "the read buffer is compacted only when more than this was consumed of it",
    ),
    Setting(
        "compact_room",
        "ZLINK_COMPACT_ROOM",
        "COMPACT_ROOM",
        20,
        "percent",
        "... and when less than this of it, or less than 2048 bytes, is left to read into",
        0,
        50,
    ),
    Setting(
        "in_batch_size",
        "ZLINK_IN_BATCH_SIZE",
        "IN_BATCH_SIZE",
        131072,
        "bytes",
        "most that one read puts into the read buffer, whose size is the limit",
        1,
    ),
    Setting(
        "out_batch_size",
        "ZLINK_OUT_BATCH_SIZE",
        "OUT_BATCH_SIZE",
        131072,
        "bytes",
        "gathered messages are written at this size",
        1,
    ),
    Setting(
        "batch_messages",
        "ZLINK_BATCH_MESSAGES",
        "BATCH_MESSAGES",
        256,
        "messages",
        "gathered messages are written at this number",
    ),
    Setting(
        "batch_time",
        "ZLINK_BATCH_TIME",
        "BATCH_TIME",
        100,
        "microseconds",
        "gathered messages are written at this age",
    ),
    flag(
        "tcp_nodelay",
        "ZLINK_TCP_NODELAY",
        "TCP_NODELAY",
        1,
        "TCP_NODELAY on TCP connections; 0 leaves Nagle's algorithm to hold small writes",
    ),
    Setting(
        "socket_buffers",
        "ZLINK_SOCKET_BUFFERS",
        "SOCKET_BUFFERS",
        -1,
        "bytes",
        "SO_SNDBUF and SO_RCVBUF where SNDBUF and RCVBUF are not set; 524288 is the plan's "
        "phase 0. 0 leaves them to the kernel, which grows them as needed; so does -1, but "
        "for SO_SNDBUF between peers on one host, which is 524288 then: what waits stays in "
        "the CPU's cache. Over ipc SO_SNDBUF alone has an effect",
        -1,
    ),
    Setting(
        "busy_poll",
        "ZLINK_BUSY_POLL",
        "BUSY_POLL",
        -1,
        "microseconds",
        "a receiver polls its connections so long before it sleeps; "
        f"-1 is {ADAPTIVE_POLL}; 0 never polls. Ever more rarely where it brings nothing, "
        "never while another greenlet is ready, never on one CPU",
        -1,
        1000000,
    ),
    Setting(
        "asyncio_burst",
        "ZLINK_ASYNCIO_BURST",
        "ASYNCIO_BURST",
        64,
        "operations",
        "asyncio, through both entry points: of so many sends and receives of a socket that "
        "could all succeed at once, the last waits for a turn of the loop, so that other tasks get "
        "theirs; 1 has each one wait",
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
        "size of the buffers that connections read into; at least 16384",
    ),
    Setting(
        "hub_turn_interval",
        "ZLINK_HUB_TURN_INTERVAL",
        "",
        1000,
        "microseconds",
        "a greenlet that sends or receives without end lets the hub poll I/O this often",
    ),
    Setting(
        "direct_read_peers",
        "ZLINK_DIRECT_READ_PEERS",
        "",
        4,
        "connections",
        "a receiver reads its connections itself while they are no more than this",
    ),
    Setting(
        "term_warning",
        "ZLINK_TERM_WARNING",
        "",
        1000,
        "milliseconds",
        "``Context.term()`` that waits longer logs once what it waits for; 0 never does",
    ),
)

#: Other variables of the environment that begin as those of settings.
OTHERS = ("ZLINK_ENGINE",)

_by_name = {setting.name: setting for setting in TABLE}


def get(name: str, chosen: int | None = None) -> int:
    """The value of a setting: of the environment, else the socket's own, else the default.

    .. versionadded:: 0.1

    Parameters
    ----------
    name : str
        Of a row of :data:`TABLE`.
    chosen : int, optional
        What a socket option says, in the row's unit.

    Returns
    -------
    int
        In the row's unit.

    Raises
    ------
    KeyError
        There is no such row.
    ValueError
        The environment variable is no number, or not allowed.

    Notes
    -----
    Ours alone: libzmq has no such table.
    """
    setting = _by_name[name]
    text = os.environ.get(setting.variable)
    if text is not None:
        return setting.parse(text)
    return setting.default if chosen is None else chosen


_checked = False


def check_environment():
    """Warn, once, of each variable that is named like a setting and is none."""
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
    """The settings of one socket or endpoint, resolved, for the message path to read.

    Parameters
    ----------
    chosen : dict of str to int, optional
        What socket options say, by the names of :data:`TABLE`.

    Attributes are the rows that have a socket option, in their units, but for:

    batch_time, spin_time : int, nanoseconds
        The latter is ``busy_poll``'s.
    """

    def __init__(self, chosen=None):
        def resolve(name):
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
        self.spin_time = (ADAPTIVE_POLL if busy_poll < 0 else busy_poll) * 1000
