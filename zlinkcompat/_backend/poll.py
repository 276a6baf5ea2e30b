"""zmq_poll for a mix of sockets and file descriptors."""

from __future__ import annotations

from typing import Any

from zlinkcompat._backend.arguments import as_int
from zlinkcompat._backend.foreign_objects import refuse_other
from zlinkcompat._backend.socket import Socket
from zlinkcompat.core.poll import poll as core_poll
from zlinkcompat.errors import ENOTSOCK, zmq_error

#: A descriptor that poll skips.
NOTHING = -1


def zmq_poll(sockets: list[tuple[Any, int]], timeout: int = -1) -> list[tuple[Any, int]]:
    """Wait until one of ``sockets`` is ready.

    .. versionadded:: 0.1

    Parameters
    ----------
    sockets : list of (Socket, int or object with fileno(), int)
        The objects to watch, each with the events POLLIN, POLLOUT, POLLERR and POLLPRI.
    timeout : int, milliseconds
        A negative value means no limit.

    Returns
    -------
    list of (Socket or int, int)
        The ready objects; an object with ``fileno()`` is returned as its descriptor.

    Raises
    ------
    TypeError
        An element is neither a socket nor a descriptor, and has no ``fileno()``.
    ValueError
        ``fileno()`` did not return a number.
    ZMQError
        ENOTSOCK: all sockets are closed, and there is no timeout. ETERM: the context of a socket
        was terminated.

    Notes
    -----
    libzmq's ``zmq_poll(3)``. A closed socket is never ready.
    """
    items = []
    names = []
    timeout = as_int(timeout)
    for thing, events in sockets:
        events = as_int(events)
        if isinstance(thing, Socket):
            # pyzmq polls descriptor 0 (stdin) in place of a closed socket. It is rarely readable,
            # so the poll goes on waiting for the other sockets. Skip a closed socket here.
            items.append((NOTHING if thing.closed else thing.core, events))
        elif isinstance(thing, int):
            items.append((int(thing), events))
        elif hasattr(thing, "fileno"):
            refuse_other(thing, "a Socket")
            try:
                thing = int(thing.fileno())
            except Exception as error:  # any error of a foreign fileno()
                raise ValueError("fileno() must return a valid integer fd") from error
            items.append((thing, events))
        else:
            raise TypeError(
                f"Socket must be a 0MQ socket, an integer fd or have a fileno() method: {thing!r}"
            )
        names.append(thing)
    if not items:
        core_poll(items, 0)  # runs the hub once, so that a loop around this call does not block it
        return []
    if timeout < 0 and all(thing is NOTHING for thing, _ in items):
        raise zmq_error(ENOTSOCK)  # otherwise this poll would never end
    ready = core_poll(items, max(timeout, -1))
    return [(name, events) for name, events in zip(names, ready, strict=True) if events]
