"""Records of this process: what each socket and each peer sent, received and dropped.

Taking a snapshot only reads. It takes no lock, wakes nobody and changes nothing, so any thread or
greenlet may take one. Numbers that other threads change meanwhile may be from slightly different
moments.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import Any

from zlinkcompat._runtime.clock import monotonic_ns
from zlinkcompat.core import ended_sockets
from zlinkcompat.core.context import contexts
from zlinkcompat.core.naming import name_of
from zlinkcompat.core.registry import number_of
from zlinkcompat.debug.reading import STATES, TRIES, copied
from zlinkcompat.engine.peer_names import addresses_of
from zlinkcompat.engine.session_counts import NO_SESSION
from zlinkcompat.routing import traffic
from zlinkcompat.routing.counts import REASONS
from zlinkcompat.wire.security.mechanism import SOCKET_TYPES

__all__ = ["DROP_REASONS", "PeerRecord", "ProcessRecord", "SocketRecord", "snapshot"]

#: The reasons for which messages are dropped, and their meaning. Later versions may add reasons.
DROP_REASONS = {
    "hwm": "a message to a peer whose queue was full (PUB, XPUB, ROUTER, REP)",
    "unroutable": "a message that no peer could be given",
    "linger": "a message that was not sent when LINGER was over after close or disconnect",
    "conflate": "a message that a newer one replaced (CONFLATE)",
    "filter": "a publication that nobody wanted (PUB, XPUB), or that this socket did not (SUB)",
    "protocol": "a received message that the pattern of the socket does not allow",
    "too_large": "a message or command of a peer over a limit (MAXMSGSIZE, RCVBYTES_MAX, "
    "COMMAND_MAX, the number of frames); it ended the connection and is not in messages_in",
    "disconnect": "a message that waited for a peer whose connection ended",
    "unread": "a received message that the application did not read: it closed the socket, "
    "disconnected the peer, or (XPUB) did not call recv()",
}


@dataclass(frozen=True)
class PeerRecord:
    """One peer of a socket: a connection, the endpoint of a connect, or an inproc peer.

    The counts of a connected endpoint continue when it reconnects.

    Attributes
    ----------
    connection : int
        A number of the current connection, unique in this process; 0 while there is none.
    endpoint : str
        The endpoint that this side bound or connected.
    local, remote : str
        The addresses of the connection, with port (tcp, tls, ws, wss) or path (ipc); "" if unknown.
    routing_id : bytes
        The routing id by which this socket knows the peer; b"" if there is none.
    socket_type : str
        The type of the peer's socket, such as "SUB"; "" if it is unknown.
    mechanism : str
        "NULL", "PLAIN" or "CURVE"; "" for inproc, raw peers, and while there is no connection.
    user_id : str
        The User-Id that a ZAP handler assigned.
    connected_since : float
        When the handshake was done, in seconds as ``time.time()``; 0.0 while there is none.
    handshake_seconds : float
        How long the handshake took.
    queued_in, queued_out : int
        Messages that wait for the application, and for the peer.
    hwm_in, hwm_out : int
        The high-water marks of both queues in messages; 0 means no limit.
    bytes_waiting : int
        Bytes of the messages in the queue for the peer.
    oldest_waiting : float
        Seconds for which the oldest message that waits for the peer has waited, at least; 0.0 if
        nothing waits. See the notes.
    oldest_unread : float
        The same for the oldest message that waits for the application.
    messages_in, messages_out : int
        Messages that arrived, and that were handed to the transport completely.
    bytes_in, bytes_out : int or None
        Bytes that were read and written, with headers and commands. None for inproc, which passes
        objects.
    drops : dict
        Dropped messages by reason; see :data:`DROP_REASONS`.
    waits_for : str
        "" (nothing), "connection", "handshake", "peer to read", or "application to receive".

    Notes
    -----
    No clock is read for each message. Once the flow of messages stops, the time is taken when
    messages arrive, or while others wait at regular intervals: a quarter of the shorter one of
    ZLINK_SLOW_CONSUMER and ZLINK_DROPS_WARNING, and at most one second. The true age exceeds the
    told one by less than such an interval (0.25 s by default) and 0.1 s, or by less than an eighth
    if that is more. A single message is not noticed if it waits for the peer over inproc, or if it
    arrived during a call of the application that did not receive it. Over inproc with I/O threads,
    before the context has started one, only full queues are noticed.
    """

    connection: int
    endpoint: str
    local: str
    remote: str
    routing_id: bytes
    socket_type: str
    mechanism: str
    user_id: str
    connected_since: float
    handshake_seconds: float
    queued_in: int
    queued_out: int
    hwm_in: int
    hwm_out: int
    bytes_waiting: int
    oldest_waiting: float
    oldest_unread: float
    messages_in: int
    messages_out: int
    bytes_in: int | None
    bytes_out: int | None
    drops: dict[str, int]
    waits_for: str


@dataclass(frozen=True)
class SocketRecord:
    """One socket. Its counts include those of peers that have left.

    Attributes
    ----------
    number : int
        A number of the socket, unique in this process.
    name : str
        ``socket.name``; by default the type, and the line of the program that made the socket.
    type : str
        Such as "PUB".
    engine : str
        "hub" or "thread".
    endpoints : tuple of str
        The endpoints that are bound or connected.
    messages_in, messages_out : int
        The sums over all peers, with those that have left.
    bytes_in, bytes_out : int or None
        The same. None while the socket has only inproc endpoints, or none at all.
    drops : dict
        Dropped messages by reason, with those that concern no peer; see :data:`DROP_REASONS`.
    reconnects : int
        Connections of connected endpoints after their first one.
    handshakes_failed : dict
        Failed handshakes by reason: "authentication", "protocol", "timeout", "closed".
    heartbeats_lost : int
        Connections that ended because the peer was silent for longer than heartbeats allow.
    peers : tuple of PeerRecord
    """

    number: int
    name: str
    type: str
    engine: str
    endpoints: tuple[str, ...]
    messages_in: int
    messages_out: int
    bytes_in: int | None
    bytes_out: int | None
    drops: dict[str, int]
    reconnects: int
    handshakes_failed: dict[str, int]
    heartbeats_lost: int
    peers: tuple[PeerRecord, ...]


@dataclass(frozen=True)
class ProcessRecord:
    """All contexts and sockets of this process.

    Attributes
    ----------
    pid : int
    time : float
        When the snapshot was taken, in seconds as ``time.time()``.
    contexts : int
        Contexts that are not terminated.
    sockets : tuple of SocketRecord
        Open sockets, and closed ones that still deliver messages.
    ended : tuple of SocketRecord
        The sums of the sockets that are gone: at most one record for each type, with number 0.
    """

    pid: int
    time: float
    contexts: int
    sockets: tuple[SocketRecord, ...]
    ended: tuple[SocketRecord, ...] = field(default=())


def snapshot() -> ProcessRecord:
    """Return the records of this process.

    .. versionadded:: 0.1

    Returns
    -------
    ProcessRecord
        Plain data, which does not change any more.

    Examples
    --------
    >>> import zlinkcompat as zmq
    >>> from zlinkcompat.debug.records import snapshot
    >>> with zmq.Context() as context, context.socket(zmq.PULL) as sink:
    ...     with sink.bind("inproc://records"):
    ...         [each.endpoints for each in snapshot().sockets if each.type == "PULL"]
    [('inproc://records',)]
    """
    found = sorted(copied(contexts), key=lambda context: context.address)
    return ProcessRecord(
        pid=os.getpid(),
        time=time.time(),
        contexts=len(found),
        sockets=tuple(of_socket(each) for context in found for each in sockets_of(context)),
        ended=tuple(of_ended(*each) for each in sorted(ended_sockets.by_type().items())),
    )


def sockets_of(context: Any) -> list[Any]:
    """Return the core sockets of a core context, in the order in which they were made."""
    return sorted(copied(context.sockets), key=lambda socket: socket.address)


def of_ended(socket_type: int, totals: Any) -> SocketRecord:
    """Return the sums of the sockets of one type that have ended."""
    kind = SOCKET_TYPES[socket_type].decode()
    return SocketRecord(
        number=0,
        name=f"ended {kind}",
        type=kind,
        engine="",
        endpoints=(),
        messages_in=totals.messages_in,
        messages_out=totals.messages_out,
        bytes_in=totals.bytes_in if totals.has_sessions else None,
        bytes_out=totals.bytes_out if totals.has_sessions else None,
        drops=drops_of(totals),
        **failures_of(totals),
        peers=(),
    )


def of_socket(socket: Any) -> SocketRecord:
    """Return the record of a core socket."""
    kind = SOCKET_TYPES[socket.socket_type].decode()
    totals = socket.pattern.totals
    for _ in range(TRIES):
        begun = totals.begun
        peers, unlisted_in, unlisted_out = peers_of(socket)
        bytes_in = sum(each.bytes_in or 0 for each in peers) + unlisted_in + totals.bytes_in
        bytes_out = sum(each.bytes_out or 0 for each in peers) + unlisted_out + totals.bytes_out
        found = {
            "messages_in": sum(each.messages_in for each in peers) + totals.messages_in,
            "messages_out": sum(each.messages_out for each in peers) + totals.messages_out,
            "bytes_in": bytes_in if has_bytes(socket) else None,
            "bytes_out": bytes_out if has_bytes(socket) else None,
            "drops": drops_of(totals, socket),
        }
        if totals.finished == begun and totals.begun == begun:
            break  # no peer left meanwhile
    return SocketRecord(
        number=number_of(socket.address),
        name=name_of(socket),
        type=kind,
        engine="hub" if socket.io_threads is None else "thread",
        endpoints=endpoints_of(socket),
        **found,
        **failures_of(totals),
        peers=peers,
    )


def has_bytes(socket: Any) -> bool:
    """Tell whether the socket has, or had, an endpoint of a transport other than inproc."""
    endpoints = socket.endpoints
    return bool(socket.pattern.totals.has_sessions or endpoints.listeners or endpoints.connecters)


def peers_of(socket: Any) -> tuple[tuple[PeerRecord, ...], int, int]:
    """Return the records of the peers, and the bytes of sessions that have no peer yet."""
    sessions = {}
    bytes_in = bytes_out = 0
    for session in copied(socket.peers.sessions):
        pipe = session.pipe
        if pipe is None or pipe.peer.retired:
            read, written = bytes_of(session)
            bytes_in += read
            bytes_out += written
        else:
            sessions[pipe.peer] = session
    # Pipes of a closed socket that still delivers messages are those of its sessions only.
    pipes = dict.fromkeys([*copied(socket.pattern.pipes), *sessions])
    return (
        tuple(of_pipe(each, sessions.get(each)) for each in pipes if not each.retired),
        bytes_in,
        bytes_out,
    )


def bytes_of(session: Any) -> tuple[int, int]:
    """Return the bytes that a session has read and written."""
    counts, connection = session.counts, session.connection
    if connection is None:
        return counts.bytes_in, counts.bytes_out
    return (
        counts.bytes_in + connection.decoder.position,
        counts.bytes_out + connection.bytes_out,
    )


def drops_of(totals: Any, socket: Any = None) -> dict[str, int]:
    """Return the dropped messages of a socket by reason."""
    found = {reason: getattr(totals.drops, reason) for reason in REASONS}
    if socket is not None:
        for pipe in copied(socket.pattern.pipes):
            if not pipe.retired:
                found["conflate"] += traffic.conflated(pipe)
    return {reason: count for reason, count in found.items() if count}


def failures_of(totals: Any) -> dict[str, Any]:
    """Return the fields of a socket's record about connections that failed."""
    return {
        "reconnects": totals.reconnects,
        "handshakes_failed": dict(totals.handshakes_failed),
        "heartbeats_lost": totals.heartbeats_lost,
    }


def endpoints_of(socket: Any) -> tuple[str, ...]:
    """Return the endpoints that a core socket has bound or connected."""
    endpoints = socket.endpoints
    found = [
        *copied(endpoints.listeners),
        *copied(endpoints.inproc_names),
        *(each.endpoint for each in copied(endpoints.connecters)),
        *(each.endpoint for each in copied(endpoints.inproc_pipes)),
    ]
    return tuple(dict.fromkeys(found))


def of_pipe(pipe: Any, session: Any) -> PeerRecord:
    """Return the record of a peer.

    Parameters
    ----------
    pipe : Pipe
        The socket's end.
    session : Session or None
        None for inproc.
    """
    counts = NO_SESSION if session is None else session.counts
    about = counts.metadata or {}
    local, remote = ("", "") if session is None else addresses_of(session)
    bytes_in, bytes_out = (None, None) if session is None else bytes_of(session)
    now = monotonic_ns()
    return PeerRecord(
        connection=0 if session is None or session.connection is None else counts.number,
        endpoint=pipe.endpoint or "",
        local=local,
        remote=remote,
        routing_id=pipe.routing_id,
        socket_type=about.get("Socket-Type") or "",
        mechanism=counts.mechanism,
        user_id=about.get("User-Id") or "",
        connected_since=counts.connected_since,
        handshake_seconds=counts.handshake_seconds,
        queued_in=traffic.queued_in(pipe),
        queued_out=traffic.queued_out(pipe),
        hwm_in=pipe.inq.hwm,
        hwm_out=pipe.outq.hwm,
        bytes_waiting=traffic.bytes_waiting(pipe),
        oldest_waiting=pipe.peer.inq.oldest_waiting(now) / 1e9,
        oldest_unread=pipe.inq.oldest_waiting(now) / 1e9,
        messages_in=traffic.messages_in(pipe),
        messages_out=traffic.messages_out(pipe),
        bytes_in=bytes_in,
        bytes_out=bytes_out,
        drops=traffic.drops(pipe),
        waits_for=waits_for(pipe, session),
    )


def waits_for(pipe: Any, session: Any) -> str:
    """Return what the flow of messages from and to a peer waits for."""
    if session is not None:
        connection = session.connection
        if connection is None:
            return "connection"
        if STATES[connection.state] == "handshake":
            return "handshake"
        if connection.write_blocked:
            return "peer to read"
    elif traffic.queued_out(pipe) and pipe.outq.writer_waits:
        return "peer to read"
    return "application to receive" if traffic.queued_in(pipe) else ""
