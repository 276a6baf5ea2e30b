"""A guard for ``recv_pyobj`` on a socket that any peer can connect to.

Unpickling runs code that the sender of the message chooses. ``recv_pyobj`` therefore warns once,
or fails, where the socket is bound to a network endpoint and does not authenticate its peers. The
setting ``RECV_PYOBJ`` of :mod:`zlinkcompat.tuning` allows or forbids such calls.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any
from warnings import warn

from zlinkcompat._constants import NULL
from zlinkcompat.errors import EACCES, zmq_error

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable

    from zlinkcompat.core.socket import CoreSocket
    from zlinkcompat.engine.listener import Listener


ALLOW, FORBID = 1, 0
NETWORK = ("tcp://", "ws://", "tls://", "wss://")
CERT_REQUIRED = 2  # of the standard library's ssl, which only TLS imports

ADVICE = (
    "unpickling runs code that the sender chooses. Use recv_json(), or authenticate peers (CURVE, "
    "PLAIN, ZAP_DOMAIN, TLS client certificates)"
)

_warned = False


def guard_recv_pyobj(recv_pyobj: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap pyzmq's ``recv_pyobj`` to check the socket before it takes a message.

    Parameters
    ----------
    recv_pyobj : function
        The method of a socket class.

    Returns
    -------
    function
        It raises ZMQError (EACCES) where the setting forbids the call.
    """

    @wraps(recv_pyobj)
    def method(self: Any, flags: int = 0) -> Future[Any]:
        if not self.closed:
            check(self.core)
        return recv_pyobj(self, flags)

    return method


def check(core: CoreSocket) -> None:
    """Warn or raise if ``core`` is bound where unauthenticated peers can connect."""
    global _warned
    setting = core.options.tuning.recv_pyobj
    if setting == ALLOW or (setting != FORBID and _warned):
        return
    open_to = next(filter(is_open, list(core.endpoints.listeners.values())), None)
    if open_to is None:
        return
    if setting == FORBID:
        raise zmq_error(
            EACCES,
            f"recv_pyobj: peers of {open_to.endpoint} are not authenticated, and RECV_PYOBJ "
            f"is 0 (forbid): {ADVICE}",
        )
    _warned = True
    warn(
        f"recv_pyobj: peers of {open_to.endpoint} are not authenticated, and {ADVICE}. "
        "ZLINK_RECV_PYOBJ=1 allows such calls, ZLINK_RECV_PYOBJ=0 forbids them.",
        RuntimeWarning,
        stacklevel=3,
    )


def is_open(listener: Listener) -> bool:
    """Return whether a bound endpoint accepts peers from the network without authentication."""
    if not listener.endpoint.startswith(NETWORK):
        return False
    options = listener.options
    if options.mechanism != NULL or options.zap_domain:
        return False
    if listener.endpoint.startswith(("tls://", "wss://")):
        context = options.ssl_context
        if context is not None:
            return context.verify_mode != CERT_REQUIRED
        return not options.tls_require_client_cert
    return True
