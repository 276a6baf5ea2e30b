"""pyomq in asyncio, with uvloop's event loop."""

from .pyomq_asyncio import PyomqAsyncio
from .uvloop import InUvloop


class Library(InUvloop, PyomqAsyncio):
    name = "pyomq.asyncio-uvloop"
    order = 3.6
