"""``import zlinkcompat.green as zmq``: the hub engine always, in place of ``zmq.green``.

What waits, waits in its greenlet only; timeouts work, and any number of greenlets may wait on one
socket.
"""

from zlinkcompat import _names
from zlinkcompat._names import *  # noqa: F403

__all__ = _names.__all__


class Socket(_names.Socket):
    """A socket of a :class:`Context` of this module."""

    _repr_cls = "zlinkcompat zmq.green.Socket"


class Context(_names.Context):
    """A context whose connections run in the hub of the thread that uses them."""

    _engine = "hub"
    _socket_class = Socket
    _repr_cls = "zlinkcompat zmq.green.Context"
    _instance = None
