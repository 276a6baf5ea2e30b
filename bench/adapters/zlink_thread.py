"""This project on the thread engine, for programs that are not monkey-patched."""

from ..waiting import Threads
from .zlink import Zlink


class Library(Zlink):
    name = "zlink-thread"
    order = 13
    environment = {"ZLINK_ENGINE": "thread"}
    waiting = Threads
