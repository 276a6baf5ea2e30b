"""Replacement for ``zmq.green``'s modules ``core``, ``poll`` and ``device`` on the backend.

pyzmq's own modules watch a socket's descriptor from the hub, and check again every 11.6 s in case
the descriptor missed an event. Here a call waits in the hub of its thread by itself, on either
engine.
"""

from __future__ import annotations

import warnings
from typing import Any

import gevent
import zmq

from zlinkcompat.green.device import device as device

TIMEOS = (zmq.RCVTIMEO, zmq.SNDTIMEO)


class _Socket(zmq.Socket):  # type: ignore[type-arg]
    """pyzmq's Socket, with calls that block only their greenlet."""

    _repr_cls = "zmq.green.Socket"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # A call waits in the hub if its thread has one, so create it now.
        gevent.get_hub()
        super().__init__(*args, **kwargs)

    def get(self, option: Any) -> Any:
        """Get an option; warn if it is a timeout."""
        tell_of_timeouts(option)
        return super().get(option)

    def set(self, option: int, optval: Any) -> Any:
        """Set an option; warn if it is a timeout."""
        tell_of_timeouts(option)
        return super().set(option, optval)


class _Context(zmq.Context):  # type: ignore[type-arg]
    """pyzmq's Context, which creates these sockets."""

    _socket_class = _Socket
    _repr_cls = "zmq.green.Context"
    _instance = None


_Poller = zmq.Poller


def tell_of_timeouts(option: int) -> None:
    """Warn about a timeout option: pyzmq warns that it has no effect, but here it works."""
    if option in TIMEOS:
        warnings.warn(
            "RCVTIMEO and SNDTIMEO, which have no effect in zmq.green on libzmq, "
            "work on zlinkcompat",
            UserWarning,
            stacklevel=3,
        )
