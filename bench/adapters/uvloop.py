"""A mixin that runs an asyncio adapter in uvloop's event loop."""

from importlib import import_module

from ..waiting import UvloopTasks
from .base import Missing


class InUvloop:
    waiting = UvloopTasks
    counterpart = "zlink.asyncio-uvloop"

    def load(self):
        try:
            self.uvloop = import_module("uvloop")
        except ImportError as error:
            raise Missing(f"not installed ({error})")
        super().load()

    def about(self):
        return {**super().about(), "uvloop": self.uvloop.__version__}
