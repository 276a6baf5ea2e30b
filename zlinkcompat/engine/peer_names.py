"""How logs and records name a peer: its connection, type, routing id and addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zlinkcompat.engine.session import Session
    from zlinkcompat.routing.pipe import Pipe


def session_of(pipe: Pipe) -> Any:
    """Return the session behind a socket's end of a pipe; None for inproc."""
    far = pipe.peer
    if not far.is_session_end:
        return None
    sink = far.sink
    return getattr(sink, "session", sink)


def addresses_of(session: Session) -> tuple[str, str]:
    """Return the local and the remote address of a session's connection; "" if unknown."""
    counts, connection = session.counts, session.connection
    if connection is None or not counts.number:
        return "", ""
    found = counts.addresses
    if found is None:
        # Import it here, so that importing the package is fast. The connection has already loaded
        # this module.
        from zlinkcompat.transports import sockets

        fd = connection.stream.fd
        found = sockets.names(fd) if fd >= 0 else None
        if found is None or session.connection is not connection or connection.stream.fd != fd:
            # The connection has ended, so its descriptor number may belong to another file.
            return "", session.peer_address
        counts.addresses = found
    return found


def describe(pipe: Pipe, session: Session | None) -> str:
    """Return a text for logs about the peer of a socket's end of a pipe.

    Parameters
    ----------
    pipe : Pipe
    session : Session or None
        None for inproc.
    """
    words = ["peer"]
    if session is not None:
        counts = session.counts
        if counts.number:
            words.append(str(counts.number))
        words.append((counts.metadata or {}).get("Socket-Type") or "")
        words.append(addresses_of(session)[1])
    if pipe.routing_id:
        words.append(repr(pipe.routing_id))
    words.append(f"at {pipe.endpoint}")
    return " ".join(filter(None, words))
