"""zmq_poll: sockets and file descriptors, mixed."""

from zlinkcompat._backend.arguments import as_int
from zlinkcompat._backend.foreign_objects import refuse_other
from zlinkcompat._backend.socket import Socket
from zlinkcompat.core.poll import poll as core_poll
from zlinkcompat.errors import ENOTSOCK, zmq_error

#: A descriptor that is passed over.
NOTHING = -1


def zmq_poll(sockets, timeout=-1):
    """Wait until something can be done with one of ``sockets``.

    .. versionadded:: 0.1

    Parameters
    ----------
    sockets : list of (Socket, int or object with fileno(), int)
        What to watch, and POLLIN, POLLOUT, POLLERR, POLLPRI for what.
    timeout : int, milliseconds
        Negative waits for ever.

    Returns
    -------
    list of (Socket or int, int)
        What is ready; objects with ``fileno()`` come back as their descriptor.

    Raises
    ------
    TypeError
        Neither a socket nor a descriptor, nor something that has one.
    ValueError
        ``fileno()`` gave no number.
    ZMQError
        ENOTSOCK: all sockets are closed, and there is no timeout. ETERM: the context of one was
        terminated.

    Notes
    -----
    libzmq's ``zmq_poll(3)``. A socket that is closed is never ready.
    """
    items = []
    names = []
    timeout = as_int(timeout)
    for thing, events in sockets:
        events = as_int(events)
        if isinstance(thing, Socket):
            # In pyzmq a closed socket is no more than descriptor 0, which programs rarely read: its
            # poll goes on for the others. Here nothing stands in its place.
            items.append((NOTHING if thing.closed else thing.core, events))
        elif isinstance(thing, int):
            items.append((int(thing), events))
        elif hasattr(thing, "fileno"):
            refuse_other(thing, "a Socket")
            try:
                thing = int(thing.fileno())
            except Exception as error:  # whatever a foreign fileno() raises
                raise ValueError("fileno() must return a valid integer fd") from error
            items.append((thing, events))
        else:
            raise TypeError(
                f"Socket must be a 0MQ socket, an integer fd or have a fileno() method: {thing!r}"
            )
        names.append(thing)
    if not items:
        core_poll(items, 0)  # lets the hub turn: a loop around this call must not stop it
        return []
    if timeout < 0 and all(thing is NOTHING for thing, _ in items):
        raise zmq_error(ENOTSOCK)  # it would never end
    ready = core_poll(items, max(timeout, -1))
    return [(name, events) for name, events in zip(names, ready, strict=True) if events]
