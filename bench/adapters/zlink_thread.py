"""This project with its I/O in native threads, for programs that are not monkey-patched."""

from bench.adapters.zlink import Zlink
from bench.waiting import Threads


class Library(Zlink):
    name = "zlink-thread"
    order = 13
    environment = {"ZLINK_ENGINE": "thread"}
    waiting = Threads
