"""STREAM: raw byte streams of peers that do not use ZMTP, addressed by routing id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat._constants import CONNECT_ROUTING_ID, STREAM_NOTIFY
from zlinkcompat.errors import EHOSTUNREACH, EINVAL, no_peer, zmq_error
from zlinkcompat.routing.option_values import octets
from zlinkcompat.routing.router import Router

if TYPE_CHECKING:
    from zlinkcompat.core.options import Options
    from zlinkcompat.core.socket import CoreSocket
    from zlinkcompat.routing.pipe import Pipe


class Stream(Router):
    """Each message is a routing id and bytes. Empty bytes mean a connect or a disconnect.

    Source: libzmq ``zmq_socket(3)``, ``src/stream.cpp``.
    """

    def __init__(self, owner: CoreSocket, options: Options) -> None:
        Router.__init__(self, owner, options)
        self.raw = True
        self.parts_limit = 2

    def attach(self, pipe: Pipe) -> bool:
        # A raw peer does not send a routing id.
        pipe.routing_id = b""
        named = pipe.locally_initiated and self.connect_routing_id
        Router.attach(self, pipe)
        if not named:
            # getsockopt(ROUTING_ID) returns the id of the latest peer (libzmq zmq_socket(3)).
            self.options.routing_id = pipe.routing_id
        return True

    def begin(self, frame: Any) -> bool:
        routing_id = frame if type(frame) is bytes else frame.bytes
        pipe = self.peers.get(routing_id)
        if pipe is None or pipe.peer_closed:
            raise zmq_error(EHOSTUNREACH, no_peer(routing_id))
        if not pipe.check_write():
            return False
        self.begun = pipe
        return True

    def send(self, message: Any) -> bool:
        if type(message) is not list:
            self.totals.count_dropped("unroutable")
            return True
        if not self.begin(message[0]):
            return False
        return Router.send(self, message)

    def set_option(self, option: int, value: Any) -> bool:
        if option == STREAM_NOTIFY:
            if value not in (0, 1):
                raise zmq_error(EINVAL, f"STREAM_NOTIFY must be 0 or 1, not {value!r}")
            self.options.stream_notify = value
        elif option == CONNECT_ROUTING_ID:
            self.name_next_peer(octets(value))
        else:
            return False
        return True
