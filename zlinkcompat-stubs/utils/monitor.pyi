from zmq.utils.monitor import *

# As in pyzmq: users of this module may name `zlinkcompat.asyncio` without importing it.
import zlinkcompat.asyncio  # noqa: F401
