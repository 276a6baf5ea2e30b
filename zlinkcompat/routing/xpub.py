"""XPUB: publishes messages to subscribers, and passes subscriptions to its user (RFC 29)."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any

from zlinkcompat._constants import (
    INVERT_MATCHING,
    ONLY_FIRST_SUBSCRIBE,
    SUBSCRIBE,
    TOPICS_COUNT,
    UNSUBSCRIBE,
    XPUB_MANUAL,
    XPUB_MANUAL_LAST_VALUE,
    XPUB_NODROP,
    XPUB_VERBOSE,
    XPUB_VERBOSER,
    XPUB_WELCOME_MSG,
)
from zlinkcompat.routing.log import LOG
from zlinkcompat.routing.option_values import boolean, octets
from zlinkcompat.routing.pattern import Pattern
from zlinkcompat.routing.trie import Trie
from zlinkcompat.wire.zmtp.commands import Cancel, Subscribe

if TYPE_CHECKING:
    from zlinkcompat.core.options import Options
    from zlinkcompat.core.socket import CoreSocket
    from zlinkcompat.routing.pipe import Pipe


#: The result of :meth:`XPub.match` for a message that no peer wants.
NO_PIPES: list[Pipe] = []


class XPub(Pattern):
    """Publisher. A slow subscriber misses messages, unless XPUB_NODROP is set.

    Subscriptions are read as soon as they arrive. The user receives them as messages of ``\\x01``
    or ``\\x00`` and the topic.

    Source: libzmq ``src/xpub.cpp``, ``src/dist.cpp``.
    """

    def __init__(self, owner: CoreSocket, options: Options) -> None:
        Pattern.__init__(self, owner, options)
        self.subscriptions = Trie()
        self.manual_subscriptions = Trie()
        self.pending: deque[Any] = deque()
        self.tells_user = True
        self.verbose_subscribe = False
        self.verbose_cancel = False
        self.manual = False
        self.only_last = False
        self.only_first = False
        self.inverts = False
        self.lossy = True
        self.welcome = b""
        # Subscriptions and cancellations for which ``pending`` has no room. A subscription and its
        # cancellation cancel each other out here.
        self.overflow: OrderedDict[Any, Any] = OrderedDict()
        self.warned = False
        # The subscribers of the message that is being sent frame by frame.
        self.begun: list[Any] = []
        # The subscribers that have no room for this message, and whether nobody wants it.
        self.begun_full: Any = None
        self.begun_unwanted = False
        # Peers that left and whose many subscriptions are still being removed, some at a time.
        self.departed: set[Any] = set()

    # -- peers -----------------------------------------------------------------------------

    def attach(self, pipe: Pipe) -> bool:
        Pattern.attach(self, pipe)
        if self.welcome:
            pipe.write_unbounded(self.welcome)
            pipe.flush()
        self.read_subscriptions(pipe)
        return True

    def detach(self, pipe: Pipe) -> None:
        Pattern.detach(self, pipe)
        if pipe in self.begun:
            self.begun.remove(pipe)
            pipe.count_dropped("disconnect")
        self.forget(pipe)
        # A sender that waits for this peer because of XPUB_NODROP must continue without it.
        self.owner.on_writable()

    def forget(self, pipe: Pipe) -> None:
        """Remove subscriptions of a peer that left: up to a limit now, and the rest later."""
        told = self.manual_subscriptions if self.manual else self.subscriptions
        news = False
        while True:
            for trie in (self.manual_subscriptions, self.subscriptions):
                for topic, still_wanted in trie.forget_pipe(pipe):
                    if trie is told and (not still_wanted or self.manual or self.verbose_cancel):
                        news = self.notify(pipe, topic, False, None, True) or news
            if not (self.manual_subscriptions.count_of(pipe) or self.subscriptions.count_of(pipe)):
                self.departed.discard(pipe)
                break
            self.departed.add(pipe)
            if self.owner.call_later(self.forget, pipe):
                break
        if news:
            self.owner.on_readable()

    def pipe_terminated(self, pipe: Pipe) -> None:
        self.read_subscriptions(pipe)
        self.drained(pipe)

    def read_activated(self, pipe: Pipe) -> None:
        self.read_subscriptions(pipe)

    def write_activated(self, pipe: Pipe) -> None:
        self.owner.on_writable()

    def read_subscriptions(self, pipe: Pipe) -> None:
        if pipe.mailbox is not None and pipe.inq.writer_waits:
            # The I/O thread may have more subscriptions, for which the pipe had no room.
            self.has_late_subscriptions = True
        news = False
        while True:
            message = pipe.read()
            if message is None:
                break
            if type(message) is not list:
                if is_subscription(message):
                    pipe.commands_in += 1
                news = self.process_frame(pipe, message, True) or news
            elif not is_subscription(message[0]):
                full = self.is_full()
                for frame in () if self.only_first else message:
                    # As in libzmq, they count as subscriptions and stay in the user's message.
                    if is_subscription(frame):
                        news = self.process_frame(pipe, frame, full) or news
                news = self.notify_user(pipe, message) or news
            else:
                # libzmq handles each frame of the message separately.
                rest = []
                for frame in message:
                    if is_subscription(frame):
                        news = self.process_frame(pipe, frame, True) or news
                    else:
                        rest.append(frame)
                if not rest:
                    pipe.commands_in += 1
                else:
                    news = self.notify_user(pipe, rest) or news
        if news:
            self.owner.on_readable()

    def process_frame(self, pipe: Pipe, frame: bytes, tells: bool) -> bool:
        """Handle a frame from a subscriber. Return True if the user has something to receive.

        A peer that exceeds a limit is rejected. If ``tells`` is false, the user gets no message."""
        if isinstance(frame, Subscribe):
            topic = frame.topic
            subscribes = not isinstance(frame, Cancel)
        elif not is_subscription(frame):
            return self.notify_user(pipe, frame)
        else:
            data = as_bytes(frame)
            topic = data[1:]
            subscribes = data[0] == 1
            longest = self.options.command_max
            if 0 < longest < len(data):
                pipe.report_violation(
                    "a subscription of %d bytes is over COMMAND_MAX, %d" % (len(data), longest)
                )
                return False
        told_by = self.manual_subscriptions if self.manual else self.subscriptions
        most = self.options.subscriptions_max
        if subscribes and 0 < most <= told_by.count_of(pipe) and not told_by.holds(topic, pipe):
            pipe.report_violation("more subscriptions than SUBSCRIPTIONS_MAX, %d" % most)
            return False
        held = self.is_full() and told_by.holds(topic, self.keyed_by(pipe))
        if subscribes:
            news = told_by.add_pipe(topic, pipe) or self.verbose_subscribe
        else:
            news = told_by.remove_pipe(topic, pipe) or self.verbose_cancel
        return tells and (news or self.manual) and self.notify(pipe, topic, subscribes, pipe, held)

    # -- messages for the user -------------------------------------------------------------

    def is_full(self) -> bool:
        """Tell whether RCVHWM messages are waiting for the user."""
        return 0 < self.options.rcvhwm <= len(self.pending) or len(self.overflow) > 0

    def notify_user(self, pipe: Pipe, message: Any) -> bool:
        """Queue a message for the user, unless RCVHWM messages wait.

        Return whether it was queued."""
        if not self.tells_user:
            pipe.count_dropped("protocol")
            return False
        if self.is_full():
            pipe.count_dropped("unread")
            self.drop(1)
            return False
        if type(message) is list and len(message) == 1:
            message = message[0]
        self.pending.append((message, pipe))
        return True

    def notify(
        self, pipe: Pipe, topic: Any, subscribes: bool, sender: Pipe | None, held: bool
    ) -> bool:
        """Tell the user that the peer of ``pipe`` has subscribed or cancelled. True if it is news.

        While RCVHWM messages are waiting, a subscription and its cancellation cancel each other
        out. So the entries that wait are at most the difference between the subscriptions that the
        user knows and the current ones, and none has to be dropped.

        Parameters
        ----------
        sender : Pipe or None
            The peer to which the user's next SUBSCRIBE of XPUB_MANUAL applies.
        held : bool
            Whether the topic was subscribed to before. It matters only if :meth:`is_full`.
        """
        if not self.tells_user:
            return False
        message = (b"\1" if subscribes else b"\0") + topic
        if not self.is_full():
            self.pending.append((message, sender))
            return True
        key = (self.keyed_by(pipe), topic)
        waiting = self.overflow.pop(key, None)
        if waiting is not None:
            # The waiting message shows what the user knows: a cancellation (0) means that the
            # topic was subscribed to before.
            held = waiting[0][0] == 0
        dropped = (waiting is not None) + (subscribes == held)
        if subscribes != held:
            self.overflow[key] = (message, sender)
        if dropped:
            self.drop(dropped)
        return subscribes != held

    def keyed_by(self, pipe: Pipe) -> Any:
        """Return ``pipe`` if the user is told of each peer's subscriptions, else None."""
        return pipe if self.manual or self.verbose_cancel else None

    def drop(self, count: int) -> None:
        """Count dropped messages for the user, and warn the first time."""
        if not self.warned:
            self.warned = True
            LOG.warning(
                "XPUB: dropped: messages from subscribers; recv() was not called, and as "
                "many wait as RCVHWM allows, %d",
                self.options.rcvhwm,
            )
        counters = getattr(self.owner, "counters", None)
        if counters is not None:
            counters.xpub_dropped_messages += count

    # -- messages --------------------------------------------------------------------------

    def match(self, topic: Any) -> list[Pipe]:
        """List the pipes that get a message whose first frame is ``topic``.

        The caller must not change the list."""
        pipes = self.subscriptions.match_pipes(topic if type(topic) is bytes else topic.bytes)
        if self.only_last and self.last_pipe is not None:
            pipes = [self.last_pipe] if pipes and self.last_pipe in pipes else None
        if self.departed and pipes:
            pipes = [pipe for pipe in pipes if pipe not in self.departed]
        if self.inverts:
            unwanted = set(pipes or ())
            return [pipe for pipe in self.pipes if pipe not in unwanted]
        return NO_PIPES if pipes is None else pipes

    def have_room(self, pipes: list[Pipe]) -> bool:
        """Tell whether all ``pipes`` have room. Ignore pipes whose peer has left."""
        for index in range(len(pipes)):
            pipe = pipes[index]
            if not pipe.check_write() and not pipe.peer_closed:
                return False
        return True

    def begin(self, frame: bytes) -> bool:
        pipes = self.match(frame)
        if not self.lossy and not self.have_room(pipes):
            return False
        if self.only_last:
            self.last_pipe = None
        self.begun = [pipe for pipe in pipes if pipe.check_write()]
        self.begun_full = None
        if len(self.begun) < len(pipes):
            self.begun_full = [pipe for pipe in pipes if pipe not in self.begun]
        self.begun_unwanted = not pipes
        return True

    def finish(self, message: Any) -> None:
        pipes = self.begun
        self.begun = []
        if self.begun_full is not None:
            for pipe in self.begun_full:
                pipe.count_refused()
            self.begun_full = None
        if self.begun_unwanted:
            self.totals.count_dropped("filter")
        copies = len(pipes) > 1
        for pipe in pipes:
            # An inproc receiver gets the list itself and may change it.
            pipe.write_unbounded(list(message) if copies else message)
            pipe.flush()

    def send(self, message: Any) -> bool:
        pipes = self.match(message[0] if type(message) is list else message)
        if not self.lossy and not self.have_room(pipes):
            return False
        if self.only_last:
            self.last_pipe = None
        if not pipes:
            self.totals.count_dropped("filter")
        copies = len(pipes) > 1 and type(message) is list
        for pipe in pipes:
            # An inproc receiver gets the list itself and may change it.
            if not pipe.send(list(message) if copies else message):
                pipe.count_refused()
        return True

    def recv(self) -> Any:
        if not self.pending:
            return None
        message, pipe = self.pending.popleft()
        if self.overflow:
            self.pending.append(self.overflow.popitem(False)[1])
        # If the peer has left by now, the user's next SUBSCRIBE applies to nobody.
        self.last_pipe = pipe if pipe in self.pipes else None
        return message

    def has_in(self) -> bool:
        return len(self.pending) > 0

    def has_out(self) -> bool:
        return True

    def count_in_hand(self) -> int:
        count = 0
        for message, _ in self.pending:
            count += type(message) is list or not is_subscription(message)
        return count

    # -- options ---------------------------------------------------------------------------

    def set_option(self, option: int, value: Any) -> bool:
        if option == XPUB_VERBOSE:
            self.verbose_subscribe = boolean(value)
            self.verbose_cancel = False
        elif option == XPUB_VERBOSER:
            self.verbose_subscribe = self.verbose_cancel = boolean(value)
        elif option == XPUB_MANUAL:
            self.manual = boolean(value)
        elif option == XPUB_MANUAL_LAST_VALUE:
            self.manual = self.only_last = boolean(value)
        elif option == XPUB_NODROP:
            self.lossy = not boolean(value)
        elif option == ONLY_FIRST_SUBSCRIBE:
            self.only_first = boolean(value)
        elif option == INVERT_MATCHING:
            # Return False, so that the option table also checks and stores the value.
            self.inverts = isinstance(value, int) and value != 0
            return False
        elif option == XPUB_WELCOME_MSG:
            self.welcome = octets(value)
        elif option == SUBSCRIBE and self.manual:
            if self.last_pipe is not None:
                self.subscriptions.add_pipe(octets(value), self.last_pipe)
        elif option == UNSUBSCRIBE and self.manual:
            if self.last_pipe is not None:
                self.subscriptions.remove_pipe(octets(value), self.last_pipe)
        else:
            return False
        return True

    def get_option(self, option: int) -> Any:
        if option == TOPICS_COUNT:
            return self.subscriptions.size
        raise KeyError(option)


def as_bytes(frame: Any) -> bytes:
    return frame if type(frame) is bytes else frame.bytes


def is_subscription(frame: bytes) -> bool:
    """Tell whether ``frame`` is a subscription or cancellation, as a command or as a message."""
    if isinstance(frame, Subscribe):
        return True
    data = as_bytes(frame)
    return len(data) > 0 and data[0] <= 1
