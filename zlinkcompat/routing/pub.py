"""PUB: publishes messages to subscribers (RFC 29)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zlinkcompat._constants import SUBSCRIBE, UNSUBSCRIBE
from zlinkcompat.errors import ENOTSUP, zmq_error
from zlinkcompat.routing.xpub import XPub

if TYPE_CHECKING:
    from zlinkcompat.core.options import Options
    from zlinkcompat.core.socket import CoreSocket


class Pub(XPub):
    """An XPUB that does not pass subscriptions to its user."""

    def __init__(self, owner: CoreSocket, options: Options) -> None:
        XPub.__init__(self, owner, options)
        self.tells_user = False

    def check_may_receive(self) -> None:
        self.recv()

    def recv(self) -> None:
        raise zmq_error(ENOTSUP, "recv: PUB only sends")

    def has_in(self) -> bool:
        return False

    def set_option(self, option: int, value: Any) -> bool:
        if option == SUBSCRIBE or option == UNSUBSCRIBE:
            return False
        return XPub.set_option(self, option, value)
