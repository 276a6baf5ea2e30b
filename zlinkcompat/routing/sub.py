"""SUB: subscribes by socket options, and filters received messages (RFC 29)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat._constants import INVERT_MATCHING, SUBSCRIBE, UNSUBSCRIBE
from zlinkcompat.errors import ENOTSUP, zmq_error
from zlinkcompat.routing.option_values import octets
from zlinkcompat.routing.xsub import XSub

if TYPE_CHECKING:
    from zlinkcompat.core.options import Options
    from zlinkcompat.core.socket import CoreSocket


class Sub(XSub):
    """Subscriber. It filters messages too: a publisher may not know all subscriptions yet."""

    def __init__(self, owner: CoreSocket, options: Options) -> None:
        XSub.__init__(self, owner, options)
        self.filters = True

    def send(self, message: Any) -> None:
        raise zmq_error(ENOTSUP, "send: SUB only receives")

    def begin(self, frame: bytes) -> None:
        raise zmq_error(ENOTSUP, "send: SUB only receives")

    def has_out(self) -> bool:
        return False

    def set_option(self, option: int, value: Any) -> bool:
        if option == SUBSCRIBE:
            self.subscribe(octets(value))
            return True
        if option == UNSUBSCRIBE:
            self.cancel(octets(value))
            return True
        if option == INVERT_MATCHING:
            return XSub.set_option(self, option, value)
        return False
