"""PUSH: distributes work among its peers in turn (RFC 30)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat.routing.load_balancer import LoadBalancer
from zlinkcompat.routing.log import UNFINISHED, lost
from zlinkcompat.routing.pattern import Pattern

if TYPE_CHECKING:
    from zlinkcompat.core.options import Options
    from zlinkcompat.core.socket import CoreSocket
    from zlinkcompat.routing.pipe import Pipe


class Push(Pattern):
    """A socket that only sends, and waits while no peer has room."""

    def __init__(self, owner: CoreSocket, options: Options) -> None:
        Pattern.__init__(self, owner, options)
        self.balancer = LoadBalancer()

    def attach(self, pipe: Pipe) -> bool:
        self.balancer.attach(pipe)
        return Pattern.attach(self, pipe)

    def detach(self, pipe: Pipe) -> None:
        self.balancer.detach(pipe)
        Pattern.detach(self, pipe)

    def pipe_terminated(self, pipe: Pipe) -> None:
        # Drop messages from the peer: a PULL must not send any.
        self.drained(pipe)

    def write_activated(self, pipe: Pipe) -> None:
        self.balancer.activated(pipe)
        self.owner.on_writable()

    def send(self, message: Any) -> bool:
        return self.balancer.write(message)

    def finish(self, message: Any) -> None:
        if not self.balancer.finish(message):
            self.totals.count_dropped("unroutable")
            lost(UNFINISHED)

    def check_may_receive(self) -> None:
        self.recv()

    def has_out(self) -> bool:
        return self.balancer.has_out()
