"""PUSH: distributes work among its peers in turn (RFC 30)."""

from zlinkcompat.routing.load_balancer import LoadBalancer
from zlinkcompat.routing.log import UNFINISHED, lost
from zlinkcompat.routing.pattern import Pattern


class Push(Pattern):
    """A socket that only sends, and waits while no peer has room."""

    def __init__(self, owner, options):
        Pattern.__init__(self, owner, options)
        self.balancer = LoadBalancer()

    def attach(self, pipe):
        self.balancer.attach(pipe)
        return Pattern.attach(self, pipe)

    def detach(self, pipe):
        self.balancer.detach(pipe)
        Pattern.detach(self, pipe)

    def pipe_terminated(self, pipe):
        # Drop messages from the peer: a PULL must not send any.
        self.drained(pipe)

    def write_activated(self, pipe):
        self.balancer.activated(pipe)
        self.owner.on_writable()

    def send(self, message):
        return self.balancer.write(message)

    def finish(self, message):
        if not self.balancer.finish(message):
            self.totals.count_dropped("unroutable")
            lost(UNFINISHED)

    def check_may_receive(self):
        self.recv()

    def has_out(self):
        return self.balancer.has_out()
