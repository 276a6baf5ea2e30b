"""ROUTER: addresses each peer by its routing id (RFC 28)."""

from __future__ import annotations

import random
from collections import deque
from struct import pack
from typing import TYPE_CHECKING, Any

from zlinkcompat._constants import (
    CONNECT_ROUTING_ID,
    PROBE_ROUTER,
    ROUTER_HANDOVER,
    ROUTER_MANDATORY,
    ROUTER_RAW,
)
from zlinkcompat.errors import EHOSTUNREACH, EINVAL, no_peer, zmq_error
from zlinkcompat.routing.log import LOG, UNFINISHED, dropped, lost, who
from zlinkcompat.routing.option_values import boolean, octets
from zlinkcompat.routing.pattern import Pattern
from zlinkcompat.routing.pull import Pull

if TYPE_CHECKING:
    from zlinkcompat.core.options import Options
    from zlinkcompat.core.socket import CoreSocket
    from zlinkcompat.routing.pipe import Pipe


#: What the log calls a message that is dropped because the pipe is full.
FULL = "a message; as many wait for this peer as SNDHWM and SNDBYTES_MAX let"


class Router(Pull):
    """An asynchronous server.

    A received message begins with the routing id of its peer, and so must a message to send.
    Without ROUTER_MANDATORY, a message to an unknown peer or to a peer with a full pipe is dropped.
    A message of only one frame is ignored.
    """

    def __init__(self, owner: CoreSocket, options: Options) -> None:
        Pull.__init__(self, owner, options)
        self.peers: dict[Any, Any] = {}
        # Peers whose id is not known yet or belongs to another peer. They are not read and cannot
        # be addressed. A dict without values, because it is ordered and cheap.
        self.anonymous: dict[Any, Any] = {}
        # The anonymous peers that have an id, by the id that they wait for.
        self.waiting: dict[Any, Any] = {}
        # Messages of peers whose id another peer has taken over, as (id, pipe, message).
        self.inherited: deque[tuple[Any, ...]] = deque()
        self.mandatory = False
        self.handover = False
        self.probe = False
        self.raw = False
        self.connect_routing_id = b""
        # The peer of a message that is being sent frame by frame; None if the message is dropped.
        self.begun: Pipe = None
        # The peer that has no room for it.
        self.begun_full: Pipe = None
        self.next_id = random.getrandbits(32)

    # -- peers -----------------------------------------------------------------------------

    def attach(self, pipe: Pipe) -> bool:
        Pattern.attach(self, pipe)
        if self.probe:
            pipe.write_unbounded(b"")
            pipe.flush()
        self.anonymous[pipe] = None
        self.identify(pipe)
        return True

    def identified(self, pipe: Pipe) -> None:
        if pipe in self.anonymous:
            self.identify(pipe)

    def identify(self, pipe: Pipe) -> None:
        """Give an anonymous ``pipe`` its routing id, if the id is known and free."""
        routing_id = pipe.routing_id
        if pipe.locally_initiated and self.connect_routing_id:
            routing_id = self.connect_routing_id
            self.connect_routing_id = b""
        elif self.raw or (pipe.named and not routing_id):
            routing_id = self.new_routing_id()
        elif not pipe.named:
            return
        elif routing_id in self.peers:
            if not self.handover:
                self.warn(
                    pipe,
                    "%s: neither read nor written to while another peer has its "
                    "routing id %r; ROUTER_HANDOVER would give it to this one",
                    who(pipe),
                    routing_id,
                )
                self.wait_for_id(pipe)
                return
            self.hand_over(routing_id, pipe)
        self.welcome(pipe, routing_id)

    def welcome(self, pipe: Pipe, routing_id: bytes) -> None:
        """Make an anonymous ``pipe`` readable and addressable by an id that is free."""
        del self.anonymous[pipe]
        pipe.routing_id = routing_id
        # The handshake may not change the id later.
        pipe.named = True
        self.peers[routing_id] = pipe
        self.queue.attach(pipe)
        self.owner.on_writable()
        if pipe.check_read():
            self.owner.on_readable()

    def wait_for_id(self, pipe: Pipe) -> None:
        """Welcome an anonymous ``pipe`` as soon as its routing id is free."""
        self.waiting.setdefault(pipe.routing_id, {})[pipe] = None

    def hand_over(self, routing_id: bytes, pipe: Pipe) -> None:
        """Take ``routing_id`` from the peer that has it, and give it to the newer ``pipe``.

        Messages of the older peer are received first, with an id that no peer has. As in libzmq,
        its connection stays open but is not read, so that it does not reconnect and take the id
        again. It is read again when the id is free."""
        old = self.peers.pop(routing_id)
        LOG.info(
            "%s: takes over the routing id %r; no longer read: %s", who(pipe), routing_id, who(old)
        )
        self.queue.detach(old)
        count = old.inq.tail - old.inq.head
        if count:
            temporary = self.new_routing_id()
            for _ in range(count):
                self.inherited.append((temporary, old, old.read()))
            self.owner.on_readable()
        if old.peer_closed:
            self.drained(old)
        else:
            self.anonymous[old] = None
            self.wait_for_id(old)

    def new_routing_id(self) -> bytes:
        """Return five bytes that begin with zero, as libzmq does."""
        while True:
            self.next_id = (self.next_id + 1) & 0xFFFFFFFF
            routing_id = pack(">BI", 0, self.next_id)
            if routing_id not in self.peers:
                return routing_id

    def detach(self, pipe: Pipe) -> None:
        routing_id = pipe.routing_id
        waiting = self.waiting.get(routing_id)
        if self.begun is pipe:
            self.begun = None
        Pull.detach(self, pipe)
        if pipe in self.anonymous:
            del self.anonymous[pipe]
            if waiting is not None:
                self.stop_waiting(waiting, pipe)
        elif self.peers.get(routing_id) is pipe:
            del self.peers[routing_id]
            if waiting is not None:
                heir = next(iter(waiting))
                self.stop_waiting(waiting, heir)
                self.welcome(heir, routing_id)
        # A sender that waits for this peer because of ROUTER_MANDATORY must notice that it is gone.
        self.owner.on_writable()

    def stop_waiting(self, waiting: dict[Pipe, None], pipe: Pipe) -> None:
        """Remove ``pipe`` from the pipes that wait for its routing id."""
        waiting.pop(pipe, None)
        if not waiting:
            del self.waiting[pipe.routing_id]

    def pipe_terminated(self, pipe: Pipe) -> None:
        if pipe in self.anonymous or not pipe.check_read():
            self.drained(pipe)
        else:
            self.owner.on_writable()

    def read_activated(self, pipe: Pipe) -> None:
        if self.anonymous and pipe in self.anonymous:
            return
        self.queue.activated(pipe)
        self.owner.on_readable()

    # -- messages --------------------------------------------------------------------------

    def route(self, frame: Any) -> Pipe | None:
        """Return the pipe to the peer with the id ``frame``; None means to drop the message.

        With ROUTER_MANDATORY this raises EHOSTUNREACH instead.
        """
        routing_id = frame if type(frame) is bytes else frame.bytes
        pipe = self.peers.get(routing_id)
        if pipe is None or pipe.peer_closed:
            if self.mandatory:
                raise zmq_error(EHOSTUNREACH, no_peer(routing_id))
            return None
        return pipe

    def begin(self, frame: bytes) -> bool:
        self.begun_full = None
        pipe = self.route(frame)
        if pipe is not None and not pipe.check_write():
            if self.mandatory:
                return False
            self.begun_full = pipe
            pipe = None
        self.begun = pipe
        return True

    def finish(self, message: Any) -> None:
        pipe = self.begun
        self.begun = None
        full = self.begun_full
        self.begun_full = None
        if full is not None:
            full.count_refused()
            dropped(full, FULL)
        elif pipe is None or pipe.peer_closed:
            self.totals.count_dropped("unroutable")
            lost(UNFINISHED)
        elif self.raw and len(message[1]) == 0:
            self.hang_up(pipe)
        else:
            pipe.write_unbounded(message[1] if len(message) == 2 else message[1:])
            pipe.flush()

    def send(self, message: Any) -> bool:
        if type(message) is not list:
            self.totals.count_dropped("unroutable")
            return True
        parts = message
        pipe = self.route(parts[0])
        if pipe is None:
            self.totals.count_dropped("unroutable")
            LOG.debug("dropped: a message to a routing id that no peer has: %.80r", parts[0])
            return True
        if self.raw and len(parts[1]) == 0:
            self.hang_up(pipe)
            return True
        if not pipe.send(parts[1] if len(parts) == 2 else parts[1:]):
            if self.mandatory:
                return False
            pipe.count_refused()
            dropped(pipe, FULL)
        return True

    def recv(self) -> Any:
        if self.inherited:
            routing_id, pipe, message = self.inherited.popleft()
        else:
            message = self.queue.read()
            if message is None:
                return None
            pipe = self.queue.last
            routing_id = pipe.routing_id
        self.last_pipe = pipe
        if type(message) is list:
            parts = message
            parts.insert(0, routing_id)
            return parts
        return [routing_id, message]

    def has_in(self) -> bool:
        return len(self.inherited) > 0 or self.queue.has_in()

    def hang_up(self, pipe: Pipe) -> None:
        """End the connection of a raw peer, because the user sent it an empty message."""
        self.detach(pipe)
        pipe.terminate()
        self.owner.on_pipe_gone(pipe)

    def has_out(self) -> bool:
        if not self.mandatory:
            return True
        for pipe in self.peers.values():
            if pipe.check_write():
                return True
        return False

    def count_in_hand(self) -> int:
        return len(self.inherited)

    # -- options ---------------------------------------------------------------------------

    def set_option(self, option: int, value: Any) -> bool:
        if option == ROUTER_MANDATORY:
            self.mandatory = boolean(value)
        elif option == ROUTER_HANDOVER:
            self.handover = boolean(value)
        elif option == PROBE_ROUTER:
            self.probe = boolean(value)
        elif option == ROUTER_RAW:
            self.raw = boolean(value)
            self.options.router_raw = self.raw
        elif option == CONNECT_ROUTING_ID:
            self.name_next_peer(octets(value))
        else:
            return False
        return True

    def name_next_peer(self, routing_id: bytes) -> None:
        """Give the peer of the next connect this id; raise EINVAL if another peer has it."""
        if not routing_id:
            raise zmq_error(EINVAL, "CONNECT_ROUTING_ID must have at least one byte")
        if routing_id in self.peers:
            raise zmq_error(EINVAL, f"CONNECT_ROUTING_ID {routing_id!r}: another peer has this id")
        self.connect_routing_id = routing_id
