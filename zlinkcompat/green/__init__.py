"""``import zlinkcompat.green as zmq``: the hub engine always, in place of ``zmq.green``.

What waits, waits in its greenlet only; timeouts work, and any number of greenlets may wait on one
socket.
"""

from zlinkcompat._sugar import names as _names
from zlinkcompat._sugar.names import *  # noqa: F403
from zlinkcompat.green import poll as poll
from zlinkcompat.green.core import Context as Context
from zlinkcompat.green.core import Socket as Socket

# The function in the place of its module, as in pyzmq.
from zlinkcompat.green.device import device as device

__all__ = _names.__all__
