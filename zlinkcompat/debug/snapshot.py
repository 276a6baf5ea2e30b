"""A snapshot of this process: every context, socket, pipe and connection, with its queues.

Taking a snapshot only reads: it locks, wakes and changes nothing. So a signal handler or any thread
may take one, even if the program hangs. Changes made concurrently by other threads may be captured
only partially.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from zlinkcompat.core.context import contexts
from zlinkcompat.core.naming import name_of
from zlinkcompat.debug.ranking import worst_first
from zlinkcompat.debug.reading import STATES, copied
from zlinkcompat.debug.records import peers_of, sockets_of
from zlinkcompat.wire.security.mechanism import SOCKET_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zlinkcompat.core.context import CoreContext
    from zlinkcompat.debug.records import PeerRecord
    from zlinkcompat.engine.listener import Listener
    from zlinkcompat.engine.session import Session
    from zlinkcompat.routing.pipe import Pipe


class Dump(dict[str, Any]):
    """The result of ``zlinkcompat.debug.dump()``: data, and its text as ``str()``."""

    def __str__(self) -> str:
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


def describe_socket(socket: Any) -> Iterator[Any]:
    """Yield the lines about one socket: its endpoints, and its peers, the worst one first."""
    yield "  {name} {address:#x}: {state}, peers: {count}".format_map(
        dict(socket, count=len(socket["peers"]))
    )
    for listener in socket["listeners"]:
        state = "paused" if listener["paused"] else "listening"
        yield f"    {listener['endpoint']}: {state}, {listener['handshakes']} handshakes"
    for connection in socket["connections"]:
        yield (
            "    {endpoint}: {state}, peer {peer}, fd {fd}, "
            "{unwritten_bytes} bytes unwritten".format_map(connection)
        )
    for peer in socket["peers"]:
        yield "    " + describe_peer(peer)


def describe_peer(peer: Any) -> str:
    """Return the line about a peer."""
    who = [
        f"peer {peer['connection']}" if peer["connection"] else "peer",
        peer["socket_type"],
        repr(peer["routing_id"]) if peer["routing_id"] else "",
        peer["user_id"],
        peer["remote"],
        f"at {peer['endpoint'] or 'inproc'}",
    ]
    out = f"{peer['queued_out']}/{peer['hwm_out']} out"
    if peer["bytes_waiting"]:
        out += f" ({peer['bytes_waiting']} bytes"
        if peer["oldest_waiting"]:
            out += f", oldest {peer['oldest_waiting']:.1f} s"
        out += ")"
    incoming = f"{peer['queued_in']}/{peer['hwm_in']} in"
    if peer["oldest_unread"]:
        incoming += f" (oldest {peer['oldest_unread']:.1f} s)"
    parts = [out, incoming]
    parts += [f"{count} dropped ({reason})" for reason, count in peer["drops"].items()]
    if peer["waits_for"]:
        parts.append(f"waits for {peer['waits_for']}")
    return f"{' '.join(filter(None, who))}: {', '.join(parts)}"


def dump() -> Dump:
    """Describe every context, socket, pipe and connection of this process.

    Any thread and any signal handler may call this.

    .. versionadded:: 0.1

    Returns
    -------
    Dump
        A dict of plain data (``json.dumps`` accepts it), whose ``str()`` is readable text. It has
        ``contexts``, a list of ``address``, ``engine`` ("hub" or "thread"), ``state`` and
        ``sockets``. A socket has ``address`` (its ``underlying``), ``name``, ``type``, ``state``,
        ``listeners``, ``connections``, ``pipes`` and ``peers``. Contexts and sockets are in the
        order in which they were made, and peers are sorted with the worst one first. A peer is a
        :class:`~zlinkcompat.debug.records.PeerRecord` as a dict, with ``routing_id`` as text. A
        connection has ``endpoint``, ``peer``, ``state``, ``fd`` (-1: none) and ``unwritten_bytes``
        (bytes that are encoded but not yet accepted by the kernel). A pipe has ``endpoint``,
        ``routing_id`` (text), ``out_messages`` and ``in_messages``, and their high-water marks
        (messages; 0: no limit).

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
    return Dump(contexts=[of_context(each) for each in sorted(copied(contexts), key=by_address)])


def by_address(thing: CoreContext) -> int:
    """Return the sort key of a context."""
    return thing.address


def of_context(context: CoreContext) -> dict[str, int | list[dict[str, int | str]] | str]:
    """Return the part of :func:`dump` about a context."""
    state = "closed" if context.closed else "terminating" if context.terminating else "open"
    return {
        "address": context.address,
        "engine": "hub" if context.io_threads is None else "thread",
        "state": state,
        "sockets": [of_socket(each) for each in sockets_of(context)],
    }


def of_socket(socket: Any) -> dict[str, int | str]:
    """Return the part of :func:`dump` about a socket."""
    sessions = copied(socket.peers.sessions)
    endpoints = {
        id(pipe.peer): session.endpoint
        for session in sessions
        if (pipe := session.pipe) is not None
    }
    return {
        "address": socket.address,
        "name": name_of(socket),
        "type": SOCKET_TYPES[socket.socket_type].decode(),
        "state": "closed" if socket.closed else "terminated" if socket.dead else "open",
        "listeners": [of_listener(each) for each in copied(socket.peers.listeners)],
        "connections": [of_session(each) for each in sessions],
        "pipes": [of_pipe(each, endpoints) for each in copied(socket.pattern.pipes)],
        "peers": [of_peer(each) for each in worst_first(peers_of(socket)[0])],
    }


def of_peer(record: PeerRecord) -> Any:
    """Return a peer's record as plain data."""
    return dict(asdict(record), routing_id=record.routing_id.decode("latin-1"))


def of_listener(listener: Listener) -> Any:
    """Return the part of :func:`dump` about a bound endpoint."""
    return {
        "endpoint": listener.endpoint,
        "paused": listener.pause is not None,
        "handshakes": len(listener.handshaking),
    }


def of_session(session: Session) -> Any:
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


def of_pipe(pipe: Pipe, endpoints: dict[int, str]) -> Any:
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
