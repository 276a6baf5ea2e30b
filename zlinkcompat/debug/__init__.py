"""Debugging: the compiled modules, the debug counters, and the kernel's view of connections."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zlinkcompat._runtime import counters as _counters
from zlinkcompat._runtime.startup import is_extension
from zlinkcompat.core.registry import socket_at
from zlinkcompat.debug.snapshot import dump
from zlinkcompat.errors import ENOTSOCK, zmq_error
from zlinkcompat.transports.sockets import describe
from zlinkcompat.version import VERSION

if TYPE_CHECKING:
    import zmq

__all__ = [
    "version", "build_info", "compiled_modules", "dump", "counting", "counters", "connections",
    "zmq_debug_get_zerocopy_count", "zmq_debug_get_fallback_count", "zmq_debug_get_bytes_copied",
    "zmq_debug_get_compaction_count", "zmq_debug_get_compaction_skipped_count",
    "zmq_debug_reset_counters",
]  # fmt: skip

#: The version of zlinkcompat, such as "0.1.0"; ``zlinkcompat.__version__`` is pyzmq's.
version: str = VERSION


def compiled_modules() -> list[str]:
    """Return the names of the modules that a full build compiles.

    .. versionadded:: 0.1

    Returns
    -------
    list of str
        In a checkout, the modules that have a ``.pxd`` or a ``.pyx`` file, as setup.py finds them.
    """
    try:
        # setup.py writes this module into a wheel; a checkout has the sources of Cython instead.
        from zlinkcompat._compiled_modules import NAMES
    except ImportError:
        pass
    else:
        return sorted(NAMES)
    root = Path(__file__).parents[1]
    declared = {path.with_suffix("") for kind in ("pxd", "pyx") for path in root.rglob(f"*.{kind}")}
    return sorted(
        ".".join(("zlinkcompat", *stem.relative_to(root).parts))
        for stem in declared
        if stem.with_suffix(".py").exists()
    )


def build_info() -> dict[str, Any]:
    """Return which build is running.

    .. versionadded:: 0.1

    Returns
    -------
    dict
        ``compiled``: True if all modules of the message path are compiled, False if none is, and
        "partly" if the build is broken. ``modules``: maps module names to True (compiled) or False.
        ``pure``: whether ``ZLINKCOMPAT_PURE`` asks for the pure-Python fallback. ``version``,
        ``python``.

    Examples
    --------
    >>> from zlinkcompat import debug
    >>> sorted(debug.build_info())
    ['compiled', 'modules', 'pure', 'python', 'version']
    """
    modules = {}
    for name in compiled_modules():
        modules[name] = is_extension(import_module(name).__file__)
    kinds = set(modules.values())
    return {
        "compiled": "partly" if len(kinds) > 1 else kinds == {True},
        "modules": modules,
        "pure": os.environ.get("ZLINKCOMPAT_PURE") == "1",
        "version": version,
        "python": sys.version.split()[0],
    }


# -- counters ------------------------------------------------------------------------------


def counting() -> bool:
    """Tell whether new sockets count.

    .. versionadded:: 0.1

    Returns
    -------
    bool
        True if ``ZMQ_DEBUG_COUNTERS=1`` is in the environment.
    """
    return _counters.enabled()


def counters(socket: zmq.Socket[Any] | None = None) -> dict[str, float]:
    """Return the debug counters.

    Only sockets that were created while :func:`counting` is true count. Others report 0.

    .. versionadded:: 0.1

    Parameters
    ----------
    socket : zlinkcompat.Socket or zmq.Socket on this backend, optional
        The socket; without it, the sums over all sockets of this process, even closed ones.

    Returns
    -------
    dict of str to int
        The keys are the names of ``_runtime.counters.NAMES`` (in calls, bytes or messages, as the
        name says), and ``messages_per_batch_avg`` (float).

    Raises
    ------
    ZMQError
        ENOTSOCK: the socket is closed.
    """
    if socket is None:
        counts = _counters.total()
    else:
        held = _core_of(socket).counters
        counts = {name: getattr(held, name, 0) for name in _counters.NAMES}
    batches = counts["batch_flush_count"]
    counts["messages_per_batch_avg"] = counts["batched_messages"] / batches if batches else 0.0
    return counts


def _core_of(socket: Any) -> Any:
    core = socket_at(socket.underlying)
    if core is None:
        raise zmq_error(ENOTSOCK, "the socket is closed, or belongs to libzmq")
    return core


def zmq_debug_get_zerocopy_count() -> int:
    """Return the number of large frames that were written from the sender's memory.

    .. versionadded:: 0.1

    Returns
    -------
    int, frames
        ``zerocopy_write_count`` of :func:`counters`, for the whole process.
    """
    return int(counters()["zerocopy_write_count"])


def zmq_debug_get_fallback_count() -> int:
    """Return the number of large frames that were copied into a write buffer.

    .. versionadded:: 0.1

    Returns
    -------
    int, frames
        ``fallback_write_count`` of :func:`counters`, for the whole process.
    """
    return int(counters()["fallback_write_count"])


def zmq_debug_get_bytes_copied() -> int:
    """Return the message bytes copied into a write buffer, or out of a handshake's buffer.

    .. versionadded:: 0.1

    Returns
    -------
    int, bytes
        ``bytes_copied`` of :func:`counters`, for the whole process.
    """
    return int(counters()["bytes_copied"])


def zmq_debug_get_compaction_count() -> int:
    """Return how often the rest of a read buffer was moved to its start.

    .. versionadded:: 0.1

    Returns
    -------
    int, times
        ``compaction_count`` of :func:`counters`, for the whole process.
    """
    return int(counters()["compaction_count"])


def zmq_debug_get_compaction_skipped_count() -> int:
    """Return how often the rest of a read buffer could stay where it was.

    .. versionadded:: 0.1

    Returns
    -------
    int, times
        ``compaction_skipped_count`` of :func:`counters`, for the whole process.
    """
    return int(counters()["compaction_skipped_count"])


def zmq_debug_reset_counters() -> None:
    """Set the counters of all sockets of this process to 0.

    .. versionadded:: 0.1
    """
    _counters.reset()


# -- connections ---------------------------------------------------------------------------


def connections(socket: zmq.Socket[Any]) -> list[dict[str, Any]]:
    """Return the connections of a socket with their kernel settings.

    .. versionadded:: 0.1

    Parameters
    ----------
    socket : zlinkcompat.Socket or zmq.Socket on this backend
        The socket.

    Returns
    -------
    list of dict
        ``endpoint`` (str), ``fd``, ``sndbuf`` and ``rcvbuf`` (the effective sizes in bytes; Linux
        doubles the requested size for its own bookkeeping), ``nodelay`` (bool; None if the
        transport does not have this option).

    Raises
    ------
    ZMQError
        ENOTSOCK: the socket is closed.
    """
    found = []
    for session in list(_core_of(socket).peers.sessions):
        if session.connection is not None:
            found.append({"endpoint": session.endpoint, **describe(session.connection.stream.fd)})
    return found
