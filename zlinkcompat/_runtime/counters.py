"""The debug counters of a socket, which the codec, the stream and the connection increment.

A socket has counters only if ``ZMQ_DEBUG_COUNTERS=1`` is in the environment when the socket is
created; otherwise the counting code holds None. ``zlinkcompat.debug`` is the public interface.
"""

from __future__ import annotations

import os
from typing import Any
from weakref import WeakSet

#: The counters and their meaning (docs/performance-plan.md; the last six are our own).
NAMES = {
    "zerocopy_write_count": "large frames written from the sender's memory",
    "fallback_write_count": "large frames copied into the write buffer",
    "scatter_gather_write_count": "writes of several buffers",
    "partial_write_count": "writes of which the transport accepted only a part",
    "bytes_copied": "message bytes copied into the write buffer, or out of a handshake's buffer",
    "compaction_count": "moves of the unread rest of a read buffer to its start",
    "compaction_bytes": "bytes that were moved",
    "compaction_skipped_count": "reads whose rest could stay where it was",
    "batch_flush_count": "batches written",
    "batch_timeout_flush_count": "batches written because of their age or a loop iteration",
    "batch_size_flush_count": "batches written because of a limit of bytes or messages",
    "batched_messages": "messages in all batches",
    "read_calls": "system calls that read",
    "write_calls": "system calls that write",
    "messages_in": "messages received",
    "messages_out": "messages whose last byte was written",
    "xpub_dropped_messages": "messages to an XPUB dropped because RCVHWM was reached",
}


class Counters:
    """The counters of one socket's connections: one int for each of :data:`NAMES`."""

    def __init__(self) -> None:
        self.reset()
        _live.add(self)

    def __del__(self) -> None:
        retired = _retired
        if retired:  # None while the interpreter exits
            for name in retired:
                retired[name] += getattr(self, name)

    def reset(self) -> None:
        """Set all counters to 0."""
        for name in NAMES:
            setattr(self, name, 0)


_live: WeakSet[Counters] = WeakSet()
_retired = dict.fromkeys(NAMES, 0)


def enabled() -> bool:
    """Tell whether new sockets count."""
    return os.environ.get("ZMQ_DEBUG_COUNTERS") == "1"


def make() -> Any:
    """Return the counters of a new socket, or None."""
    return Counters() if enabled() else None


def total() -> Any:
    """Return the sums over all sockets of this process, open and closed: dict of int by name."""
    sums = dict(_retired)
    for counters in list(_live):
        for name in NAMES:
            sums[name] += getattr(counters, name)
    return sums


def reset() -> None:
    """Set the counters of all sockets of this process to 0."""
    _retired.update(dict.fromkeys(NAMES, 0))
    for counters in list(_live):
        counters.reset()
