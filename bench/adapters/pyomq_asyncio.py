"""pyomq in asyncio, by ``pyomq.asyncio``."""

from importlib import import_module

from ..waiting import Tasks
from .pyomq import Pyomq


class PyomqAsyncio(Pyomq):
    waiting = Tasks
    counterpart = "zlink.asyncio"
    patterns = tuple(each for each in Pyomq.patterns if each != "proxy")
    newer = (*Pyomq.newer, *(each for each in Pyomq.patterns if each.startswith("serving")))

    def load(self):
        super().load()
        self.asyncio = import_module("pyomq.asyncio")

    def start(self, case):
        self.context = self.asyncio.Context()

    def blocking(self):
        return self.zmq, self.zmq.Context()


class Library(PyomqAsyncio):
    name = "pyomq.asyncio"
    order = 3.5
