"""Test socket types directly on pipes, without connections or an event loop."""

from zlinkcompat import routing
from zlinkcompat.core.options import Options
from zlinkcompat.routing.mailbox import Mailbox
from zlinkcompat.routing.pattern import Owner
from zlinkcompat.routing.pipe import PipeSink, pipe_pair
from zlinkcompat.wire.zmtp.commands import Cancel, Subscribe


class Socket(Owner):
    """The owner of a pattern, which counts the pattern's notifications."""

    def __init__(self, bench, socket_type, options):
        self.bench = bench
        self.options = Options(socket_type)
        for name, value in options.items():
            setattr(self.options, name, value)
        self.pattern = routing.create(socket_type, self, self.options)
        self.counters = None
        self.readable = self.writable = 0
        self.gone = []

    def on_readable(self):
        self.readable += 1

    def on_writable(self):
        self.writable += 1

    def on_pipe_gone(self, pipe):
        self.gone.append(pipe)

    def received(self):
        """Return everything that can be received now."""
        self.bench.process()
        messages = []
        while self.pattern.has_in():
            messages.append(self.pattern.recv())
        return messages

    def send_parts(self, *frames):
        """Send frame by frame; return True if the first frame was accepted."""
        if not self.pattern.begin(frames[0]):
            return False
        self.pattern.finish(list(frames))
        self.bench.process()
        return True

    def peer(self, routing_id=b"", hwm=10, named=True, locally_initiated=False):
        """Attach a new peer; return None if the pattern refuses it."""
        limit = self.bench.limit
        near, far = pipe_pair(hwm, hwm, self.bench.crosses, limit, limit)
        peer = Peer(self, near, far)
        far.sink = peer
        near.sink = self.pattern
        near.routing_id = routing_id
        near.named = named
        near.locally_initiated = locally_initiated
        near.endpoint = "bare"
        if self.bench.crosses:
            near.mailbox = self.bench.new_mailbox()
            far.mailbox = self.bench.new_mailbox()
        attached = self.pattern.attach(near)
        if not attached:
            near.terminate()
        self.bench.process()
        return peer if attached else None


class Peer(PipeSink):
    """The far end of a pipe."""

    def __init__(self, socket, near, far):
        self.socket = socket
        self.near = near
        self.far = far
        self.ended = self.refusals = 0

    def pipe_terminated(self, pipe):
        self.ended += 1

    def on_protocol_violation(self, pipe, text):
        self.refusals += 1

    def send(self, *messages):
        """Send messages (bytes or a list of frames), even beyond the high-water mark."""
        for message in messages:
            self.far.write_unbounded(message)
        self.far.flush()
        self.socket.bench.process()
        return self

    def subscribe(self, *topics):
        return self.send(*map(Subscribe, topics))

    def cancel(self, *topics):
        return self.send(*map(Cancel, topics))

    def received(self):
        """Return everything that has arrived so far."""
        self.socket.bench.process()
        messages = []
        while (message := self.far.read()) is not None:
            messages.append(message)
        self.socket.bench.process()
        return messages

    def leave(self):
        """Terminate the pipe from the peer's end."""
        self.far.terminate()
        self.socket.bench.process()

    def disconnect(self):
        """Let the socket disconnect this peer, as the user's unbind or disconnect does."""
        self.socket.pattern.disconnect(self.near)
        self.socket.bench.process()

    def drop(self):
        """Detach and terminate the pipe from the socket's end, as closing the socket does."""
        self.socket.pattern.detach(self.near)
        self.near.terminate()
        self.socket.bench.process()


class Bench:
    """Creates sockets whose pipes have one kind of queue."""

    def __init__(self, limit, crosses):
        self.limit = limit
        self.crosses = crosses
        self.mailboxes = []

    def new_mailbox(self):
        self.mailboxes.append(Mailbox())
        return self.mailboxes[-1]

    def process(self):
        """Process the commands between the ends of cross-thread pipes."""
        while any(mailbox.commands for mailbox in self.mailboxes):
            for mailbox in self.mailboxes:
                mailbox.process()

    def __call__(self, socket_type, **options):
        return Socket(self, socket_type, options)


def words(messages):
    """Return the last frame of each message."""
    return [message[-1] if type(message) is list else message for message in messages]
