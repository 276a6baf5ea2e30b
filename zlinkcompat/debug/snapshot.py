"""A picture of this process: every context, socket, pipe and connection, with its queues.

It only looks: nothing is locked, woken or changed, so that a signal handler and any thread may take
it, also of a program that hangs. What other threads do meanwhile may be in it by half.
"""

from zlinkcompat.core.context import contexts
from zlinkcompat.wire.security.mechanism import SOCKET_TYPES

STATES = ("handshake", "active", "draining", "failed", "closed")

#: Of a set that other threads change: it is looked at anew so many times.
TRIES = 100


class Dump(dict):
    """What ``zlinkcompat.debug.dump()`` returns: data, and text by ``str()``."""

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
    """The lines about one socket."""
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
    """Show every context, socket, pipe and connection of this process.

    May be called from any thread and from signal handlers.

    .. versionadded:: 0.1

    Returns
    -------
    Dump
        A dict of plain data (``json.dumps`` takes it), whose ``str()`` is text to read:
        ``contexts``, a list of ``address``, ``engine`` ("hub" or "thread"), ``state`` and
        ``sockets``. Of a socket: ``address`` (its ``underlying``), ``type``, ``state``,
        ``listeners``, ``connections`` and ``pipes``. Of a connection: ``endpoint``, ``peer``,
        ``state``, ``fd`` (-1: none), ``unwritten_bytes`` (encoded, and not yet taken by the
        kernel). Of a pipe: ``endpoint``, ``routing_id`` (text), and ``out_messages``,
        ``in_messages`` with their high-water marks (messages; 0: no limit).

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
    """A list of a set that may change meanwhile."""
    for _ in range(TRIES):
        try:
            return list(things)
        except RuntimeError:
            continue  # it changed meanwhile
    return []


def of_context(context):
    """What :func:`dump` says of a context."""
    state = "closed" if context.closed else "terminating" if context.terminating else "open"
    return {
        "address": context.address,
        "engine": "hub" if context.io_threads is None else "thread",
        "state": state,
        "sockets": [of_socket(each) for each in copied(context.sockets)],
    }


def of_socket(socket):
    """What :func:`dump` says of a socket."""
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
    """What :func:`dump` says of a bound endpoint."""
    return {
        "endpoint": listener.endpoint,
        "paused": listener.pause is not None,
        "handshakes": len(listener.handshaking),
    }


def of_session(session):
    """What :func:`dump` says of a connection, or of the lack of one."""
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
    """What :func:`dump` says of a pipe."""
    out, incoming = pipe.outq, pipe.inq
    return {
        "endpoint": endpoints.get(id(pipe)) or pipe.endpoint or "inproc",
        "routing_id": pipe.routing_id.decode("latin-1"),
        "out_messages": out.tail - out.head,
        "out_hwm": out.hwm,
        "in_messages": incoming.tail - incoming.head,
        "in_hwm": incoming.hwm,
    }
