"""``import zlinkcompat.green as zmq`` replaces ``zmq.green`` and always uses the hub engine.

A call that waits blocks only its own greenlet. Timeouts work, and any number of greenlets may wait
on one socket.
"""

from zlinkcompat._sugar import names as _names
from zlinkcompat._sugar.names import *  # noqa: F403
from zlinkcompat.green import poll as poll
from zlinkcompat.green.core import Context as Context
from zlinkcompat.green.core import Socket as Socket

# The name ``device`` is the function and not its module, as in pyzmq.
from zlinkcompat.green.device import device as device

__all__ = _names.__all__
