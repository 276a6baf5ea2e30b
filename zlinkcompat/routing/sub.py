"""SUB: subscribes by socket options, and filters received messages (RFC 29)."""

from zlinkcompat._constants import INVERT_MATCHING, SUBSCRIBE, UNSUBSCRIBE
from zlinkcompat.errors import ENOTSUP, zmq_error
from zlinkcompat.routing.option_values import octets
from zlinkcompat.routing.xsub import XSub


class Sub(XSub):
    """Subscriber. It filters messages too: a publisher may not know all subscriptions yet."""

    def __init__(self, owner, options):
        XSub.__init__(self, owner, options)
        self.filters = True

    def send(self, message):
        raise zmq_error(ENOTSUP, "send: SUB only receives")

    def begin(self, frame):
        raise zmq_error(ENOTSUP, "send: SUB only receives")

    def has_out(self):
        return False

    def set_option(self, option, value):
        if option == SUBSCRIBE:
            self.subscribe(octets(value))
            return True
        if option == UNSUBSCRIBE:
            self.cancel(octets(value))
            return True
        if option == INVERT_MATCHING:
            return XSub.set_option(self, option, value)
        return False
