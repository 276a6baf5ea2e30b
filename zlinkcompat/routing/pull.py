"""PULL: collects work from its peers in turn (RFC 30)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat.routing.fair_queue import FairQueue
from zlinkcompat.routing.pattern import Pattern

if TYPE_CHECKING:
    from zlinkcompat.core.options import Options
    from zlinkcompat.core.socket import CoreSocket
    from zlinkcompat.routing.pipe import Pipe


class Pull(Pattern):
    """A socket that only receives."""

    def __init__(self, owner: CoreSocket, options: Options) -> None:
        Pattern.__init__(self, owner, options)
        self.queue = FairQueue(self)

    def attach(self, pipe: Pipe) -> bool:
        self.queue.attach(pipe)
        return Pattern.attach(self, pipe)

    def detach(self, pipe: Pipe) -> None:
        self.queue.detach(pipe)
        Pattern.detach(self, pipe)

    def read_activated(self, pipe: Pipe) -> None:
        self.queue.activated(pipe)
        self.owner.on_readable()

    def begin(self, frame: Any) -> bool:
        # This type only receives, so raise the same error as send().
        return self.send(frame)

    def recv(self) -> Any:
        message = self.queue.read()
        if message is not None and self.last_pipe is not self.queue.last:
            self.last_pipe = self.queue.last
        return message

    def has_in(self) -> bool:
        return self.queue.has_in()
