"""The peers of recent monitor events.

The frames of an event are those of libzmq, which have no place for a peer. inproc passes frames by
reference, so the first frame that the program receives is the object that the monitor sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zlinkcompat.engine.session import Session
    from zlinkcompat.routing.pipe import Pipe


#: The number of events that are remembered; older ones are forgotten.
EVENTS_MAX = 1024

#: Maps the id of the first frame to the frame itself, the routing id and the connection number.
_peers: dict[int, tuple[bytes, bytes, int]] = {}


def remember(frame: bytes, session: Session, pipe: Pipe) -> None:
    """Remember which peer an event is about.

    Parameters
    ----------
    frame : bytes
        The first frame of the event.
    session : Session or None
        None for inproc.
    pipe : Pipe or None
        The socket's end of the pipe; None if only the session is known.
    """
    routing_id = b""
    number = 0
    if session is not None:
        number = session.counts.number
        routing_id = session.counts.routing_id
        if pipe is None and session.pipe is not None:
            pipe = session.pipe.peer
    if pipe is not None and pipe.routing_id:
        routing_id = pipe.routing_id
    while len(_peers) >= EVENTS_MAX:
        try:
            _peers.pop(next(iter(_peers)), None)
        except (RuntimeError, StopIteration):
            break  # another thread has just done it
    _peers[id(frame)] = (frame, routing_id, number)


def find(frame: bytes) -> tuple[bytes, int]:
    """Return (routing id, connection number) of the event with this first frame; or (b"", 0)."""
    found = _peers.get(id(frame))
    return found[1:] if found is not None and found[0] is frame else (b"", 0)
