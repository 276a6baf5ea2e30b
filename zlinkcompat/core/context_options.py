"""The options of contexts: one table row each, and the object that holds the values.

Numbers, defaults and limits are libzmq's (``doc/zmq_ctx_set.adoc``, ``src/ctx.cpp``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat.core.option_row import INT_MAX, Option, at_least
from zlinkcompat.errors import EINVAL, zmq_error

# The reason why some options have no effect here.
NO_THREAD_OPTIONS = "the operating system schedules, places and names the I/O threads"

SOCKET_LIMIT = 3
THREAD_PRIORITY = 3
THREAD_AFFINITY_CPU_ADD = 7
THREAD_AFFINITY_CPU_REMOVE = 8
IO_THREADS = 1

#: All context options. Number 3 means SOCKET_LIMIT when read, THREAD_PRIORITY when set (zmq.h).
#: The options that schedule, place and name I/O threads are stored and have no effect.
CONTEXT_OPTIONS = (
    Option("IO_THREADS", IO_THREADS, "int", "threads", 1, at_least(0)),
    Option("MAX_SOCKETS", 2, "int", "sockets", 1023, at_least(1)),
    Option(
        "THREAD_PRIORITY",
        THREAD_PRIORITY,
        "int",
        "",
        -1,
        at_least(0),
        readable=False,
        inert=NO_THREAD_OPTIONS,
    ),
    Option("THREAD_SCHED_POLICY", 4, "int", "", -1, at_least(0), inert=NO_THREAD_OPTIONS),
    Option(
        "MAX_MSGSZ",
        5,
        "int",
        "bytes",
        INT_MAX,
        at_least(0),
        inert="libzmq stores it as well, and limits nothing by it; MAXMSGSIZE does",
    ),
    Option("MSG_T_SIZE", 6, "int", "bytes", 64, writable=False),
    Option(
        "THREAD_AFFINITY_CPU_ADD",
        7,
        "int",
        "CPU",
        0,
        at_least(0),
        readable=False,
        inert=NO_THREAD_OPTIONS,
    ),
    Option(
        "THREAD_AFFINITY_CPU_REMOVE",
        8,
        "int",
        "CPU",
        0,
        at_least(0),
        readable=False,
        inert=NO_THREAD_OPTIONS,
    ),
    Option("THREAD_NAME_PREFIX", 9, "int", "", 0, inert=NO_THREAD_OPTIONS),
    Option(
        "ZERO_COPY_RECV",
        10,
        "bool",
        "",
        1,
        at_least(0),
        inert="large frames are always received without a copy",
    ),
    Option("IPV6", 42, "bool", "", 0, at_least(0)),
    Option("BLOCKY", 70, "bool", "", 1, at_least(0)),
)

_context_by_id = {row.id: row for row in CONTEXT_OPTIONS}


class ContextOptions:
    """The options of a context, as a lower-case attribute for each of :data:`CONTEXT_OPTIONS`.

    Attributes
    ----------
    socket_limit : int, sockets
    thread_affinity : set of int
        CPUs that were added and not removed.
    """

    def __init__(self) -> None:
        for row in CONTEXT_OPTIONS:
            setattr(self, row.attribute, row.default)
        self.socket_limit = 65535
        self.thread_affinity: set[int] = set()

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """The attribute of a row of the option table."""

    def set(self, option: int, value: Any) -> None:
        """Set an option (number, int).

        Raises
        ------
        ZMQError
            EINVAL: the option is unknown or read-only, the value is invalid, or the CPU to remove
            was not added. libzmq zmq_ctx_set(3).
        """
        row = _context_by_id.get(option)
        if row is None:
            raise zmq_error(EINVAL, f"there is no context option {option!r}")
        kept = row.accept(value)
        if option == THREAD_AFFINITY_CPU_ADD:
            self.thread_affinity.add(kept)
        elif option == THREAD_AFFINITY_CPU_REMOVE:
            if kept not in self.thread_affinity:
                raise zmq_error(EINVAL, f"set {row.name}: CPU {kept} was not added")
            self.thread_affinity.remove(kept)
        else:
            setattr(self, row.attribute, kept)

    def get(self, option: int) -> int:
        """Return the value of an option (int). EINVAL if the option is unknown or write-only.

        libzmq zmq_ctx_get(3)."""
        if option == SOCKET_LIMIT:
            return self.socket_limit
        row = _context_by_id.get(option)
        if row is None or not row.readable:
            raise zmq_error(EINVAL, f"there is no context option {option!r} to read")
        return getattr(self, row.attribute)

    def set_io_threads(self, count: int) -> None:
        """Set IO_THREADS. EINVAL for a negative count, as in libzmq's zmq_init(3)."""
        self.set(IO_THREADS, count)
