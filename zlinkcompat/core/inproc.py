"""inproc: a pipe straight between two sockets of one context; messages pass by reference.

Connecting before binding works: the pipe exists from the connect on and waits for its other end.
Between threads each end is attached in its own one, by its socket's mailbox.
Source: libzmq ``zmq_inproc(7)``, ``src/ctx.cpp: connect_inproc_sockets``.
"""

from zlinkcompat.errors import EADDRINUSE, zmq_error
from zlinkcompat.routing.pipe import PipeSink, pipe_pair
from zlinkcompat.wire.security.zap import ENDPOINT

#: All inproc pipes share it, which also tells them from others.
METADATA = {}


class PendingConnect(PipeSink):
    """Holds the far end of a pipe whose endpoint nobody has bound yet."""

    def __init__(self, context, name, socket, pipe):
        self.context = context
        self.name = name
        self.socket = socket
        self.pipe = pipe

    def try_read(self, pipe):
        return -1

    def pipe_terminated(self, pipe):
        # What was sent is for whoever binds, also when the sender is gone by then.
        if pipe.check_read():
            return
        with self.context.lock:
            waiting = self.context.unbound.get(self.name, [])
            if self not in waiting:
                return  # somebody binds just now, and will see
            waiting.remove(self)
        pipe.terminate()


def combined_hwm(sender, receiver):
    """High-water mark (messages) of one direction: both ends' together, as libzmq counts."""
    if sender.options.sndhwm == 0 or receiver.options.rcvhwm == 0:
        return 0
    return sender.options.sndhwm + receiver.options.rcvhwm


def bind(socket, name):
    """Own ``name`` (the whole endpoint) in the socket's context. EADDRINUSE if it is owned."""
    context = socket.context
    socket.claim_owner_loop()
    with context.lock:
        if name in context.bound:
            raise zmq_error(
                EADDRINUSE, "bind %r: another socket of this context is bound there" % name
            )
        context.bound[name] = socket
        early = context.unbound.pop(name, [])
    for waiting in early:
        far = waiting.pipe
        near = far.peer
        if socket.is_cross_thread(waiting.socket):
            near.mailbox = waiting.socket.mailbox
            far.mailbox = socket.mailbox
        near.set_high_water_marks(
            combined_hwm(waiting.socket, socket), combined_hwm(socket, waiting.socket)
        )
        complete_connect(waiting.socket, near, socket, far, name)


def connect(socket, name):
    """Connect to whoever owns ``name`` now or later."""
    context = socket.context
    socket.claim_owner_loop()
    with context.lock:
        owner = context.bound.get(name)
        if owner is None:
            # Whoever binds may do so in another thread.
            near, far = pipe_pair(socket.options.sndhwm, socket.options.rcvhwm, True)
            waiting = PendingConnect(context, name, socket, far)
            far.sink = waiting
            if attach(socket, near, b"", None, True, name):
                near.metadata = METADATA
                context.unbound.setdefault(name, []).append(waiting)
            return
    crosses = socket.is_cross_thread(owner)
    near, far = pipe_pair(combined_hwm(socket, owner), combined_hwm(owner, socket), crosses)
    # The far end first: whoever writes at once (probes, subscriptions) finds a reader.
    far.sink = owner.pattern
    if crosses:
        near.mailbox = socket.mailbox
        far.mailbox = owner.mailbox
    if attach(socket, near, owner.options.routing_id, METADATA, True, name):
        complete_connect(socket, near, owner, far, name)


def attach(socket, near, routing_id, metadata, locally_initiated, name):
    if socket.options.conflate:
        socket.conflate(near)
    if not socket.attach_pipe(near, routing_id, metadata, locally_initiated, name):
        return False
    if locally_initiated:
        socket.endpoints.inproc_pipes.append(near)
    return True


def complete_connect(connecting, near, binding, far, name):
    """Give the far end of a connected pipe to the socket that is bound."""
    far.post_to_owner(accept_pipe, (connecting, near, binding, far, name))


def accept_pipe(connecting, near, binding, far, name):
    # In the thread of the binding socket.
    if not attach(binding, far, connecting.options.routing_id, METADATA, False, name):
        return
    connecting.identify_pipe(far, binding.options.routing_id, METADATA)
    # What was written while there was no reader.
    near.flush()
    far.flush()
    # It left while nobody was bound; who left later says so after this.
    if far.peer_closed:
        far.peer_terminated()


def connect_zap(socket, sink, mailbox):
    """Connect ``sink``, which is no socket, to the ZAP handler of a socket's context.

    Parameters
    ----------
    mailbox : Mailbox
        Of the sink's thread, where the handler lives in another one.

    Returns
    -------
    Pipe or None
        The sink's end, without high-water marks; None if no handler is bound.
    """
    context = socket.context
    with context.lock:
        handler = context.bound.get(ENDPOINT)
    if handler is None or handler.dead:
        return None
    socket.claim_owner_loop()
    crosses = socket.is_cross_thread(handler)
    near, far = pipe_pair(0, 0, crosses)
    near.sink = sink
    far.sink = handler.pattern
    if crosses:
        near.mailbox = mailbox
        far.mailbox = handler.mailbox
    far.post_to_owner(handler.attach_pipe, (far, b"", METADATA, False, ENDPOINT))
    return near


def unbind(socket, name):
    with socket.context.lock:
        if socket.context.bound.get(name) is socket:
            del socket.context.bound[name]


def set_high_water_marks(socket, pipe):
    peer = pipe.peer.sink
    other = getattr(peer, "owner", None)
    if other is not None:
        pipe.set_high_water_marks(combined_hwm(socket, other), combined_hwm(other, socket))
    else:
        pipe.set_high_water_marks(socket.options.sndhwm, socket.options.rcvhwm)
