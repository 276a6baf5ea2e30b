"""What is measured: patterns x transports x sizes, and the targets some of it is held against."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

KB = 1024
MB = 1024 * KB
SIZES = (64, 256, KB, 8 * KB, 64 * KB, 128 * KB, 256 * KB, MB)
TRANSPORTS = ("tcp", "ipc", "inproc", "tls", "ws", "wss")
WARMUP = 1000
WARM_BYTES = 64 * MB
QUEUE_BYTES = 16 * MB
SUBSCRIBERS = 8
STORM = 500
CROWD = 1000
IDLE = 3000

KINDS = {  # kind: (field of a round, whether more is better)
    "rate": ("rate", True),
    "trip": ("p50_us", False),
    "memory": ("bytes", False),
}


@dataclass(frozen=True, slots=True)
class Pattern:
    """How messages go.

    Parameters
    ----------
    types : tuple of str
        Socket types, the sending one first.
    work : str
        The module of :mod:`bench.work` that holds the roles.
    roles : tuple of str
        Functions there, a process each (over inproc, a thread or greenlet each).
    kind : str
        A key of ``KINDS``.
    of_messages : bool
        Whether there is a size to vary; else the size of a case counts connections.
    encrypted : bool
        By CURVE; over tcp only.
    """

    types: tuple
    work: str = "oneway"
    roles: tuple = ("sink", "source")
    kind: str = "rate"
    of_messages: bool = True
    encrypted: bool = False


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
}


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to measure.

    Parameters
    ----------
    pattern : str
        A key of ``PATTERNS``.
    transport : str
    size : int
        Bytes of a message, or connections where the pattern is about those.
    targets : tuple of (str, float)
        Library, and what the ratio of our figure to its has to be: at least for rates, at most for
        round trips.
    limit : float, optional
        A target for the figure itself: bytes, for "memory".
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
        """``rate`` (messages/s or connections/s), ``trip`` (us) or ``memory`` (bytes)."""
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
    def subscribes(self):
        return "SUB" in self.shape.types

    @property
    def message_size(self):
        return self.size if self.shape.of_messages else 64

    @property
    def warmup(self):
        """Messages to each receiver before the clock starts: 1,000 in all, or 64 MiB of them.

        More of the large ones told nothing, and took half of the time of a whole run.
        """
        messages = min(WARMUP, WARM_BYTES // self.message_size)
        return messages // SUBSCRIBERS if self.pattern == "fan-out" else messages

    @property
    def batch(self):
        """Messages between two looks at the clock, and between two checks of what came."""
        return max(2, min(1000, 4 * MB // self.message_size))

    @property
    def high_water_mark(self):
        """Messages: the default, or fewer where those would be over 16 MiB.

        A round has to be of many fills of the queues: else it may count what lay in them only.
        """
        return min(1000, QUEUE_BYTES // self.message_size)


def human(size):
    for unit, name in ((MB, "MB"), (KB, "KB")):
        if size >= unit:
            return f"{size // unit}{name}"
    return f"{size}B"


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
    ("push-pull", "tcp", 64, 3, 2),
    ("push-pull", "tcp", KB, 3, 2, 0.8),
    ("push-pull", "tcp", 64 * KB, 1.8, 1.5, 1),
    ("push-pull", "tcp", 128 * KB, 1.8, 1.2, 1),
    ("push-pull", "tcp", MB, 1.8, 1.2, 1),
    ("push-pull", "ipc", 64, 3, 2),
    ("push-pull", "inproc", 64, 3, 2),
    ("pub-sub", "tcp", 64, 2.5),
    ("pair", "tcp", 64, 3, 2),
    ("dealer-router", "tcp", 64, 4, 1.5),
    ("curve", "tcp", 64, 0.6),
    ("curve", "tcp", 64 * KB, 0.8),
    ("req-rep", "tcp", 64, 0.2, 0.3, 2),
    ("req-rep", "tcp", 64 * KB, 0.3, 0.3, 2.5),
    ("req-rep", "ipc", 64, 0.2, 0.3, 2),
)
MEMORY = Case("memory", "tcp", IDLE, limit=12 * KB)
CONNECTIONS = tuple(
    Case(pattern, transport, size)
    for pattern, size in (("crowd", CROWD), ("storm", STORM))
    for transport in ("tcp", "ipc")
)


def quick_cases():
    """A row of TARGETS of each sort; under a minute with three libraries."""
    left_out = {
        "push-pull/tcp/1KB",
        "push-pull/tcp/128KB",
        "pub-sub/tcp/64B",
        "pair/tcp/64B",
        "dealer-router/tcp/64B",
        "curve/tcp/64B",
        "curve/tcp/64KB",
    }
    return [case for name, case in TARGETED.items() if name not in left_out]


def default_cases():
    """Every row of TARGETS, and each other pattern once."""
    others = ("fan-out", "dealer-dealer", "router-router", "proxy")
    return [
        *TARGETED.values(),
        *(Case(pattern, "tcp", 64) for pattern in others),
        *(case for case in CONNECTIONS if case.transport == "tcp"),
        MEMORY,
    ]


def full_cases():
    """The whole grid."""
    grid = (
        Case(pattern, transport, size)
        for pattern, shape in PATTERNS.items()
        if shape.of_messages
        for transport in (TRANSPORTS[:1] if shape.encrypted else TRANSPORTS)
        for size in SIZES
    )
    return [*(TARGETED.get(case.name, case) for case in grid), *CONNECTIONS, MEMORY]


SETS = {"quick": quick_cases, "default": default_cases, "full": full_cases}


def named(patterns):
    """Those of all cases whose name has one of ``patterns`` as a part, or matches it as a glob."""
    return [
        case
        for case in full_cases()
        if any(each in case.name or fnmatchcase(case.name, each) for each in patterns)
    ]
