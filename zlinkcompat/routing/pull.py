"""PULL: collects work from its peers in turn (RFC 30)."""

from zlinkcompat.routing.fair_queue import FairQueue
from zlinkcompat.routing.pattern import Pattern


class Pull(Pattern):
    """A socket that only receives."""

    def __init__(self, owner, options):
        Pattern.__init__(self, owner, options)
        self.queue = FairQueue(self)

    def attach(self, pipe):
        self.queue.attach(pipe)
        return Pattern.attach(self, pipe)

    def detach(self, pipe):
        self.queue.detach(pipe)
        Pattern.detach(self, pipe)

    def read_activated(self, pipe):
        self.queue.activated(pipe)
        self.owner.on_readable()

    def begin(self, frame):
        # This type only receives, so raise the same error as send().
        return self.send(frame)

    def recv(self):
        message = self.queue.read()
        if message is not None and self.last_pipe is not self.queue.last:
            self.last_pipe = self.queue.last
        return message

    def has_in(self):
        return self.queue.has_in()
