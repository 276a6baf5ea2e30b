"""A snapshot of this process: every context, socket, pipe and connection, with its queues.

Taking a snapshot only reads: it locks, wakes and changes nothing. So a signal handler or any thread
may take one, even if the program hangs. Changes made concurrently by other threads may be captured
only partially.
"""

from zlinkcompat.core.context import contexts
from zlinkcompat.wire.security.mechanism import SOCKET_TYPES

STATES = ("handshake", "active", "draining", "failed", "closed")

#: How often to retry copying a set that other threads change.
TRIES = 100


class Dump(dict):
    """The result of ``zlinkcompat.debug.dump()``: data, and its text as ``str()``."""

    def __str__(self):
        lines = []
        for context in self["contexts"]:
            lines.append(
                "context {address:#x}: {engine} engine, {state}, {sockets} sockets".format_map(
                    dict(context, sockets=len(context["sockets"]))
                )
            )
            for socket in context["sockets"]:
                lines += describe_socket(socket)
        return "\n".join(lines) if lines else "no context"


def describe_socket(socket):
    """Yield the lines about one socket."""
    yield "  {type} {address:#x}: {state}, {pipes_count} pipes".format_map(
        dict(socket, pipes_count=len(socket["pipes"]))
    )
    for listener in socket["listeners"]:
        state = "paused" if listener["paused"] else "listening"
        yield f"    {listener['endpoint']}: {state}, {listener['handshakes']} handshakes"
    for connection in socket["connections"]:
        yield (
            "    {endpoint}: {state}, peer {peer}, fd {fd}, "
            "{unwritten_bytes} bytes unwritten".format_map(connection)
        )
    for pipe in socket["pipes"]:
        yield (
            "    pipe {endpoint} id {routing_id!r}: {out_messages}/{out_hwm} out, "
            "{in_messages}/{in_hwm} in".format_map(pipe)
        )


def dump() -> Dump:
    """Describe every context, socket, pipe and connection of this process.

    Any thread and any signal handler may call this.

    .. versionadded:: 0.1

    Returns
    -------
    Dump
        A dict of plain data (``json.dumps`` accepts it), whose ``str()`` is readable text. It has
        ``contexts``, a list of ``address``, ``engine`` ("hub" or "thread"), ``state`` and
        ``sockets``. A socket has ``address`` (its ``underlying``), ``type``, ``state``,
        ``listeners``, ``connections`` and ``pipes``. A connection has ``endpoint``, ``peer``,
        ``state``, ``fd`` (-1: none) and ``unwritten_bytes`` (bytes that are encoded but not yet
        accepted by the kernel). A pipe has ``endpoint``, ``routing_id`` (text), ``out_messages``
        and ``in_messages``, and their high-water marks (messages; 0: no limit).

    Examples
    --------
    >>> from zlinkcompat import debug
    >>> import zlinkcompat as zmq
    >>> with zmq.Context() as context, context.socket(zmq.PUSH) as source:
    ...     source.sndhwm = 5  # messages
    ...     with source.connect("inproc://later"):
    ...         source.send(b"waits")
    ...         found = debug.dump()["contexts"]
    ...         source.linger = 0  # milliseconds
    >>> [(each["type"], each["pipes"][0]["out_messages"])
    ...  for context in found for each in context["sockets"] if each["pipes"]]
    [('PUSH', 1)]
    """
    return Dump(contexts=[of_context(each) for each in copied(contexts)])


def copied(things):
    """Return a list copy of a set that may change meanwhile."""
    for _ in range(TRIES):
        try:
            return list(things)
        except RuntimeError:
            continue  # another thread changed the set
    return []


def of_context(context):
    """Return the part of :func:`dump` about a context."""
    state = "closed" if context.closed else "terminating" if context.terminating else "open"
    return {
        "address": context.address,
        "engine": "hub" if context.io_threads is None else "thread",
        "state": state,
        "sockets": [of_socket(each) for each in copied(context.sockets)],
    }


def of_socket(socket):
    """Return the part of :func:`dump` about a socket."""
    sessions = copied(socket.sessions)
    endpoints = {
        id(pipe.peer): session.endpoint
        for session in sessions
        if (pipe := session.pipe) is not None
    }
    return {
        "address": socket.address,
        "type": SOCKET_TYPES[socket.socket_type].decode(),
        "state": "closed" if socket.closed else "terminated" if socket.dead else "open",
        "listeners": [of_listener(each) for each in copied(socket.listeners)],
        "connections": [of_session(each) for each in sessions],
        "pipes": [of_pipe(each, endpoints) for each in copied(socket.pattern.pipes)],
    }


def of_listener(listener):
    """Return the part of :func:`dump` about a bound endpoint."""
    return {
        "endpoint": listener.endpoint,
        "paused": listener.pause is not None,
        "handshakes": len(listener.handshaking),
    }


def of_session(session):
    """Return the part of :func:`dump` about a connection, or about an endpoint without one."""
    connection = session.connection
    found = {
        "endpoint": session.endpoint,
        "peer": session.peer_address or "-",
        "state": "connecting",
        "fd": -1,
        "unwritten_bytes": 0,
    }
    if connection is not None:
        found.update(
            state=STATES[connection.state],
            fd=connection.stream.fd,
            unwritten_bytes=connection.encoder.pending,
        )
    return found


def of_pipe(pipe, endpoints):
    """Return the part of :func:`dump` about a pipe."""
    out, incoming = pipe.outq, pipe.inq
    return {
        "endpoint": endpoints.get(id(pipe)) or pipe.endpoint or "inproc",
        "routing_id": pipe.routing_id.decode("latin-1"),
        "out_messages": out.tail - out.head,
        "out_hwm": out.hwm,
        "in_messages": incoming.tail - incoming.head,
        "in_hwm": incoming.hwm,
    }
