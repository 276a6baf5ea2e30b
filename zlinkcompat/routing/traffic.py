"""What went through a pipe, computed from the positions of its queues.

A message is not counted when it is sent or received. The head and tail of a queue are counts
already; what is subtracted here left the queue in another way, or is not a message.

All functions take the socket's end of a pipe. They only read, and any thread may call them.
"""

from zlinkcompat.routing.counts import REASONS

#: Up to this many messages of a queue are measured; the size of the rest is estimated.
MEASURED_MAX = 10_000


def messages_in(pipe):
    """Return how many messages have arrived from the peer."""
    far = pipe.peer
    if far.is_session_end:
        arrived = far.outq.tail + far.outq.conflated - far.commands_lost
    else:
        arrived = pipe.arrived_before + pipe.inq.tail
    return arrived - pipe.commands_in


def messages_out(pipe):
    """Return how many messages the transport, or the peer's socket (inproc), has taken."""
    far = pipe.peer
    taken = far.taken_before + far.inq.head - far.inq.cleared
    if pipe.commands_out:
        commands = pipe.commands_out - pipe.commands_lost - far.commands_cleared
        taken -= commands - far.inq.commands()
    return taken


def queued_in(pipe):
    """Return how many messages wait for the application."""
    return pipe.inq.tail - pipe.inq.head


def queued_out(pipe):
    """Return how many messages wait for the peer."""
    queue = pipe.peer.inq
    return queue.tail - queue.head - (queue.commands() if pipe.commands_out else 0)


def bytes_waiting(pipe):
    """Return how many bytes the messages have that wait for the peer."""
    return pipe.peer.inq.waiting_bytes(MEASURED_MAX)


def drops(pipe):
    """Return the dropped messages of a peer by reason: dict of str to int, without zeros."""
    far = pipe.peer
    found = {}
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


def conflated(pipe):
    """Return how many messages newer ones have replaced, in the queues that are in use."""
    far = pipe.peer
    return pipe.outq.conflated + (far.outq.conflated if far.is_session_end else 0)


def retire(pipe):
    """Add the counts of a pipe that has ended to the sums of its socket.

    ``totals.begin_retiring`` must have returned True for it."""
    totals = pipe.totals
    sent = messages_out(pipe)
    if not pipe.peer.is_session_end:
        # The other socket can still receive what this one wrote.
        sent += queued_out(pipe)
    replaced = conflated(pipe)
    if replaced:
        totals.count_dropped("conflate", replaced)
    totals.end_change({"messages_in": messages_in(pipe), "messages_out": sent})
