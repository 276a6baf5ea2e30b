"""XPUB: publishes by subscription, and tells its user who subscribes (RFC 29)."""

from collections import deque

from zlinkcompat.routing.options import (
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
    boolean,
    octets,
)
from zlinkcompat.routing.pattern import Pattern
from zlinkcompat.routing.trie import Trie
from zlinkcompat.wire.commands import Cancel, Subscribe


class XPub(Pattern):
    """Publisher. A subscriber that does not keep up misses messages, unless XPUB_NODROP.

    Subscriptions are read as soon as they come; to the user they are messages of ``\\x01`` or
    ``\\x00`` and the topic.

    Source: libzmq ``src/xpub.cpp``, ``src/dist.cpp``.
    """

    def __init__(self, owner, options):
        Pattern.__init__(self, owner, options)
        self.subscriptions = Trie()
        self.manual_subscriptions = Trie()
        self.pending = deque()
        self.tells_user = True
        self.verbose_subscribe = False
        self.verbose_cancel = False
        self.manual = False
        self.only_last = False
        self.only_first = False
        self.lossy = True
        self.welcome = b""
        # What each peer subscribed to; kept with SUBSCRIPTIONS_MAX only.
        self.topics_of = {}
        # The subscribers that get the message which is just sent frame by frame.
        self.begun = []

    # -- peers -----------------------------------------------------------------------------

    def attach(self, pipe):
        Pattern.attach(self, pipe)
        if self.welcome:
            pipe.write_over(self.welcome)
            pipe.flush()
        self.read_subscriptions(pipe)
        return True

    def detach(self, pipe):
        Pattern.detach(self, pipe)
        self.topics_of.pop(pipe, None)
        if pipe in self.begun:
            self.begun.remove(pipe)
        told = self.manual_subscriptions if self.manual else self.subscriptions
        news = False
        for topic, still_wanted in told.forget_pipe(pipe):
            if self.tells_user and (not still_wanted or self.manual or self.verbose_cancel):
                self.pending.append((b"\0" + topic, None))
                news = True
        if self.manual:
            self.subscriptions.forget_pipe(pipe)
        if news:
            self.owner.on_readable()
        # Who waits for this peer by XPUB_NODROP is to go on without.
        self.owner.on_writable()

    def pipe_terminated(self, pipe):
        self.read_subscriptions(pipe)
        self.drained(pipe)

    def read_activated(self, pipe):
        self.read_subscriptions(pipe)

    def write_activated(self, pipe):
        self.owner.on_writable()

    def read_subscriptions(self, pipe):
        news = False
        while True:
            message = pipe.read()
            if message is None:
                break
            if type(message) is not list:
                news = self.take(pipe, message) or news
            elif self.only_first and not is_subscription(message[0]):
                news = self.tell(pipe, message) or news
            else:
                # libzmq looks at every frame of a message by itself.
                rest = []
                for frame in message:
                    if is_subscription(frame):
                        news = self.take(pipe, frame) or news
                    else:
                        rest.append(frame)
                if rest:
                    news = self.tell(pipe, rest) or news
        if news:
            self.owner.on_readable()

    def take(self, pipe, frame):
        """Obey a frame from a subscriber; True if the user is to hear of it."""
        if isinstance(frame, Subscribe):
            topic = frame.topic
            subscribes = not isinstance(frame, Cancel)
        elif is_subscription(frame):
            data = as_bytes(frame)
            topic = data[1:]
            subscribes = data[0] == 1
            longest = self.options.command_max
            if 0 < longest < len(data):
                pipe.refuse("a subscription of %d bytes is over COMMAND_MAX, %d"
                            % (len(data), longest))
                return False
        else:
            return self.tell(pipe, frame)
        most = self.options.subscriptions_max
        if most and not self.count(pipe, topic, subscribes, most):
            pipe.refuse("more subscriptions than SUBSCRIPTIONS_MAX, %d" % most)
            return False
        if self.manual:
            if subscribes:
                self.manual_subscriptions.add_pipe(topic, pipe)
            else:
                self.manual_subscriptions.remove_pipe(topic, pipe)
            told = True
        elif subscribes:
            told = self.subscriptions.add_pipe(topic, pipe) or self.verbose_subscribe
        else:
            told = self.subscriptions.remove_pipe(topic, pipe) or self.verbose_cancel
        return told and self.tell(pipe, (b"\1" if subscribes else b"\0") + topic)

    def count(self, pipe, topic, subscribes, most):
        """Keep account of a peer's subscriptions; False if there would be more than ``most``."""
        topics = self.topics_of.setdefault(pipe, set())
        if not subscribes:
            topics.discard(topic)
        elif len(topics) < most:
            topics.add(topic)
        return not subscribes or topic in topics

    def tell(self, pipe, message):
        if not self.tells_user:
            return False
        if type(message) is list and len(message) == 1:
            message = message[0]
        self.pending.append((message, pipe))
        return True

    # -- messages --------------------------------------------------------------------------

    def match(self, topic):
        """List the pipes that get a message which begins with the frame ``topic``."""
        pipes = self.subscriptions.match_pipes(topic if type(topic) is bytes else topic.bytes)
        if self.only_last and self.last_pipe is not None:
            pipes = [self.last_pipe] if pipes and self.last_pipe in pipes else None
        if self.options.invert_matching:
            unwanted = set(pipes or ())
            return [pipe for pipe in self.pipes if pipe not in unwanted]
        return pipes or []

    def have_room(self, pipes):
        """Tell whether all ``pipes`` have room; those whose peer left do not count."""
        for index in range(len(pipes)):
            pipe = pipes[index]
            if not pipe.check_write() and not pipe.peer_closed:
                return False
        return True

    def begin(self, frame):
        pipes = self.match(frame)
        if not self.lossy and not self.have_room(pipes):
            return False
        if self.only_last:
            self.last_pipe = None
        self.begun = [pipe for pipe in pipes if pipe.check_write()]
        return True

    def finish(self, message):
        pipes = self.begun
        self.begun = []
        copies = len(pipes) > 1
        for pipe in pipes:
            # A receiver by reference (inproc) may change the list that it gets.
            pipe.write_over(list(message) if copies else message)
            pipe.flush()

    def send(self, message):
        pipes = self.match(message[0] if type(message) is list else message)
        if not self.lossy and not self.have_room(pipes):
            return False
        if self.only_last:
            self.last_pipe = None
        copies = len(pipes) > 1 and type(message) is list
        for index in range(len(pipes)):
            pipe = pipes[index]
            # A receiver by reference (inproc) may change the list that it gets.
            if pipe.write(list(message) if copies else message):
                pipe.flush()
        return True

    def recv(self):
        if not self.pending:
            return None
        message, pipe = self.pending.popleft()
        # The peer may have gone since; then there is nobody to subscribe for.
        self.last_pipe = pipe if pipe in self.pipes else None
        return message

    def has_in(self):
        return len(self.pending) > 0

    def has_out(self):
        return True

    # -- options ---------------------------------------------------------------------------

    def set_option(self, option, value):
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

    def get_option(self, option):
        if option == TOPICS_COUNT:
            return len(self.subscriptions.topics())
        raise KeyError(option)


def as_bytes(frame):
    return frame if type(frame) is bytes else frame.bytes


def is_subscription(frame):
    """Tell whether ``frame`` is a subscription or cancellation, as command or as message."""
    if isinstance(frame, Subscribe):
        return True
    data = as_bytes(frame)
    return len(data) > 0 and data[0] <= 1
