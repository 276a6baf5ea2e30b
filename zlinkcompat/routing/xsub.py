"""XSUB: subscribes by sending messages (RFC 29)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat._constants import INVERT_MATCHING, ONLY_FIRST_SUBSCRIBE, TOPICS_COUNT
from zlinkcompat.routing.fair_queue import FairQueue
from zlinkcompat.routing.option_values import boolean
from zlinkcompat.routing.pattern import SKIP_BURST, Pattern
from zlinkcompat.routing.trie import Trie
from zlinkcompat.wire.zmtp.commands import Cancel, Subscribe

if TYPE_CHECKING:
    from zlinkcompat.core.options import Options
    from zlinkcompat.core.socket import CoreSocket
    from zlinkcompat.routing.pipe import Pipe


class XSub(Pattern):
    """Subscriber. Its user sends ``\\x01`` or ``\\x00`` and a topic, or messages for publishers.

    Subscriptions are kept and sent to every publisher that connects later. They are never dropped
    because of a high-water mark.

    Source: libzmq ``src/xsub.cpp``.
    """

    def __init__(self, owner: CoreSocket, options: Options) -> None:
        Pattern.__init__(self, owner, options)
        self.queue = FairQueue(self)
        self.subscriptions = Trie()
        self.filters = False
        self.inverts = False
        self.only_first = False
        self.fetched = None

    # -- peers -----------------------------------------------------------------------------

    def attach(self, pipe: Pipe) -> bool:
        self.queue.attach(pipe)
        Pattern.attach(self, pipe)
        self.tell_subscriptions(pipe)
        return True

    def detach(self, pipe: Pipe) -> None:
        self.queue.detach(pipe)
        Pattern.detach(self, pipe)

    def read_activated(self, pipe: Pipe) -> None:
        self.queue.activated(pipe)
        self.owner.on_readable()

    def hiccuped(self, pipe: Pipe) -> None:
        self.tell_subscriptions(pipe)

    def tell_subscriptions(self, pipe: Pipe) -> None:
        for topic in self.subscriptions.topics():
            pipe.write_command(Subscribe(topic))
        pipe.flush()

    # -- messages --------------------------------------------------------------------------

    def send(self, message: Any) -> bool:
        if type(message) is not list:
            self.process_frame(message)
            return True
        if not is_subscription(message[0]):
            if not self.only_first:
                # As in libzmq, such frames subscribe and stay in the message.
                for frame in message:
                    if is_subscription(frame):
                        self.note(frame if type(frame) is bytes else frame.bytes)
            self.send_to_all(message)
            return True
        # libzmq handles each frame separately. The other frames remain one message.
        rest = []
        for frame in message:
            if is_subscription(frame):
                self.process_frame(frame)
            else:
                rest.append(frame)
        if rest:
            self.send_to_all(rest if len(rest) > 1 else rest[0])
        return True

    def process_frame(self, frame: Any) -> None:
        """Subscribe, cancel, or send the frame to the publishers."""
        if not is_subscription(frame):
            self.send_to_all(frame)
            return
        data = frame if type(frame) is bytes else frame.bytes
        if data[0]:
            self.subscribe(data[1:])
        else:
            self.cancel(data[1:])

    def note(self, data: bytes) -> None:
        """Count a subscription or cancellation without telling publishers."""
        if data[0]:
            self.subscriptions.add(data[1:])
        else:
            self.subscriptions.remove(data[1:])

    def subscribe(self, topic: Any) -> None:
        # Send every subscription, even a known one: an XPUB_VERBOSE behind a proxy must see all
        # subscriptions.
        self.subscriptions.add(topic)
        self.tell_all(Subscribe(topic))

    def cancel(self, topic: Any) -> None:
        if self.subscriptions.remove(topic):
            self.tell_all(Cancel(topic))

    def tell_all(self, command: Subscribe) -> None:
        for pipe in self.pipes:
            pipe.write_command(command)
            pipe.flush()

    def send_to_all(self, message: Any) -> None:
        for pipe in self.pipes:
            if not pipe.send(list(message) if type(message) is list else message):
                pipe.count_refused()

    def recv(self) -> Any:
        message = self.fetched
        if message is not None:
            self.fetched = None
            return message
        skipped = 0
        while True:
            message = self.queue.read()
            if message is None:
                return None
            if not self.filters or self.wants(message):
                self.last_pipe = self.queue.last
                return message
            self.queue.last.count_dropped("filter")
            skipped += 1
            if skipped >= SKIP_BURST:
                self.owner.schedule_read()
                return None

    def wants(self, message: Any) -> bool:
        topic = message[0] if type(message) is list else message
        matches = self.subscriptions.matches(topic if type(topic) is bytes else topic.bytes)
        return matches != self.inverts

    def has_in(self) -> bool:
        if self.fetched is None:
            self.fetched = self.recv()
        return self.fetched is not None

    def has_out(self) -> bool:
        return True

    def count_in_hand(self) -> int:
        return int(self.fetched is not None)

    # -- options ---------------------------------------------------------------------------

    def set_option(self, option: int, value: Any) -> bool:
        if option == ONLY_FIRST_SUBSCRIBE:
            self.only_first = boolean(value)
            return True
        if option == INVERT_MATCHING:
            # Return False, so that the option table also checks and stores the value.
            self.inverts = isinstance(value, int) and value != 0
        return False

    def get_option(self, option: int) -> Any:
        if option == TOPICS_COUNT:
            return self.subscriptions.size
        raise KeyError(option)


def is_subscription(frame: Any) -> bool:
    """Tell whether a frame from the user subscribes or cancels."""
    data = frame if type(frame) is bytes else frame.bytes
    return len(data) > 0 and data[0] <= 1
