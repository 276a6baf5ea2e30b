"""pyomq: a core in Rust with an API like pyzmq's."""

from functools import cache
from importlib import metadata

from .base import Adapter


class Pyomq(Adapter):
    """The base class of the adapters for pyomq's APIs."""

    module = "pyomq"
    forks = False  # in a forked process pyomq waits in steps of a millisecond
    # pyomq does not have CONNECT_ROUTING_ID. Its PUB and its XPUB drop messages even with
    # OMQ_ON_MUTE_BLOCK (0.27.3), so the rate of arriving messages cannot be measured.
    patterns = tuple(
        each for each in Adapter.patterns if each not in ("pub-sub", "fan-out", "router-router")
    )
    #: Patterns that releases before 0.27 do not support.
    newer = ("curve", "ring", "slow-subscriber", "prompt-subscribers")

    def runs(self, case):
        return super().runs(case) and not (case.pattern in self.newer and is_old())

    def about(self):
        return {"version": metadata.version("pyomq")}

    def start(self, case):
        self.context = self.zmq.Context()  # pyomq does not limit the number of sockets


@cache
def is_old():
    """Return whether the installed release is older than 0.27; False if none is installed."""
    try:
        version = metadata.version("pyomq").split(".")
    except metadata.PackageNotFoundError:
        return False
    return tuple(map(int, version[:2])) < (0, 27)


class Library(Pyomq):
    name = "pyomq"
    order = 3
