"""Monitor events with the peer that they are about.

The functions have the names of ``zmq.utils.monitor``, and work with the sockets of both entry
points.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, overload

import zmq
import zmq.asyncio
from zmq.utils import monitor

from zlinkcompat.core.event_peers import find

__all__ = ["MonitorEvent", "parse_monitor_message", "recv_monitor_message"]


class MonitorEvent(dict[str, Any]):
    """The dict that pyzmq's ``parse_monitor_message`` returns, with two attributes.

    Attributes
    ----------
    routing_id : bytes
        The routing id of the peer; b"" if it has none, or if the event is not about a peer.
    connection : int
        The number of the connection, as in :class:`~zlinkcompat.debug.records.PeerRecord`; 0 if the
        event is not about a connection. Events before the handshake, such as EVENT_ACCEPTED, may
        come before the connection has its number.
    """

    def __init__(self, event: dict[str, Any], routing_id: bytes, connection: int) -> None:
        dict.__init__(self, event)
        self.routing_id = routing_id
        self.connection = connection


def parse_monitor_message(msg: list[bytes]) -> MonitorEvent:
    """Decode a message from a monitor socket.

    .. versionadded:: 0.1

    Parameters
    ----------
    msg : list of bytes
        The frames as ``recv_multipart`` returned them. Copies of them do not tell the peer.

    Returns
    -------
    MonitorEvent
        The event, with its peer.

    Raises
    ------
    RuntimeError
        ``msg`` is not a monitor event.

    Examples
    --------
    >>> import zlinkcompat as zmq
    >>> from zlinkcompat.debug.monitor import parse_monitor_message
    >>> with zmq.Context() as context, context.socket(zmq.ROUTER) as router:
    ...     with router.bind("tcp://127.0.0.1:*"), context.socket(zmq.DEALER) as dealer:
    ...         events = router.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
    ...         dealer.routing_id = b"me"
    ...         with dealer.connect(router.last_endpoint.decode()):
    ...             event = parse_monitor_message(events.recv_multipart())
    ...         router.disable_monitor()
    >>> event.routing_id
    b'me'
    """
    event: Any = monitor.parse_monitor_message(msg)  # a TypedDict
    return MonitorEvent(event, *find(msg[0]))


async def parsed_when_received(message: Awaitable[list[bytes]]) -> MonitorEvent:
    """Return the event of a message that is still awaited."""
    return parse_monitor_message(await message)


@overload
def recv_monitor_message(socket: zmq.asyncio.Socket, flags: int = 0) -> Awaitable[MonitorEvent]: ...
@overload
def recv_monitor_message(socket: zmq.Socket[bytes], flags: int = 0) -> MonitorEvent: ...
def recv_monitor_message(
    socket: zmq.Socket[Any], flags: int = 0
) -> MonitorEvent | Awaitable[MonitorEvent]:
    """Receive and decode an event from a monitor socket.

    .. versionadded:: 0.1

    Parameters
    ----------
    socket : zmq.Socket or zmq.asyncio.Socket
        The result of ``get_monitor_socket()``.
    flags : int
        ``zmq.NOBLOCK`` or 0.

    Returns
    -------
    MonitorEvent
        The event, with its peer. For a socket of asyncio it is an awaitable of that, as with
        pyzmq's function.

    Raises
    ------
    ZMQError
        EAGAIN and the other errors of ``recv``.
    """
    message = socket.recv_multipart(flags)
    if isinstance(message, Awaitable):
        return parsed_when_received(message)
    return parse_monitor_message(message)
