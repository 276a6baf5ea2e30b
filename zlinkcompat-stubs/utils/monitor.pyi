from zmq.utils.monitor import *

# As pyzmq's does: who monitors may name `zlinkcompat.asyncio` without an import of it.
import zlinkcompat.asyncio  # noqa: F401
