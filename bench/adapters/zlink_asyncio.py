"""This project in asyncio."""

from importlib import import_module

from ..waiting import Tasks
from .zlink import Zlink


class ZlinkAsyncio(Zlink):
    module = "zlinkcompat.asyncio"
    environment = {"ZLINK_ENGINE": "auto"}
    waiting = Tasks
    patterns = tuple(each for each in Zlink.patterns if each != "proxy")

    def blocking(self):
        plain = import_module("zlinkcompat")
        return plain, plain.Context()


class Library(ZlinkAsyncio):
    name = "zlink.asyncio"
    order = 14
