"""What ``zmq.green`` is made of on the backend, for its modules ``core``, ``poll`` and ``device``.

pyzmq's own watch a socket's descriptor from the hub, and look again every 11.6 s in case it told
nothing. Here calls wait in the hub of their thread by themselves, on either engine.
"""

import warnings

import gevent
import zmq

from zlinkcompat.green.device import device as device

TIMEOS = (zmq.RCVTIMEO, zmq.SNDTIMEO)


class _Socket(zmq.Socket):
    """pyzmq's Socket, whose calls wait in their greenlet."""

    _repr_cls = "zmq.green.Socket"

    def __init__(self, *args, **kwargs):
        # Who calls in a thread that has a hub waits in it.
        gevent.get_hub()
        super().__init__(*args, **kwargs)

    def get(self, option):
        """As of the base class; warns of timeouts."""
        tell_of_timeouts(option)
        return super().get(option)

    def set(self, option, optval):
        """As of the base class; warns of timeouts."""
        tell_of_timeouts(option)
        return super().set(option, optval)


class _Context(zmq.Context):
    """pyzmq's Context of these sockets."""

    _socket_class = _Socket
    _repr_cls = "zmq.green.Context"
    _instance = None


_Poller = zmq.Poller


def tell_of_timeouts(option):
    """pyzmq warns who sets them that they do nothing, so nobody may count on that they work."""
    if option in TIMEOS:
        warnings.warn(
            "RCVTIMEO and SNDTIMEO, which have no effect in zmq.green on libzmq, "
            "work on zlinkcompat",
            UserWarning,
        )
