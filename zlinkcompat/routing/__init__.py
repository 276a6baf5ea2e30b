"""Routing: pipes with high-water marks, and patterns that choose a pipe for each message."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zlinkcompat.core.options import Options
    from zlinkcompat.core.socket import CoreSocket
    from zlinkcompat.routing.pattern import Pattern


def create(socket_type: int, owner: CoreSocket, options: Options) -> Pattern:
    """Create the pattern of a socket type.

    Parameters
    ----------
    socket_type : int
        ``zmq.PAIR`` (0) to ``zmq.STREAM`` (11).
    owner : zlinkcompat.routing.pattern.Owner
    options
        libzmq's socket options, as attributes with lower-case names.

    Raises
    ------
    ZMQError
        EINVAL for any other type.
    """
    from zlinkcompat.errors import EINVAL, zmq_error
    from zlinkcompat.routing.dealer import Dealer
    from zlinkcompat.routing.pair import Pair
    from zlinkcompat.routing.pub import Pub
    from zlinkcompat.routing.pull import Pull
    from zlinkcompat.routing.push import Push
    from zlinkcompat.routing.rep import Rep
    from zlinkcompat.routing.req import Req
    from zlinkcompat.routing.router import Router
    from zlinkcompat.routing.stream import Stream
    from zlinkcompat.routing.sub import Sub
    from zlinkcompat.routing.xpub import XPub
    from zlinkcompat.routing.xsub import XSub

    # In the order of libzmq's socket type numbers.
    classes = (Pair, Pub, Sub, Req, Rep, Dealer, Router, Pull, Push, XPub, XSub, Stream)
    if not 0 <= socket_type < len(classes):
        raise zmq_error(EINVAL, f"socket type {socket_type}: zmq.PAIR (0) to zmq.STREAM (11)")
    return classes[socket_type](owner, options)
