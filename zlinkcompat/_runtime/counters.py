"""The debug counters of a socket, counted by the codec, the stream and the connection.

They exist only with ``ZMQ_DEBUG_COUNTERS=1`` in the environment when the socket is made; without,
all who would count hold None. ``zlinkcompat.debug`` is what people ask.
"""

import os
from weakref import WeakSet

#: What is counted (performance plan, "Observability"; the last six are ours).
NAMES = {
    "zerocopy_write_count": "large frames written from the sender's memory",
    "fallback_write_count": "large frames copied into the write buffer",
    "scatter_gather_write_count": "writes of several buffers",
    "partial_write_count": "writes of which the transport accepted only a part",
    "bytes_copied": "bytes of messages copied into the write buffer, or from behind a handshake",
    "compaction_count": "moves of the unread rest of a read buffer to its start",
    "compaction_bytes": "bytes that were moved",
    "compaction_skipped_count": "reads whose rest could stay where it was",
    "batch_flush_count": "batches written",
    "batch_timeout_flush_count": "batches written because of their age, or as the loop iterated",
    "batch_size_flush_count": "batches written because of a limit of bytes or messages",
    "batched_messages": "messages in all batches",
    "read_calls": "system calls that read",
    "write_calls": "system calls that write",
    "messages_in": "messages received",
    "messages_out": "messages whose last byte was written",
    "xpub_dropped_messages": "messages to an XPUB that were dropped because RCVHWM of them waited",
}


class Counters:
    """The counters of one socket's connections: an int for each of :data:`NAMES`, from 0."""

    def __init__(self):
        self.reset()
        _live.add(self)

    def __del__(self):
        retired = _retired
        if retired:  # None where the interpreter ends
            for name in retired:
                retired[name] += getattr(self, name)

    def reset(self):
        """Begin anew from 0."""
        for name in NAMES:
            setattr(self, name, 0)


_live = WeakSet()
_retired = dict.fromkeys(NAMES, 0)


def enabled():
    """Whether sockets made now count."""
    return os.environ.get("ZMQ_DEBUG_COUNTERS") == "1"


def make():
    """The counters of a new socket, or None."""
    return Counters() if enabled() else None


def total():
    """The sums over all sockets of this process, living and gone: dict of int by name."""
    sums = dict(_retired)
    for counters in list(_live):
        for name in NAMES:
            sums[name] += getattr(counters, name)
    return sums


def reset():
    """Begin anew from 0, all sockets of this process."""
    _retired.update(dict.fromkeys(NAMES, 0))
    for counters in list(_live):
        counters.reset()
