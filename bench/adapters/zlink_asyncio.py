"""This project in asyncio."""

from ..waiting import Tasks
from .zlink import Zlink


class Library(Zlink):
    name = "zlink.asyncio"
    order = 14
    module = "zlinkcompat.asyncio"
    environment = {"ZLINK_ENGINE": "thread"}
    waiting = Tasks
    patterns = tuple(each for each in Zlink.patterns if each != "proxy")
