"""What is measured: one row per case, with the targets it is held against."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

KB = 1024
MB = 1024 * KB
SIZES = (64, KB, 64 * KB, MB)
TRANSPORTS = ("tcp", "ipc", "inproc")

# pattern: (sending type, receiving type); the receiving end binds.
PATTERNS = {
    "push-pull": ("PUSH", "PULL"),
    "req-rep": ("REQ", "REP"),
    "pub-sub": ("PUB", "SUB"),
    "dealer-router": ("DEALER", "ROUTER"),
    "pair": ("PAIR", "PAIR"),
    "memory": (None, "ROUTER"),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to measure.

    Parameters
    ----------
    pattern : str
        A key of ``PATTERNS``.
    transport : str
    size : int, bytes
        Of a message; for "memory", the number of peers.
    targets : tuple of (str, float)
        Library, and what the ratio of our figure to its has to be: at least for rates, at most for
        round trips.
    limit : float, optional
        A target for the figure itself: bytes, for "memory".
    quick : bool
        Part of ``--quick``.
    """

    pattern: str
    transport: str
    size: int
    targets: tuple = ()
    limit: float | None = None
    quick: bool = False

    @property
    def name(self):
        return f"{self.pattern}/{self.transport}/{human(self)}"

    @property
    def kind(self):
        """``rate`` (messages/s, more is better), ``trip`` (us) or ``memory`` (bytes)."""
        return {"req-rep": "trip", "memory": "memory"}.get(self.pattern, "rate")

    @property
    def batch(self):
        """Messages between two looks at the clock, and between two checks of what came."""
        return max(2, min(1000, 4 * MB // self.size))

    def runs_on(self, library):
        """Whether ``library`` can do this case.

        Raw sockets have no small messages, so there is nothing to compare. pyomq 0.21 hangs
        in PUB to SUB as set up here (not looked into).
        """
        if library == "pyomq":
            return self.pattern != "pub-sub"
        if library != "raw":
            return True
        if self.transport == "inproc" or self.pattern not in ("push-pull", "req-rep"):
            return False
        return self.kind == "trip" or self.size >= KB


def human(case):
    if case.kind == "memory":
        return f"{case.size}peers"
    for unit, name in ((MB, "MB"), (KB, "KB")):
        if case.size >= unit:
            return f"{case.size // unit}{name}"
    return f"{case.size}B"


def against(pyzmq, pyomq=None, raw=None):
    pairs = (("zmq", pyzmq), ("pyomq", pyomq), ("raw", raw))
    return tuple((name, factor) for name, factor in pairs if factor is not None)


SPECIAL = (
    Case("push-pull", "tcp", 64, against(3, 2), quick=True),
    Case("push-pull", "ipc", 64, against(3, 2), quick=True),
    Case("push-pull", "inproc", 64, against(3, 2), quick=True),
    Case("push-pull", "tcp", KB, against(3, 2, 0.8)),
    Case("push-pull", "tcp", 64 * KB, against(1.8, 1.5, 1), quick=True),
    Case("push-pull", "tcp", 128 * KB, against(1.8, 1.2, 1)),
    Case("push-pull", "tcp", MB, against(1.8, 1.2, 1), quick=True),
    Case("pub-sub", "tcp", 64, against(2.5)),
    Case("dealer-router", "tcp", 64, against(4, 1.5)),
    Case("pair", "tcp", 64, against(3, 2)),
    Case("req-rep", "tcp", 64, against(0.2, 0.3, 2), quick=True),
    Case("req-rep", "ipc", 64, against(0.2, 0.3, 2), quick=True),
    Case("req-rep", "tcp", 64 * KB, against(0.3, 0.3, 2.5), quick=True),
)
MEMORY = Case("memory", "tcp", 3000, limit=12 * KB)


def all_cases():
    """Every case: those with targets, the rest of the grid, and memory last."""
    cases = {case.name: case for case in SPECIAL}
    for pattern in ("push-pull", "req-rep"):
        for transport in TRANSPORTS:
            for size in SIZES:
                case = Case(pattern, transport, size)
                cases.setdefault(case.name, case)
    order = {pattern: place for place, pattern in enumerate(PATTERNS)}
    transports = {transport: place for place, transport in enumerate(TRANSPORTS)}
    grid = sorted(
        cases.values(),
        key=lambda case: (order[case.pattern], transports[case.transport], case.size),
    )
    return (*grid, MEMORY)


def chosen(patterns=(), quick=False, memory=False):
    """The cases to run.

    Parameters
    ----------
    patterns : sequence of str
        Globs or parts of names; they choose from all cases, whatever ``quick`` says.
    quick, memory : bool
    """
    cases = all_cases()
    if patterns:
        wanted = [case for case in cases if any(matches(case.name, each) for each in patterns)]
        return wanted + [MEMORY] if memory and MEMORY not in wanted else wanted
    return [
        case
        for case in cases
        if (memory if case is MEMORY else (case.quick or not quick))
    ]


def matches(name, pattern):
    return pattern in name or fnmatchcase(name, pattern)
