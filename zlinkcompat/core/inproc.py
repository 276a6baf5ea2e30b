"""inproc: a pipe between two sockets of one context. Messages are passed by reference.

A socket can connect before the other socket binds. The pipe then exists from the connect on, and
its far end waits for the bind. If the two sockets belong to different threads, each attaches its
own end in its own thread: a command in its mailbox asks it to.
Source: libzmq ``zmq_inproc(7)``, ``src/ctx.cpp: connect_inproc_sockets``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat.errors import EADDRINUSE, zmq_error
from zlinkcompat.routing.pipe import PipeSink, pipe_pair
from zlinkcompat.wire.security.zap import ENDPOINT

if TYPE_CHECKING:
    from zlinkcompat.core.context import CoreContext
    from zlinkcompat.core.socket import CoreSocket
    from zlinkcompat.engine.zap_client import ReplyMailbox, ZapClient
    from zlinkcompat.routing.pipe import Pipe


#: The metadata of all inproc pipes. Being this very object marks a pipe as inproc.
METADATA: dict[str, str] = {}


class PendingConnect(PipeSink):
    """Holds the far end of a pipe to an endpoint that is not bound yet."""

    def __init__(self, context: CoreContext, name: str, socket: CoreSocket, pipe: Pipe) -> None:
        self.context = context
        self.name = name
        self.socket = socket
        self.pipe = pipe

    def try_read(self, pipe: Pipe) -> int:
        return -1

    def pipe_terminated(self, pipe: Pipe) -> None:
        # Messages wait for the next socket that binds, even if their sender is closed by then.
        if pipe.check_read():
            return
        with self.context.lock:
            waiting = self.context.unbound.get(self.name, [])
            if self not in waiting:
                return  # a socket is binding the endpoint right now, and will see the closed pipe
            waiting.remove(self)
        pipe.terminate()


def combined_hwm(sender: CoreSocket, receiver: CoreSocket) -> int:
    """Return the high-water mark (messages) of one direction. As in libzmq, both ends add up."""
    if sender.options.sndhwm == 0 or receiver.options.rcvhwm == 0:
        return 0
    return sender.options.sndhwm + receiver.options.rcvhwm


def bind(socket: CoreSocket, name: str) -> None:
    """Bind ``name`` (the whole endpoint) in the socket's context. EADDRINUSE if it is taken."""
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


def connect(socket: CoreSocket, name: str) -> None:
    """Connect to the socket that has bound ``name``, or will bind it."""
    context = socket.context
    socket.claim_owner_loop()
    with context.lock:
        owner = context.bound.get(name)
        if owner is None:
            # The socket that binds later may belong to another thread, so make a threadsafe pipe.
            near, far = pipe_pair(socket.options.sndhwm, socket.options.rcvhwm, True)
            waiting = PendingConnect(context, name, socket, far)
            far.sink = waiting
            if attach(socket, near, b"", None, True, name):
                near.metadata = METADATA
                context.unbound.setdefault(name, []).append(waiting)
            return
    crosses = socket.is_cross_thread(owner)
    near, far = pipe_pair(combined_hwm(socket, owner), combined_hwm(owner, socket), crosses)
    # Attach the far end first: a probe or subscription that is written at once needs a reader.
    far.sink = owner.pattern
    if crosses:
        near.mailbox = socket.mailbox
        far.mailbox = owner.mailbox
    if attach(socket, near, owner.options.routing_id, METADATA, True, name):
        complete_connect(socket, near, owner, far, name)


def attach(
    socket: CoreSocket,
    near: Pipe,
    routing_id: bytes,
    metadata: dict[Any, Any] | None,
    locally_initiated: bool,
    name: str,
) -> bool:
    if socket.options.conflate:
        socket.peers.conflate(near)
    if not socket.peers.attach_pipe(near, routing_id, metadata, locally_initiated, name):
        return False
    if locally_initiated:
        socket.endpoints.inproc_pipes.append(near)
    return True


def complete_connect(
    connecting: CoreSocket, near: Pipe, binding: CoreSocket, far: Pipe, name: str
) -> None:
    """Give the far end of a connected pipe to the bound socket."""
    far.post_to_owner(accept_pipe, (connecting, near, binding, far, name))


def accept_pipe(
    connecting: CoreSocket, near: Pipe, binding: CoreSocket, far: Pipe, name: str
) -> None:
    # This runs in the thread of the binding socket.
    if not attach(binding, far, connecting.options.routing_id, METADATA, False, name):
        return
    connecting.peers.identify_pipe(far, binding.options.routing_id, METADATA)
    # Notify the new reader of messages that were written before.
    near.flush()
    far.flush()
    # The peer closed before the bind. If it closes later, a command in the mailbox tells us.
    if far.peer_closed:
        far.peer_terminated()


def connect_zap(socket: CoreSocket, sink: ZapClient, mailbox: ReplyMailbox) -> Pipe | None:
    """Connect ``sink``, which is not a socket, to the ZAP handler of a socket's context.

    Parameters
    ----------
    mailbox : Mailbox
        The mailbox of the sink's thread, for a handler in another thread.

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
    near.is_session_end = True
    far.sink = handler.pattern
    if crosses:
        near.mailbox = mailbox
        far.mailbox = handler.mailbox
    far.post_to_owner(handler.peers.attach_pipe, (far, b"", METADATA, False, ENDPOINT))
    return near


def unbind(socket: CoreSocket, name: str) -> None:
    with socket.context.lock:
        if socket.context.bound.get(name) is socket:
            del socket.context.bound[name]


def set_high_water_marks(socket: CoreSocket, pipe: Pipe) -> None:
    peer = pipe.peer.sink
    other = getattr(peer, "owner", None)
    if other is not None:
        pipe.set_high_water_marks(combined_hwm(socket, other), combined_hwm(other, socket))
    else:
        pipe.set_high_water_marks(socket.options.sndhwm, socket.options.rcvhwm)
