"""A socket's monitor: it publishes the socket's events on an inproc PAIR, as libzmq does.

Each event has two frames. The first holds a 16-bit event number and a 32-bit value in native byte
order, and the second holds the endpoint.
Source: libzmq ``zmq_socket_monitor(3)``.
"""

from __future__ import annotations

from struct import pack
from typing import TYPE_CHECKING

from zlinkcompat._constants import EVENT_MONITOR_STOPPED, NOBLOCK, PAIR
from zlinkcompat._runtime.gevent_support import get_original
from zlinkcompat.core import event_peers
from zlinkcompat.engine.peer_names import session_of
from zlinkcompat.errors import EPROTONOSUPPORT, zmq_error
from zlinkcompat.sockopt import EVENT_FLOW
from zlinkcompat.transports import endpoint as endpoint_module

if TYPE_CHECKING:
    from zlinkcompat.core.context import CoreContext
    from zlinkcompat.engine.session import Session
    from zlinkcompat.routing.pipe import Pipe


# A native lock, because I/O threads publish events as well.
RLock = get_original("_thread", "RLock")


class Monitor:
    """Publishes the events that the bit mask ``events`` selects, at ``endpoint`` (inproc)."""

    def __init__(self, context: CoreContext, endpoint: str, events: int) -> None:
        from zlinkcompat.core.socket import CoreSocket

        transport, _ = endpoint_module.parse(endpoint)
        if transport != "inproc":
            raise zmq_error(EPROTONOSUPPORT, "monitor %r: only inproc endpoints" % endpoint)
        self.events = events
        self.lock = RLock()
        self.socket = CoreSocket(context, PAIR)
        self.socket.options.linger = 0
        self.socket.is_monitor = True
        try:
            self.socket.bind(endpoint)
        except Exception:
            self.socket.close()
            raise

    def event(self, kind: int, value: int, endpoint: str, session: Session | None = None) -> None:
        """Publish an event. If it is about a peer, ``session`` is the session of that peer."""
        if kind & self.events:
            self.publish(kind, value, endpoint, session, None)

    def peer_event(self, kind: int, value: int, pipe: Pipe) -> None:
        """Publish an event that libzmq lacks, about the peer at the other end of ``pipe``."""
        if self.events & EVENT_FLOW:
            self.publish(kind, value, pipe.endpoint, session_of(pipe), pipe)

    def publish(
        self, kind: int, value: int, endpoint: str, session: Session | None, pipe: Pipe
    ) -> None:
        frames = [pack("=HI", kind, value & 0xFFFFFFFF), endpoint.encode()]
        if session is not None or pipe is not None:
            event_peers.remember(frames[0], session, pipe)
        with self.lock:
            if self.socket.can_send():
                # If there is no reader, or a slow one, the event is lost. A monitor must never
                # block the socket that it watches.
                self.socket.sender.send_message(frames, NOBLOCK)

    def stop(self) -> None:
        self.event(EVENT_MONITOR_STOPPED, 0, "")
        with self.lock:
            self.socket.close()
