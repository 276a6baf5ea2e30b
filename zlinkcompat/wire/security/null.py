"""NULL: no security, except that a ZAP handler can reject addresses (RFC 37, RFC 27).

Source: libzmq ``src/null_mechanism.cpp``.
"""

from __future__ import annotations

from typing import Any

from zlinkcompat.wire.security.mechanism import Mechanism
from zlinkcompat.wire.zmtp import commands


class Null(Mechanism):
    """Both sides are alike: each sends READY."""

    name = b"NULL"

    def start(self) -> Any:
        if self.options.zap_domain:
            self.ask([], bool(self.options.zap_enforce_domain))
            return None
        return self.admitted()

    def admitted(self) -> bytes:
        return commands.body(b"READY", self.properties())

    def receive(self, name: bytes, data: bytes, offset: int) -> None:
        if name != b"READY":
            self.refuse(name, data, offset)
        self.accept_untrusted(data, offset)
        self.done = True
