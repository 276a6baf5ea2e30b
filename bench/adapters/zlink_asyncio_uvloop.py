"""This project in asyncio, with uvloop's event loop."""

from .uvloop import InUvloop
from .zlink_asyncio import ZlinkAsyncio


class Library(InUvloop, ZlinkAsyncio):
    name = "zlink.asyncio-uvloop"
    order = 15
