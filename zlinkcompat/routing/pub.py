"""PUB: publishes messages to subscribers (RFC 29)."""

from zlinkcompat._constants import SUBSCRIBE, UNSUBSCRIBE
from zlinkcompat.errors import ENOTSUP, zmq_error
from zlinkcompat.routing.xpub import XPub


class Pub(XPub):
    """An XPUB that does not pass subscriptions to its user."""

    def __init__(self, owner, options):
        XPub.__init__(self, owner, options)
        self.tells_user = False

    def check_may_receive(self):
        self.recv()

    def recv(self):
        raise zmq_error(ENOTSUP, "recv: PUB only sends")

    def has_in(self):
        return False

    def set_option(self, option, value):
        if option == SUBSCRIBE or option == UNSUBSCRIBE:
            return False
        return XPub.set_option(self, option, value)
