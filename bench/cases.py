"""The measured cases, each a pattern, a transport and a size, and the targets of some of them."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase

KB = 1024
MB = 1024 * KB
SIZES = (64, 256, KB, 8 * KB, 64 * KB, 128 * KB, 256 * KB, MB)
TRANSPORTS = ("tcp", "ipc", "inproc", "tls", "ws", "wss")
WARMUP = 1000
WARM_BYTES = 64 * MB
QUEUE_BYTES = 16 * MB
SUBSCRIBERS = 8
UNREAD = 10_000  # messages in the queue to a subscriber before a PUB drops
STORM = 500
CROWD = 1000
IDLE = 3000

KINDS = {  # kind: (key of the figure in a round, whether more is better)
    "rate": ("rate", True),
    "trip": ("p50_us", False),
    "memory": ("bytes", False),
}


@dataclass(frozen=True, slots=True)
class Pattern:
    """The socket types of a case, and the functions that use them.

    Parameters
    ----------
    types : tuple of str
        The socket types, the sending one first.
    work : str
        The module of :mod:`bench.work` that has the roles.
    roles : tuple of str
        Functions of this module. Each runs in a process of its own (over inproc, in a thread or
        greenlet of its own). If several roles run the same function, a suffix after ``-``
        distinguishes them.
    kind : str
        A key of ``KINDS``.
    of_messages : bool
        True if the size of a case is that of its messages, False if it is a number of connections.
    encrypted : bool
        Whether CURVE encrypts the messages. Such cases run over tcp only.
    asynchronous : bool, optional
        True if the case is only for libraries on asyncio, False if it is only for the others, None
        if it is for both.
    charged : tuple of str
        The roles whose CPU time and system calls are counted, by default all.
    options : dict
        Parameters of the module ``work``.
    """

    types: tuple
    work: str = "oneway"
    roles: tuple = ("sink", "source")
    kind: str = "rate"
    of_messages: bool = True
    encrypted: bool = False
    asynchronous: bool | None = None
    charged: tuple = ()
    options: dict = field(default_factory=dict)


def serving(engines, step):
    """Return the pattern of an inference server; its engines take ``step`` seconds per step."""
    return Pattern(
        ("ROUTER", "PULL"),
        "serving",
        ("client", *(f"engine-{number}" for number in range(engines))),
        asynchronous=True,
        options={"engines": engines, "step": step},
    )


def publishing(slow):
    """Return the pattern of a PUB that may drop, with ``slow`` subscribers that do not read."""
    return Pattern(
        ("PUB", "SUB"),
        "subscribers",
        ("sink", "sleeper", "source"),
        asynchronous=False,
        charged=("source",),
        options={"slow": slow},
    )


STEP = 0.002  # seconds
#: The patterns that imitate whole programs. Each has its own sizes: see ``PROGRAMS``.
PROGRAM_PATTERNS = {
    "serving": serving(1, 0),
    "serving-2-engines": serving(2, 0),
    "serving-steps": serving(1, STEP),
    "serving-2-engines-steps": serving(2, STEP),
    "serving-call": Pattern(
        ("ROUTER", "PULL"),
        "serving",
        ("caller", "engine-0"),
        "trip",
        asynchronous=True,
        options={"engines": 1, "step": 0},
    ),
    "ring": Pattern(("PUSH", "PULL"), "ring", ("source", "worker", "relay"), asynchronous=False),
    "mixed": Pattern(("DEALER", "DEALER"), "mixed", ("server", "client")),
    "slow-subscriber": publishing(1),
    "prompt-subscribers": publishing(0),
}
PATTERNS = {
    "push-pull": Pattern(("PUSH", "PULL")),
    "curve": Pattern(("PUSH", "PULL"), encrypted=True),
    "pub-sub": Pattern(("PUB", "SUB")),
    "fan-out": Pattern(("PUB", "SUB"), "fanout"),
    "pair": Pattern(("PAIR", "PAIR")),
    "dealer-dealer": Pattern(("DEALER", "DEALER")),
    "dealer-router": Pattern(("DEALER", "ROUTER")),
    "router-router": Pattern(("ROUTER", "ROUTER")),
    "req-rep": Pattern(("REQ", "REP"), "roundtrip", ("server", "client"), "trip"),
    "proxy": Pattern(("PUSH", "PULL"), "proxy", ("forwarder", "sink", "source")),
    "crowd": Pattern(("DEALER", "ROUTER"), "crowd", of_messages=False),
    "storm": Pattern(("DEALER", "ROUTER"), "storm", ("server", "clients"), of_messages=False),
    "memory": Pattern(("DEALER", "ROUTER"), "memory", ("server", "peers"), "memory", False),
    **PROGRAM_PATTERNS,
}


@dataclass(frozen=True, slots=True)
class Case:
    """A pattern with a transport and a size.

    Parameters
    ----------
    pattern : str
        A key of ``PATTERNS``.
    transport : str
    size : int
        The bytes of a message, or the number of connections (see ``Pattern.of_messages``).
    targets : tuple of (str, float)
        A library, and the target for the ratio of our figure to that of this library: the least for
        rates, the most for round trips.
    limit : float, optional
        A target for the figure itself, for "memory" in bytes.
    """

    pattern: str
    transport: str
    size: int
    targets: tuple = ()
    limit: float | None = None

    @property
    def name(self):
        size = human(self.size) if self.shape.of_messages else f"{self.size}x"
        return f"{self.pattern}/{self.transport}/{size}"

    @property
    def shape(self):
        return PATTERNS[self.pattern]

    @property
    def kind(self):
        """Return ``rate`` (messages or connections per second), ``trip`` (us) or ``memory``
        (bytes)."""
        return self.shape.kind

    @property
    def field(self):
        return KINDS[self.kind][0]

    @property
    def more_is_better(self):
        return KINDS[self.kind][1]

    @property
    def roles(self):
        return self.shape.roles

    @property
    def charged(self):
        """Return the roles whose CPU time and system calls are counted."""
        return self.shape.charged or self.roles

    @property
    def subscribes(self):
        return "SUB" in self.shape.types

    @property
    def drops(self):
        """Return whether a PUB may drop messages if the queue to a subscriber is full."""
        return self.shape.work == "subscribers"

    @property
    def message_size(self):
        return self.size if self.shape.of_messages else 64

    @property
    def warmup(self):
        """Return the number of messages to each receiver before the measurement.

        All receivers together get 1,000 messages, or 64 MiB if that is less. More large messages
        did not change the results, and took half of the time of a whole run.
        """
        messages = min(WARMUP, WARM_BYTES // self.message_size)
        return messages // SUBSCRIBERS if self.pattern == "fan-out" else messages

    @property
    def batch(self):
        """Return the number of messages between two reads of the clock (sender) or checks
        (receiver)."""
        return max(2, min(1000, 4 * MB // self.message_size))

    @property
    def high_water_mark(self):
        """Return the high-water mark: 1,000 messages, or 16 MiB of messages if that is fewer.

        A round must fill the queues many times. Otherwise it would mostly count the messages that
        were in the queues at its start.
        """
        if self.drops:  # so that no message to a subscriber that reads is dropped
            return UNREAD
        return min(1000, QUEUE_BYTES // self.message_size)


def human(size):
    for unit, name in ((MB, "MB"), (KB, "KB")):
        if size >= unit:
            return f"{size // unit}{name}"
    return f"{size}B"


def programs(*rows):
    return tuple(
        Case(pattern, transport, size) for pattern, transport, *sizes in rows for size in sizes
    )


#: The cases that imitate whole programs. `slow-subscriber` is compared with `prompt-subscribers`.
PROGRAMS = programs(
    ("serving", "ipc", 64 * KB, 256 * KB, MB, 4 * MB),
    ("serving-2-engines", "ipc", 64 * KB, MB),
    ("serving-steps", "ipc", 64 * KB, MB),
    ("serving-2-engines-steps", "ipc", 64 * KB, MB),
    ("serving-call", "ipc", 64),
    ("ring", "ipc", KB, 64 * KB),
    ("mixed", "tcp", KB, 64 * KB),
    ("slow-subscriber", "tcp", 64, KB),
    ("prompt-subscribers", "tcp", 64, KB),
)


def against(pyzmq, pyomq=None, raw=None):
    pairs = (("pyzmq", pyzmq), ("pyomq", pyomq), ("raw", raw))
    return tuple((name, factor) for name, factor in pairs if factor is not None)


def targeted(*rows):
    cases = (
        Case(pattern, transport, size, against(*factors))
        for pattern, transport, size, *factors in rows
    )
    return {case.name: case for case in cases}


TARGETED = targeted(
    ("push-pull", "tcp", 64, 8, 2),
    ("push-pull", "tcp", KB, 4, 2, 0.8),
    ("push-pull", "tcp", 8 * KB, None, 1.5),
    ("push-pull", "tcp", 64 * KB, 2.5, 1.3, 1),
    ("push-pull", "tcp", 128 * KB, 2.5, 1.3, 1),
    ("push-pull", "tcp", MB, 2.5, 1.3, 1),
    ("push-pull", "ipc", 64, 4, 2),
    ("push-pull", "inproc", 64, 4, 2),
    ("pub-sub", "tcp", 64, 4, 2),
    ("pair", "tcp", 64, 4, 2),
    ("dealer-router", "tcp", 64, 9, 2),
    ("curve", "tcp", 64, 0.6),
    ("curve", "tcp", 64 * KB, 0.8),
    ("req-rep", "tcp", 64, 0.12, 0.15, 2),
    ("req-rep", "tcp", 64 * KB, 0.28, 0.3, 2.5),
    ("req-rep", "ipc", 64, 0.2, 0.3, 2),
)
MEMORY = Case("memory", "tcp", IDLE, limit=9 * KB)
CONNECTIONS = tuple(
    Case(pattern, transport, size)
    for pattern, size in (("crowd", CROWD), ("storm", STORM))
    for transport in ("tcp", "ipc")
)


def quick_cases():
    """Return a few cases of TARGETED, which take less than a minute with three libraries."""
    left_out = {
        "push-pull/tcp/1KB",
        "push-pull/tcp/8KB",
        "push-pull/tcp/128KB",
        "pub-sub/tcp/64B",
        "pair/tcp/64B",
        "dealer-router/tcp/64B",
        "curve/tcp/64B",
        "curve/tcp/64KB",
    }
    return [case for name, case in TARGETED.items() if name not in left_out]


def default_cases():
    """Return all cases of TARGETED, and one case of each other pattern."""
    others = ("fan-out", "dealer-dealer", "router-router", "proxy")
    return [
        *TARGETED.values(),
        *(Case(pattern, "tcp", 64) for pattern in others),
        *first_of_each_program(),
        *(case for case in CONNECTIONS if case.transport == "tcp"),
        MEMORY,
    ]


def first_of_each_program():
    return {case.pattern: case for case in reversed(PROGRAMS)}.values()


def full_cases():
    """Return all cases."""
    grid = (
        Case(pattern, transport, size)
        for pattern, shape in PATTERNS.items()
        if shape.of_messages and pattern not in PROGRAM_PATTERNS
        for transport in (TRANSPORTS[:1] if shape.encrypted else TRANSPORTS)
        for size in SIZES
    )
    return [*(TARGETED.get(case.name, case) for case in grid), *PROGRAMS, *CONNECTIONS, MEMORY]


SETS = {"quick": quick_cases, "default": default_cases, "full": full_cases}


def named(patterns):
    """Return the cases whose name contains one of ``patterns``, or matches it as a glob."""
    return [
        case
        for case in full_cases()
        if any(each in case.name or fnmatchcase(case.name, each) for each in patterns)
    ]
