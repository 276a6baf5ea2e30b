"""pyzmq in asyncio, with uvloop's event loop."""

from .uvloop import InUvloop
from .zmq_asyncio import ZmqAsyncio


class Library(InUvloop, ZmqAsyncio):
    name = "zmq.asyncio-uvloop"
    order = 2.5
