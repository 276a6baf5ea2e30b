"""DEALER: sends to its peers in turn, and receives from all of them in turn (RFC 28)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat._constants import PROBE_ROUTER
from zlinkcompat.routing.fair_queue import FairQueue
from zlinkcompat.routing.load_balancer import LoadBalancer
from zlinkcompat.routing.log import UNFINISHED, lost
from zlinkcompat.routing.option_values import boolean
from zlinkcompat.routing.pattern import Pattern

if TYPE_CHECKING:
    from zlinkcompat.core.options import Options
    from zlinkcompat.core.socket import CoreSocket
    from zlinkcompat.routing.pipe import Pipe


class Dealer(Pattern):
    """Asynchronous client or server. With PROBE_ROUTER it sends each new peer an empty message."""

    def __init__(self, owner: CoreSocket, options: Options) -> None:
        Pattern.__init__(self, owner, options)
        self.queue = FairQueue(self)
        self.balancer = LoadBalancer()
        self.probe = False

    def attach(self, pipe: Pipe) -> bool:
        if self.probe:
            pipe.write_unbounded(b"")
            pipe.flush()
        self.queue.attach(pipe)
        self.balancer.attach(pipe)
        return Pattern.attach(self, pipe)

    def detach(self, pipe: Pipe) -> None:
        self.queue.detach(pipe)
        self.balancer.detach(pipe)
        Pattern.detach(self, pipe)

    def read_activated(self, pipe: Pipe) -> None:
        self.queue.activated(pipe)
        self.owner.on_readable()

    def write_activated(self, pipe: Pipe) -> None:
        self.balancer.activated(pipe)
        self.owner.on_writable()

    def send(self, message: Any) -> bool:
        return self.balancer.write(message)

    def finish(self, message: Any) -> None:
        if not self.balancer.finish(message):
            self.totals.count_dropped("unroutable")
            lost(UNFINISHED)

    def recv(self) -> Any:
        message = self.queue.read()
        if message is not None and self.last_pipe is not self.queue.last:
            self.last_pipe = self.queue.last
        return message

    def has_in(self) -> bool:
        return self.queue.has_in()

    def has_out(self) -> bool:
        return self.balancer.has_out()

    def set_option(self, option: int, value: Any) -> bool:
        if option == PROBE_ROUTER:
            self.probe = boolean(value)
            return True
        return False
