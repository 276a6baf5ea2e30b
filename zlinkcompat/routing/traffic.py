"""How many messages went through a pipe, computed from the positions of its queues.

Messages are not counted when they are sent or received, because the head and the tail of a queue
are such counts already. The functions here subtract the entries that left the queue in another way
or are not messages.

All functions take the socket's end of a pipe. They only read, and any thread may call them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat.routing.counts import REASONS

if TYPE_CHECKING:
    from zlinkcompat.routing.pipe import Pipe


#: At most this many messages of a queue are measured. The size of the rest is estimated.
MEASURED_MAX = 10_000


def messages_in(pipe: Pipe) -> int:
    """Return how many messages have arrived from the peer."""
    far = pipe.peer
    if far.is_session_end:
        arrived = far.outq.tail + far.outq.conflated - far.commands_lost
    else:
        arrived = pipe.arrived_before + pipe.inq.tail
    return arrived - pipe.commands_in


def messages_out(pipe: Pipe) -> int:
    """Return how many messages the transport, or the peer's socket (inproc), has taken."""
    far = pipe.peer
    taken = far.taken_before + far.inq.head - far.inq.cleared
    if pipe.commands_out:
        commands = pipe.commands_out - pipe.commands_lost - far.commands_cleared
        taken -= commands - far.inq.command_count()
    return taken


def queued_in(pipe: Pipe) -> int:
    """Return how many messages wait for the application."""
    return pipe.inq.tail - pipe.inq.head


def queued_out(pipe: Pipe) -> int:
    """Return how many messages wait for the peer."""
    queue = pipe.peer.inq
    return queue.tail - queue.head - (queue.command_count() if pipe.commands_out else 0)


def bytes_waiting(pipe: Pipe) -> int:
    """Return the size in bytes of all messages that wait for the peer."""
    return pipe.peer.inq.waiting_bytes(MEASURED_MAX)


def drops(pipe: Pipe) -> dict[str, int]:
    """Return the dropped messages of a peer by reason: dict of str to int, without zeros."""
    far = pipe.peer
    found: dict[str, int] = {}
    for end in (pipe, far) if far.is_session_end else (pipe,):
        if end.drops is not None:
            for reason in REASONS:
                count = getattr(end.drops, reason)
                if count:
                    found[reason] = found.get(reason, 0) + count
    replaced = conflated(pipe)
    if replaced:
        found["conflate"] = found.get("conflate", 0) + replaced
    return found


def conflated(pipe: Pipe) -> int:
    """Return how many messages were replaced by newer ones (CONFLATE) in the current queues."""
    far = pipe.peer
    return pipe.outq.conflated + (far.outq.conflated if far.is_session_end else 0)


def retire(pipe: Any) -> None:
    """Add the counts of a pipe that has ended to the sums of its socket.

    ``totals.begin_retiring`` must have returned True for it."""
    totals = pipe.totals
    sent = messages_out(pipe)
    if not pipe.peer.is_session_end:
        # Over inproc the other socket can still receive the messages that this socket wrote.
        sent += queued_out(pipe)
    replaced = conflated(pipe)
    if replaced:
        totals.count_dropped("conflate", replaced)
    totals.end_change({"messages_in": messages_in(pipe), "messages_out": sent})
