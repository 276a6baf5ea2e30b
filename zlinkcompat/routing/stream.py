"""STREAM: raw byte streams of peers that do not speak ZMTP, by routing id."""

from zlinkcompat.errors import EHOSTUNREACH, zmq_error
from zlinkcompat.routing.options import STREAM_NOTIFY, boolean
from zlinkcompat.routing.router import Router


class Stream(Router):
    """Each message is a routing id and some bytes; an empty one says, or makes, an end.

    Source: libzmq ``zmq_socket(3)``, ``src/stream.cpp``.
    """

    def __init__(self, owner, options):
        Router.__init__(self, owner, options)
        self.raw = True
        self.parts_limit = 2

    def attach(self, pipe):
        # A raw peer has no name of its own.
        pipe.routing_id = b""
        return Router.attach(self, pipe)

    def identified(self, pipe):
        pass

    def begin(self, frame):
        pipe = self.peers.get(frame if type(frame) is bytes else frame.bytes)
        if pipe is None:
            raise zmq_error(EHOSTUNREACH)
        return pipe.check_write()

    def send(self, message):
        if type(message) is not list:
            return True
        if not self.begin(message[0]):
            return False
        return Router.send(self, message)

    def set_option(self, option, value):
        if option == STREAM_NOTIFY:
            self.options.stream_notify = boolean(value)
            return True
        return Router.set_option(self, option, value)
